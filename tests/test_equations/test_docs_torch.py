"""The examples of docs/torch.md run, and what their comments say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from equations import models, simulate

torch = pytest.importorskip("torch")

PAGE = Path(__file__).parents[2] / "docs" / "torch.md"


def test_the_examples_run():
    space: dict = {}
    for example in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(example, str(PAGE), "exec"), space)
    wanted = simulate(models.get("gray-scott:mitosis"), size=64, steps=1000, seed=3, every=1000, backend="torch")[-1]
    assert torch.equal(space["states"][3].cpu(), torch.tensor(wanted))
    found = {name: round(value, 4) for name, value in space["found"].items()}
    assert found == {"Du": 0.16, "Dv": 0.08, "F": 0.037, "k": 0.06}
    assert space["learned"] == space["model"].rule(**space["found"])
    assert space["slopes"].keys() == space["module"].constants().keys()
    assert next(iter(space["slopes"])) == "X.0"
    assert all(space["slopes"].values())
    assert space["state"].grad.shape == (2, 32, 32)
