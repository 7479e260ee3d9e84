from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import sympy

from distill import Distillation, distill
from equations.errors import InputError
from tests.test_distill.teachers import gray_scott, hidden


@pytest.fixture(scope="module")
def found() -> Distillation:
    return distill(hidden(gray_scott()), engine="sparse", rows=800, size=(24, 24), steps=30)


def test_tables_have_pysr_columns(found: Distillation) -> None:
    tables = found.equations_
    assert len(tables) == 2
    assert {"complexity", "loss", "score", "equation", "engine", "sympy_format"} <= set(tables[0].columns)
    assert tables[0]["score"].iloc[0] == 0
    assert (tables[0]["score"].iloc[1:] > 0).all()


def test_sympy_and_latex_by_row(found: Distillation) -> None:
    assert found.sympy() == list(found.rule.expressions)
    assert found.sympy(0) == [found.fronts["u"][0].expr, found.fronts["v"][0].expr]
    assert found.sympy([-1, 0]) == [found.fronts["u"][-1].expr, found.fronts["v"][0].expr]
    assert found.latex(0) == [sympy.latex(expr) for expr in found.sympy(0)]
    with pytest.raises(InputError, match="each of 2 channels"):
        found.sympy([1])
    with pytest.raises(InputError, match=r'row below .* for channel "u", got 99'):
        found.sympy(99)


def test_predict_is_the_rule_and_so_is_the_module(found: Distillation) -> None:
    import torch

    X = np.random.default_rng(0).normal(size=(40, 8))
    u, u_lap, v, v_lap = X[:, 0], X[:, 1], X[:, 4], X[:, 5]
    expected = np.stack([0.16 * u_lap - u * v**2 + 0.035 * (1 - u), 0.08 * v_lap + u * v**2 - 0.1 * v], axis=1)
    np.testing.assert_allclose(found.predict(X), expected, atol=1e-5)
    module = found.pytorch()
    out = module(torch.tensor(X, dtype=torch.float32).reshape(4, 10, 8))
    assert out.shape == (4, 10, 2)
    np.testing.assert_allclose(out.reshape(40, 2).numpy(), expected, atol=1e-4)
    with pytest.raises(InputError, match="8 features"):
        found.predict(X[:, :3])
    with pytest.raises(InputError, match="8 features"):
        module(torch.zeros(2, 3))


def test_importing_distill_loads_nothing_heavy() -> None:
    code = (
        "import sys, distill; from distill import distill as d, RuleTeacher; import distill.engines\n"
        "heavy = {'torch', 'llvmlite', 'pyoperon', 'sklearn', 'pysr', 'juliacall', 'pandas', 'matplotlib'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
