"""`srnca distill`, killed at chosen places of every stage: the next call ends with the files of a run that was never
stopped, and leaves nothing else.
"""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from srnca.texture.checkpoint import save_checkpoint
from tests.test_srnca.killing import Commands, Death, slow_but
from tests.test_srnca.tiny import checkpoint

WORDS = ["distill", "--checkpoint", "x.pt", "--out", "out", "--terms", 2, "--engine", "sparse", "--seed", 3, "--quiet"]
CHANNELS, ROUNDS, LEVELS = 3, 3, 6  # of this automaton and its distillation
UNFINISHED = "unfinished.npz"

SAMPLE, ENGINE, PUT = (
    "distill.pipeline:sample", "distill.engines.sparse:SparseEngine.fit", "distill.unfinished:Unfinished.put"
)  # fmt: skip
TRIAL, LABEL, REFITTED = "distill.on_policy:trial", "distill.on_policy:label_visited", "distill.on_policy:_refitted"
LEVEL, LOOK, REMEMBER, IMPORTANCE, REGROW = (
    f"distill.refine.chain:Chain.{name}" for name in ("level", "_pool_gradient", "remember", "_importance", "_regrow")
)
SHARE = "distill.refine.descent:Descent._share_best"
AGAIN, AGED, TIDY = (
    "distill.refine.refinement:_judged_anew", "distill.refine.choice:Choice.aged", "distill.refine.choice:Choice.tidy"
)  # fmt: skip
REPORT, COMPARE, SAVE = (
    "distill.pipeline:make_report",
    "srnca.texture.distill:_compare",
    "distill.result:Distillation.save",
)
BYTES, RENAME, REMOVE = "pathlib:Path.write_bytes", "os:replace", "pathlib:Path.unlink"

FIT = [
    *(Death(SAMPLE, 1, when) for when in ("before", "after")),
    *(Death(ENGINE, call, when) for call in range(1, CHANNELS + 1) for when in ("before", "after")),
    *(Death("distill.pipeline:fit_channel", call, when) for call in (1, CHANNELS) for when in ("before", "after")),
    *(
        Death("distill.regression.greedy:Problem.forward", call, when)
        for call in (1, 2, 3)
        for when in ("before", "after")
    ),
    Death("distill.pipeline:_fit", 1, "after"),
    *(Death("distill.sampling:ages", 1, when) for when in ("before", "after")),
    *(Death("distill.sampling:_label", call) for call in (1, 2)),
]
ON_POLICY = [
    *(Death(TRIAL, call, when) for call in (1, 2, ROUNDS + 1) for when in ("before", "after")),
    *(Death(LABEL, call, when) for call in (1, 2, ROUNDS) for when in ("before", "after")),
    *(Death(REFITTED, call, when) for call in (1, ROUNDS) for when in ("before", "after")),
    *(Death(PUT, 1, when) for when in ("before", "after")),
    *(Death(RENAME, 1, when, match=UNFINISHED) for when in ("before", "after")),
    Death(BYTES, 1, "halfway"),
]
REFINE = [
    *(Death(LEVEL, call, when) for call in (1, 2, 5, 2 * LEVELS) for when in ("before", "after")),
    *(Death(LOOK, call, "after") for call in (2, 9, 40)),
    *(Death(REMEMBER, call) for call in (1, 8)),
    *(Death(IMPORTANCE, call, "after") for call in (1, 3)),
    *(Death(REGROW, call) for call in (2, 5)),
    *(Death(SHARE, call, when) for call in (1, 4) for when in ("before", "after")),
    *(Death(RENAME, call, when, match=UNFINISHED) for call in (2, 4, LEVELS + 1) for when in ("before", "after")),
    *(Death(BYTES, call, "halfway") for call in (2, LEVELS + 1)),
    *(Death(AGAIN, 1, when) for when in ("before", "after")),
    *(Death(AGED, call) for call in (1, 2)),
    *(Death(TIDY, 1, when) for when in ("before", "after")),
]
RESULT = [
    *(Death(REPORT, 1, when) for when in ("before", "after")),
    Death(COMPARE, 1, "after"),
    *(
        Death(RENAME, 1, when, match=name)
        for name in ("figure.png", "report.html", "page.html")
        for when in ("before", "after")
    ),
    *(Death(RENAME, call, "after", match="hall_of_fame") for call in (1, CHANNELS)),
    *(Death(RENAME, call, match="front/") for call in (1, 3)),
    *(Death(RENAME, 1, when, match=name) for name in ("report.json", "rule.json") for when in ("before", "after")),
    *(Death(REMOVE, 1, when, match=UNFINISHED) for when in ("before", "after")),
    Death(SAVE, 1, "after"),
]
REMOVED = [Death(REMOVE, 1, "after", match=UNFINISHED), Death(SAVE, 1, "after")]  # after these nothing is unfinished


@pytest.fixture(scope="module")
def commands(kill_server: subprocess.Popen[str]) -> Commands:
    return Commands(kill_server, shortened=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("trained") / "x.pt"
    save_checkpoint(checkpoint(activation="relu", channels=CHANNELS, filters=2), path)
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(commands: Commands, trained: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a run that was never stopped leaves."""
    folder = made(tmp_path_factory.mktemp("whole"), trained)
    commands.whole(folder, WORDS)
    found = results(folder / "out")
    assert {"rule.json", "report.json", "report.html", "page.html", "figure.png", "hall_of_fame_output3.csv"} <= set(
        found
    )
    assert sum(name.startswith("front/") for name in found) > 3
    return found


def made(folder: Path, trained: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "x.pt").write_bytes(trained)
    return folder


@pytest.fixture
def folder(tmp_path: Path, trained: bytes) -> Path:
    return made(tmp_path / "run", trained)


def results(out: Path) -> dict[str, object]:
    """Every file of a result, as it is; of the report all but its times and dates."""
    found: dict[str, object] = {
        str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()
    }
    report = json.loads((out / "report.json").read_text())
    report["time_s"] = sorted(report["time_s"])
    report["provenance"].pop("date", None)
    return {**found, "report.json": report}


def check(folder: Path, whole: dict[str, object]) -> None:
    """That the result is that of a run that was never stopped; which stages it did itself is not."""
    found = results(folder / "out")
    assert sorted(found) == sorted(whole)
    for name, content in found.items():
        if name == "report.json":
            assert isinstance(content, dict)
            content["time_s"] = whole[name]["time_s"]  # type: ignore[index]
        assert content == whole[name], name


@pytest.mark.parametrize("death", slow_but([*FIT, *ON_POLICY, *REFINE, *RESULT]))
def test_a_killed_distillation_ends_with_the_same_result(
    commands: Commands, folder: Path, whole: dict[str, object], death: Death
) -> None:
    commands.killed(folder, WORDS, death)
    if death in REFINE or (death in RESULT and death not in REMOVED):
        assert (folder / "out" / UNFINISHED).exists()
    commands.whole(folder, [*WORDS, "--resume"])
    check(folder, whole)


@pytest.mark.slow
def test_killed_in_one_stage_after_another(commands: Commands, folder: Path, whole: dict[str, object]) -> None:
    for death in (Death(LABEL, 2, "after"), Death(LOOK, 40, "after"), Death(RENAME, 1, "after", match="rule.json")):
        commands.killed(folder, [*WORDS, "--resume"], death)
    commands.whole(folder, [*WORDS, "--resume"])
    check(folder, whole)


@pytest.mark.slow
def test_no_stage_that_is_kept_is_done_again(commands: Commands, folder: Path, whole: dict[str, object]) -> None:
    kept = 0
    ended = commands.run(folder, WORDS, Death(PUT, 1, "after"))
    while ended.reached:  # regression, then level after level
        kept += 1
        ended = commands.run(folder, [*WORDS, "--resume"], Death(PUT, 1, "after"))
    assert ended.code == 0, ended.err
    assert kept > LEVELS
    check(folder, whole)


@pytest.mark.parametrize(
    "death",
    slow_but(
        [
            Death(place, call, "after", number=number)
            for place, call in ((SAMPLE, 1), (LABEL, 2), (LOOK, 20), (REMEMBER, 3), (SHARE, 2), (AGED, 1), (COMPARE, 1))
            for number in (signal.SIGINT, signal.SIGTERM)
        ]
    ),
)
def test_a_stopped_distillation_keeps_what_is_done(
    commands: Commands, folder: Path, whole: dict[str, object], death: Death
) -> None:
    ended = commands.killed(folder, WORDS, death)
    kept = (folder / "out" / UNFINISHED).exists()
    assert kept or death.at in (SAMPLE, LABEL)
    assert ("go on with: srnca distill --resume" in ended.err) == kept
    commands.whole(folder, [*WORDS, "--resume"])
    check(folder, whole)


@pytest.mark.slow
def test_a_kill_leaves_an_older_result_or_the_new_one(
    commands: Commands, folder: Path, whole: dict[str, object]
) -> None:
    """A run over an older result that is killed: its rule.json is still the old one, and a new run replaces all."""
    commands.whole(folder, [*WORDS, "--refine", "none"])
    before = (folder / "out" / "rule.json").read_bytes()
    commands.killed(folder, WORDS, Death(LEVEL, 3))
    assert (folder / "out" / "rule.json").read_bytes() == before
    commands.killed(folder, [*WORDS, "--resume"], Death(RENAME, 1, match="rule.json"))
    assert (folder / "out" / "rule.json").read_bytes() == before
    commands.whole(folder, [*WORDS, "--resume"])
    check(folder, whole)
