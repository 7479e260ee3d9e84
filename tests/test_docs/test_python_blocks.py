"""The Python examples of README.md and docs/ run, one page after the other, at a size for tests."""

from __future__ import annotations

import ast
import importlib
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.test_docs.blocks import ROOT, all_blocks

Space = dict[str, Any]
PAGES = sorted({block.page for block in all_blocks("python")})
TORCH = "torch.md"  # tests/test_equations/test_docs_torch.py runs it, and checks what its comments say


def readme(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.test_srnca.tiny import config

    small = config(iterations=2, colours="map", clamp=(-1.0, 1.0))  # bounded, so that some rule survives
    monkeypatch.setattr("srnca.texture.config.PRESETS", {"default": small})


def nothing(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    """For pages that need nothing."""


def recording(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    from equations import models, simulate

    space["frames"] = simulate(models.get("lambda-omega"), size=32, steps=200, every=5, seed=1)


def zarr_file(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    space["zarr"] = pytest.importorskip("zarr")
    group = space["zarr"].open_group("x.zarr", mode="w")
    group.create_array("frames", data=np.zeros((2, 1, 4, 4), np.float32))


def checkpoint(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    from srnca import save_checkpoint, train
    from tests.test_srnca.tiny import config, target

    save_checkpoint(train(target(), config(iterations=1)), "leaf.pt")


def one_rank(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    values = {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "LOCAL_RANK": 0}
    for name, value in (values | {"LOCAL_WORLD_SIZE": 1}).items():
        monkeypatch.setenv(name, str(value))


def study(space: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    from srnca.studies.ratings.score import fit_score, save_score
    from srnca.studies.ratings.statistics import measure
    from tests.test_srnca.test_studies.planted import FEW_RESAMPLES, draw_sample

    np = pytest.importorskip("numpy")
    shutil.copytree(ROOT / "tests" / "test_srnca" / "golden" / "a.study", "a.study")
    random, snake = np.random.default_rng(0), draw_sample("snake")
    noise = np.repeat(np.linspace(0, 1, 15), 2)
    noisy = [np.clip(snake + 0.4 * n * random.standard_normal(snake.shape), 0, 1) for n in noise]
    rows = np.array([measure(snake, picture) for picture in noisy])
    score = fit_score(rows, np.round(5 - 5 * noise), np.repeat(np.arange(15), 2), resamples=FEW_RESAMPLES)[0]
    space.update(path=Path("score.json"), target=snake, picture=noisy[0])
    save_score(space["path"], score)


# page -> what has to be there before its first block, and what is made smaller in its text
RUNS: dict[str, tuple[Callable[[Space, pytest.MonkeyPatch], None], dict[str, str]]] = {
    "README.md": (readme, {"(checkpoint, out": "(checkpoint, effort=0.1, out", "steps=2000": "steps=20"}),
    "comparison.md": (nothing, {}),
    "learned.md": (nothing, {}),
    "equations-from-recordings.md": (recording, {}),
    "formats.md": (zarr_file, {}),
    "simulator.md": (checkpoint, {"size=512": "size=16", "step(2000)": "step(20)"}),
    "distributed.md": (one_rank, {"size=16384": "size=32", "step(1000)": "step(10)"}),
    "sweeps.md": (study, {'open_study("plants")': 'open_study("a")'}),
}
SLOW = {"README.md", "comparison.md", "sweeps.md", "distributed.md", "simulator.md"}


def test_every_page_with_python_is_run() -> None:
    assert set(PAGES) == {*RUNS, TORCH}, "give RUNS what the blocks of this page need"


def test_the_names_that_examples_import_are_there() -> None:
    for block in all_blocks("python"):
        for node in ast.walk(ast.parse(block.text)):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith(("equations", "distill", "srnca")):
                module = importlib.import_module(str(node.module))
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{block}: {node.module} has no {alias.name}"


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[pytest.mark.slow] if page in SLOW else []) for page in sorted(RUNS)]
)
def test_the_examples_of_a_page_run(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    prepare, smaller = RUNS[page]
    space: Space = {"__name__": "__main__"}
    prepare(space, monkeypatch)
    text = "\n".join(block.text for block in all_blocks("python") if block.page == page)
    for large, small in smaller.items():
        assert large in text, f"{page} no longer has {large!r}: mend RUNS"
        text = text.replace(large, small)
    exec(compile(text, page, "exec"), space)
    if page == "equations-from-recordings.md":
        assert space["found"].channels == ("u", "v")
    if page == "comparison.md":
        assert space["match"].distance < 0.05
    if page == "README.md":
        assert (tmp_path / "snake-rule" / "rule.json").is_file()
