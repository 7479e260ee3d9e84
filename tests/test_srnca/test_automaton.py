"""`load` gives one object for checkpoints of both kinds, which builds its parts once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from equations.errors import InputError
from srnca.automata import Automaton, load
from srnca.dynamics.teacher import RecordingNCATeacher
from srnca.texture.automaton import TextureAutomaton
from srnca.texture.checkpoint import save_checkpoint
from srnca.texture.judge import Judge
from srnca.texture.loss import TextureLoss
from srnca.texture.teacher import NCATeacher
from tests.test_srnca.test_evaluate import rule_of
from tests.test_srnca.tiny import SHORT_PAGE, SHORT_REFINEMENT, checkpoint, simulate_on_torch

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_on_torch(monkeypatch)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each part was built."""
    counts: Counter[str] = Counter()

    def count(part: type) -> None:
        proper: Callable[..., None] = part.__init__  # type: ignore[misc]

        def init(self: Any, *args: Any, **options: Any) -> None:
            counts[part.__name__] += 1
            proper(self, *args, **options)

        monkeypatch.setattr(part, "__init__", init)

    for part in (NCATeacher, RecordingNCATeacher, TextureLoss, Judge):
        count(part)
    return counts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_checkpoint(checkpoint(activation="abs", channels=3, filters=2), tmp_path / "x.pt")
    return tmp_path / "x.pt"


def test_one_distillation_builds_its_parts_once(file: Path, tmp_path: Path, built: Counter[str]) -> None:
    automaton: Automaton = load(file)
    assert built == {}
    result = automaton.distill(out=tmp_path / "out", terms=1, seed=3, refinement=SHORT_REFINEMENT, page=SHORT_PAGE)
    assert '<a href="page.html">' in (tmp_path / "out" / "report.html").read_text()
    page = (tmp_path / "out" / "page.html").read_text()
    assert 'data-pane="network"' in page
    assert 'src="data:image/jpeg;base64,' in page
    assert result.report["refine"]
    assert built == {"NCATeacher": 1, "TextureLoss": 1, "Judge": 1}


def test_verifying_and_reporting_use_the_same_parts(file: Path, tmp_path: Path, built: Counter[str]) -> None:
    automaton = load(file)
    assert isinstance(automaton, TextureAutomaton)
    rule = rule_of(automaton.checkpoint)
    built.clear()
    assert automaton.verify(rule, steps=20).ok
    result = automaton.distill(refine=False)
    automaton.report(tmp_path / "report.html", result, SHORT_PAGE)
    assert "<html" in (tmp_path / "report.html").read_text()
    assert built == {"NCATeacher": 1, "TextureLoss": 1, "Judge": 1}


def test_an_automaton_of_a_recording_has_no_mask_and_no_texture(built: Counter[str]) -> None:
    path = GOLDEN / "recorded.pt"
    automaton = load(path)
    assert automaton.loss is None
    assert automaton.judge is None
    assert automaton.teacher is automaton.teacher
    assert built == {"RecordingNCATeacher": 1}
    options: tuple[dict[str, Any], ...] = ({"max_loss": 0.1}, {"states": 1.0})
    for given in options:
        (name,) = given
        with pytest.raises(InputError, match=f"{name}: this automaton was trained on a recording; it has no mask"):
            automaton.distill(**given)
    with pytest.raises(InputError, match=r"--update-rate: .*recorded\.pt was trained on a recording; it has no mask"):
        load(path, update_rate=0.5)


def test_an_unfinished_training_is_said(tmp_path: Path) -> None:
    made = checkpoint()
    made.training = {"pool": 1}
    save_checkpoint(made, tmp_path / "x.pt")
    assert load(tmp_path / "x.pt").notes == ("training stopped at iteration 2, unfinished; taking it as it is",)


def test_a_rate_for_a_file_that_holds_it_is_refused(file: Path) -> None:
    with pytest.raises(InputError, match="expected an update rate for legacy checkpoints only"):
        load(file, update_rate=0.5)
