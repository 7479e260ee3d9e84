"""From recordings straight to a rule: planted laws come back, and what holds no law is refused with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from distill.identify import identify
from distill.identify.blocks import make_blocks
from distill.identify.candidate_terms import candidate_terms
from distill.identify.schemes import Scheme
from distill.identify.system import System, Windows, early_rows
from equations.errors import InputError
from equations.expressions.terms import split_terms
from equations.rule.rule import Display
from equations.rule.stencils import DX, DY, ID, LAP5, feature_names
from tests.test_distill.conformance import same_law
from tests.test_distill.recorded import ALLEN_CAHN, LAMBDA_OMEGA, law, noisy, record

DT = 0.05
SPIRALS = law(LAMBDA_OMEGA, dt=DT)
FRAMES = record(SPIRALS, steps=60, size=24)
UV = ("u", "v")


def found_from(frames: Any, dt: float = DT, channels: tuple[str, ...] = UV, **options: Any) -> Any:
    recordings = frames if isinstance(frames, list) else [frames]
    return identify(recordings, dt, channels, **{"engine": "sparse", "rows": 4000, "max_terms": 8, **options}).result


# laws


def test_a_clean_recording_gives_the_law_itself() -> None:
    found = found_from(FRAMES)
    for channel in UV:
        same_law(found.rule.updates[channel], SPIRALS.updates[channel], tolerance=1e-5)
    assert (found.report["derivative"], found.report["stencil"]) == ("step", "lap5")
    assert found.rule.dt == DT
    assert all(value > 0.999999 for value in found.report["r2"].values())
    assert found.report["inclusion"]["u"]["u_lap5"] == 1.0
    assert found.rule.fronts["u"][-1].expr == found.rule.updates["u"]
    assert found.report["stability"]["stable"]


@pytest.mark.parametrize(("share", "tolerance"), [(0.01, 0.01), (0.05, 0.038)])
def test_a_noisy_recording_gives_the_terms_and_nearly_the_constants(share: float, tolerance: float) -> None:
    """0.038 is the error that PDE-FIND has on this system at a tenth of the noise."""
    found = found_from(noisy(FRAMES, share))
    assert found.report["derivative"] == "weak"
    for channel in UV:
        same_law(found.rule.updates[channel], SPIRALS.updates[channel], tolerance=tolerance)
        assert found.report["noise"][channel]["share"] == pytest.approx(share, rel=0.1)


@pytest.mark.slow
def test_the_errors_that_are_told_are_those_there_are() -> None:
    """Over noises, the constants scatter around the true ones as widely as their standard errors say."""
    scores = []
    for seed in range(3):
        report = found_from(noisy(FRAMES, 0.01, seed), seed=seed, stencil="lap5").report
        for channel in UV:
            true = {str(b): w for w, b in split_terms(SPIRALS.updates[channel])}
            for term, entry in report["constants"][channel].items():
                scores.append((entry["value"] - true[term]) / entry["error"])
    assert 0.3 < np.sqrt(np.mean(np.square(scores))) < 3


def test_noise_biases_a_naive_fit_and_not_ours() -> None:
    frames = noisy(FRAMES, 0.05).astype(float)
    stencils = (ID, LAP5, DX, DY)
    library = candidate_terms(UV, feature_names(UV, stencils))
    names = [str(library.expr(k)) for k in range(len(library.terms))]
    right = [names.index(str(b)) for _, b in split_terms(SPIRALS.updates["u"])]
    true = np.array([w for w, _ in split_terms(SPIRALS.updates["u"])])
    windows, levels = Windows(Scheme(1, 4, 2), 0), 0.05 * FRAMES.std(axis=(0, 2, 3))
    errors = []
    for told in (np.zeros(2), levels):
        system = System([frames], DT, UV, stencils, windows, told)
        blocks = make_blocks(system, lambda s: s.columns(library), 0, plain=right)
        errors.append(np.abs(blocks.fit_all(0, right) / blocks.norm[right] - true).mean())
    assert errors[1] < 0.3 * errors[0]


def test_rows_are_early_in_the_first_stretch_of_each_recording_however_short() -> None:
    frames = FRAMES[:4].astype(float)
    system = System([frames, frames], DT, UV, (ID, LAP5, DX, DY), Windows(Scheme(1)), np.zeros(2))
    assert sorted(set(system.block)) == list(range(24))  # three stretches of time
    assert sorted(set(system.block[early_rows(system)])) == [0, 1, 2, 3, 12, 13, 14, 15]


def test_a_strided_recording_is_taken_as_samples_of_continuous_time() -> None:
    fine = law(ALLEN_CAHN, dt=0.001)
    frames = record(fine, steps=4000, every=100, size=20)  # 0.1 apart
    found = found_from(frames, 0.1, ("u",))
    assert found.report["derivative"] == "multistep"
    same_law(found.rule.updates["u"], fine.updates["u"], tolerance=2e-3)
    steps = found.report["steps_per_frame"]
    assert steps > 1
    assert found.rule.dt == pytest.approx(0.1 / steps)


def test_every_fifth_step_of_a_rule_gives_the_rule() -> None:
    rule = law(ALLEN_CAHN, dt=0.05)
    found = found_from(record(rule, steps=150, every=5, size=20), 0.25, ("u",))
    assert found.report["steps_per_frame"] == 5
    assert found.rule.dt == pytest.approx(0.05)
    same_law(found.rule.updates["u"], rule.updates["u"], tolerance=2e-3)


@pytest.mark.parametrize("derivative", ["step", "multistep", "weak", "savgol"])
def test_every_derivative_can_be_asked_for(derivative: str) -> None:
    found = found_from(noisy(FRAMES, 0.002), derivative=derivative, stencil="lap5")
    assert found.report["derivative"] == derivative
    constants = found.report["constants"]["u"]
    assert constants["u_lap5"]["value"] == pytest.approx(1, rel=0.35)
    orders = {"step": 1, "weak": 1}
    assert (found.report["windows"]["order"] == 1) == (orders.get(derivative) == 1 or derivative == "savgol")
    assert (found.report["windows"]["frames"] > 1) == (derivative == "weak")


def test_the_width_of_cells_goes_into_the_kernels_and_the_rule() -> None:
    found = found_from(FRAMES[:20], dx=0.5).rule
    assert found.dx == 0.5
    assert found.stencils[1].kernel[0][1] == 4.0
    assert {str(b): w for w, b in split_terms(found.updates["u"])}["u_lap5"] == pytest.approx(0.25, rel=1e-5)


def test_recordings_of_one_system_are_pooled() -> None:
    short = [record(SPIRALS, steps=12, size=size, seed=size) for size in (12, 16, 20)]
    found = found_from(short)
    for channel in UV:
        same_law(found.rule.updates[channel], SPIRALS.updates[channel], tolerance=1e-4)
    assert [r["size"] for r in found.report["recordings"]] == [[12, 12], [16, 16], [20, 20]]


def test_same_seed_same_rule() -> None:
    frames = noisy(FRAMES[:20, :, :12, :12], 0.02)
    assert found_from(frames, seed=3).rule == found_from(frames, seed=3).rule


def test_a_channel_that_rests_gets_nothing() -> None:
    frames = np.concatenate([FRAMES[:20, :1], np.full_like(FRAMES[:20, :1], 0.5)], axis=1)
    found = found_from(frames)
    assert found.rule.updates["v"] == 0


def test_the_display_is_kept() -> None:
    frames = record(law(ALLEN_CAHN, dt=0.1), steps=10, size=16)
    assert found_from(frames, 0.1, ("grey",), display=Display(("grey",))).rule.display == Display(("grey",))


def test_an_absolute_value_is_found_without_noise() -> None:
    kinked = law({"u": "0.2*u_lap5 - 0.3*abs(u) + 0.1"}, dt=0.2)
    found = found_from(record(kinked, steps=15), 0.2, ("u",))
    same_law(found.rule.updates["u"], kinked.updates["u"], tolerance=1e-4)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_the_library_has_thirty_terms_and_more_most_of_them_wrong(channels: int) -> None:
    names = tuple("uvwxy"[:channels])
    library = candidate_terms(names, feature_names(names, (ID, LAP5, DX, DY)))
    assert len(library.terms) >= 30
    assert len(set(library.terms)) == len(library.terms)


# free form


@pytest.mark.slow
def test_operon_finds_the_quotient_of_gierer_and_meinhardt() -> None:
    rule = law({"a": "0.01*a_lap5 + 0.01*a^2/h - 0.01*a", "h": "0.2*h_lap5 + 0.01*a^2 - 0.02*h"}, dt=1.0)
    from equations.simulation import simulate

    state = np.random.default_rng(0).uniform(0.2, 1.8, (2, 32, 32))
    frames = simulate(rule, state=state, steps=80, every=1)
    found = identify([frames], 1.0, ("a", "h"), engine="operon").result
    same_law(found.rule.updates["a"], rule.updates["a"], tolerance=1e-5)
    assert found.report["regression"]["engine"]["a"] == "operon"


# what holds no law


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (FRAMES[:1], "expected at least two frames.* got 1"),
        (np.repeat(FRAMES[:1], 5, axis=0), "expected frames that change, got the same frame each time"),
        (np.where(np.arange(61)[:, None, None, None] == 7, np.nan, FRAMES), "got nan in frame 7"),
        (FRAMES[:, :1], "2 channels"),
        (np.random.default_rng(0).normal(size=(10, 2, 16, 16)), "their correlation is .*dt is too large for what"),
        (FRAMES[:3, :, :4, :4], r"expected at least \d+ places \(cells times frames\) for \d+ candidate terms, got 32"),
    ],
)  # fmt: skip
def test_bad_recordings_are_refused(frames: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        found_from(frames)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dt": 0.0}, "expected dt, the time between two frames, above 0, got 0"),
        ({"dt": -1.0}, "above 0, got -1"),
        ({"dt": float("nan")}, "above 0, got nan"),
        ({"dx": 0.0}, "expected dx above 0"),
        ({"max_terms": 0}, "expected max_terms above 0"),
        ({"rows": -1}, "expected rows above 0"),
        ({"derivative": "weka"}, 'derivative: expected one of auto, .*did you mean "weak"'),
        ({"stencil": "lap7"}, "stencil: expected one of auto, lap5"),
        ({"engine": "exact"}, "expected a teacher with a closed form"),
        ({"resume": True}, "got none"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        found_from(FRAMES[:5], **options)


def test_no_recording_at_all() -> None:
    with pytest.raises(InputError, match="expected at least one, got none"):
        found_from([])
