"""Every engine passes the conformance tests; each one's own promises follow."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from distill.engines import ENGINES, FitOptions, get_engine, unavailable
from distill.engines.base import silent
from distill.sampling import Samples, sample
from distill.teacher import RuleTeacher
from equations.errors import InputError, MissingPartError
from equations.expressions.infix import parse_infix
from tests.test_distill.conformance import LAW, EngineConformance, same_law
from tests.test_distill.teachers import Network, drawn, gray_scott, hidden, planted


class TestExact(EngineConformance):
    engine = "exact"


class TestSparse(EngineConformance):
    engine = "sparse"


@pytest.fixture(scope="class")
def short_rounds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("distill.engines.operon.ROUND", 30_000)
        yield


@pytest.mark.usefixtures("short_rounds")
class TestOperon(EngineConformance):
    engine = "operon"


def test_unknown_engine_is_named_with_a_hint() -> None:
    with pytest.raises(InputError, match=r"expected one of auto, exact, .* got 'sparce' \(did you mean \"sparse\"\?\)"):
        get_engine("sparce")


def test_missing_module_is_a_missing_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "ghost", "distill.engines.ghost")
    with pytest.raises(MissingPartError, match="ghost"):
        get_engine("ghost")
    assert unavailable("ghost") is not None
    assert unavailable("sparse") is None


def test_operon_without_pyoperon_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyoperon.sklearn", None)
    with pytest.raises(MissingPartError, match="pyoperon is not installed"):
        get_engine("operon").fit(drawn(LAW, 100, filters=2), 0, options=FitOptions())


def test_exact_wants_a_closed_form() -> None:
    samples = drawn(LAW, 100, filters=2)
    for teacher in (None, RuleTeacher(planted(LAW, filters=2), hide=True), Network()):
        with pytest.raises(InputError, match="expected a teacher with a closed form"):
            get_engine("exact").fit(samples, 0, options=FitOptions(teacher=teacher))


def test_exact_equals_the_teacher_to_rounding() -> None:
    teacher = RuleTeacher(planted({"r": "0.1*r - 0.3*abs(r_lap) + 0.02", "g": "0.5*r_dx - 0.25*abs(g)"}))
    samples = sample(teacher, rows=400, size=(16, 16), steps=8)
    for channel in (0, 1):
        (found,) = get_engine("exact").fit(samples, channel, options=FitOptions(teacher=teacher))
        assert found.loss <= 1e-14 * samples.variance[channel]


@pytest.fixture(scope="module")
def cells() -> Samples:
    """2,000 sampled cells of Gray-Scott with all four stencils, as a teacher that hides its law."""
    return sample(hidden(gray_scott()), rows=2000, size=(48, 48), steps=300)


@pytest.mark.parametrize("channel", [0, 1])
@pytest.mark.parametrize("engine", ["sparse", "operon"])
def test_gray_scott_exactly_from_2000_cells(cells: Samples, engine: str, channel: int) -> None:
    started = time.process_time()
    front = get_engine(engine).fit(cells, channel, options=FitOptions())
    assert time.process_time() - started < 30
    same_law(front[-1].expr, gray_scott().expressions[channel])


@pytest.mark.parametrize(
    "law",
    [
        "0.5*u - 0.2*u^3 + 0.1*v_lap - 0.4",
        "0.7*abs(u_lap) - 0.3*abs(v) + 0.11*u",
        "0.25*u*v_dx - 0.5*abs(u)*v_lap + 0.015625",
        "u_dx^2 + u_dy^2 - 0.3*u",
    ],
)
def test_sparse_recovers_planted_laws_exactly(law: str) -> None:
    samples = drawn({"u": law, "v": "v_lap"})
    front = get_engine("sparse").fit(samples, 0, options=FitOptions())
    same_law(front[-1].expr, parse_infix(law, samples.names), tolerance=1e-9)


def test_sparse_recovers_the_law_under_noise() -> None:
    from distill.fronts.select import knee

    samples = drawn({"u": "0.5*u - 0.2*u*v + 0.3*u_lap", "v": "v_lap"}, 4000, noise=0.02)
    front = get_engine("sparse").fit(samples, 0, options=FitOptions())
    chosen = knee(front, floor=float(samples.floor[0]))
    same_law(chosen.expr, parse_infix("0.5*u - 0.2*u*v + 0.3*u_lap", samples.names), tolerance=5e-3)
    assert all(len(repr(float(c))) <= 9 for c in chosen.expr.as_coefficients_dict().values()), (
        "constants beyond the data"
    )


def test_sparse_is_quick_on_eight_channels() -> None:
    """The whole path, 8 channels × 4 stencils, 20,000 rows: a few seconds (measured 1.2)."""
    rng = np.random.default_rng(0)
    channels = ("r", "g", "b", "h3", "h4", "h5", "h6", "h7")
    names = planted(dict.fromkeys(channels, "0")).feature_names
    X = rng.normal(size=(25_000, 32))
    Y = np.maximum(X @ rng.normal(size=(32, 48)) * 0.3, 0) @ rng.normal(size=(48, 8)) * 0.1
    samples = Samples(X[:20_000], Y[:20_000], names, channels, X[20_000:], Y[20_000:])
    started = time.process_time()
    for channel in range(8):
        front = get_engine("sparse").fit(samples, channel, options=FitOptions())
        assert front[-1].loss < 0.4 * samples.variance[channel]
        assert front[-1].terms <= 24
    assert time.process_time() - started < 15


def test_sparse_takes_terms_from_guesses() -> None:
    """max(0, u + v) is in no library; as a guess it is used."""
    samples = drawn({"u": "0.5*max(0, u + v) - 0.25*u_lap", "v": "v_lap"}, 800)
    guess = parse_infix("0.3*max(0, u + v) + 0.1*u_dx", samples.names)
    front = get_engine("sparse").fit(samples, 0, options=FitOptions(max_terms=4, guesses=(guess,)))
    same_law(front[-1].expr, parse_infix("0.5*max(0, u + v) - 0.25*u_lap", samples.names))
    alone = get_engine("sparse").fit(samples, 0, options=FitOptions(max_terms=4))
    assert alone[-1].loss > 1e-3


@pytest.mark.usefixtures("short_rounds")
def test_operon_builds_on_guesses() -> None:
    samples = drawn({"u": "u*v*u_lap*v_lap - 0.5*abs(u_dx - v)*u", "v": "v"}, 500)
    guess = parse_infix("2*u*v*u_lap*v_lap", samples.names)
    options = FitOptions(evaluations=20_000, max_terms=6)
    blind = get_engine("operon").fit(samples, 0, options=options)
    seeded = get_engine("operon").fit(samples, 0, options=replace(options, guesses=(guess,)))
    assert seeded[-1].loss < blind[-1].loss


@pytest.mark.parametrize("engine", ["sparse", "operon"])
def test_a_channel_that_never_moves_is_zero(engine: str) -> None:
    samples = drawn({"u": "0", "v": "v_lap"}, 200, filters=2)
    (found,) = get_engine(engine).fit(samples, 0, options=FitOptions(evaluations=20_000), progress=silent)
    assert found.expr == 0
    assert found.loss == 0
