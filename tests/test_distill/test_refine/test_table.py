"""A rule as a table of constants: the same rule before and after, and pruning that keeps what matters."""

from __future__ import annotations

import io

import numpy as np
import pytest

from distill.refine.table import SMALLEST, Flags, TermTable, most_important, to_table
from equations.backends.reference import step
from equations.rule.init import Init
from equations.rule.rule import Rule
from tests.test_distill.teachers import gray_scott, planted

UPDATES = {
    "u": "0.25 - 0.5*u + 0.3*u_lap + 0.2*abs(v_dx) - 0.1*u*v^2 + 0.05*tanh(u_dy)",
    "v": "0.1*v - 0.7*abs(u) + 0.4*u*v + 0.02*v_lap",
}


def states(batch: int = 1) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(batch, 2, 8, 11)).astype(np.float32)


def random_rule(seed: int) -> Rule:
    """Linear, absolute, product and constant terms with random constants, some shared by both channels."""
    rng = np.random.default_rng(seed)
    bases = ["u", "v", "u_lap", "v_dx", "abs(u)", "abs(v_lap)", "u*v", "u^2*v", "1", "sin(u_dy)", "max(u, v)"]
    made = {}
    for channel in ("u", "v"):
        chosen = rng.choice(bases, size=6, replace=False)
        pairs = zip(rng.normal(size=6).tolist(), chosen, strict=True)
        made[channel] = " + ".join(f"({constant!r})*{base}" for constant, base in pairs)
    return planted(made, dt=0.5, clamp=(-2.0, 2.0) if seed % 2 else None)


def alive(table: TermTable) -> set[tuple[int, str]]:
    return {(channel, str(table.bases[basis])) for channel, basis in table.places}


# the rule


@pytest.mark.parametrize("seed", range(4))
def test_a_step_is_the_references_step(seed: int) -> None:
    rule, start = random_rule(seed), states(2)
    table = TermTable(rule)
    table.calibrate(start)
    got = table.kernel.last(table.constants(), start, 1)
    wanted = np.stack([step(rule, state, step=0, seed=0) for state in start])
    np.testing.assert_allclose(got, wanted, atol=2e-5)
    assert np.abs(wanted - start).max() > 0.1


def test_calibration_changes_the_scale_and_not_the_rule() -> None:
    table, start = TermTable(planted(UPDATES)), states(3)
    before, constants = table.to_rule(), table.constants()
    for seen in (10 * start, start):
        table.calibrate(seen)
        np.testing.assert_allclose(table.constants(), constants, rtol=1e-6)
    assert table.to_rule(5) == TermTable(before).to_rule(5)
    place = [str(basis) for basis in table.bases].index("u*v")
    size = float(np.sqrt(np.square(start[:, 0] * start[:, 1]).mean()))
    assert table.size[place] == pytest.approx(size, rel=1e-5)
    assert table.scaled[1, place] == pytest.approx(0.4 * size, rel=1e-5)


def test_sizes_are_those_of_the_terms_own_bases() -> None:
    table, start = TermTable(planted(UPDATES)), states(3)
    np.testing.assert_array_equal(table.sizes(), 1)
    table.calibrate(start)
    assert table.sizes().shape == table.constants().shape == (table.terms,) == (10,)
    np.testing.assert_allclose(table.constants() * table.sizes(), table.scaled[table.alive], rtol=1e-6)
    assert [table.size[basis] for _, basis in table.places] == table.sizes().tolist()


def test_a_basis_that_is_never_there_still_has_a_size() -> None:
    table = TermTable(planted({"u": "0.3*u_lap - 0.1*u", "v": "0.1*sqrt(v) + 0.5"}))
    table.calibrate(np.zeros((2, 2, 4, 4), np.float32))
    assert table.size.min() == np.float32(SMALLEST)
    assert table.to_rule(4) == planted({"u": "0.3*u_lap - 0.1*u", "v": "0.1*sqrt(v) + 0.5"})


def test_the_rule_comes_back() -> None:
    for rule in (planted(UPDATES), random_rule(1), gray_scott()):
        again = TermTable(rule).to_rule()
        assert again.terms() == rule.terms()
        assert (again.dt, again.clamp, again.init, again.display) == (rule.dt, rule.clamp, rule.init, rule.display)
        assert TermTable(again).to_rule() == again  # float32 constants come back exactly
        one, other = (step(r, states()[0], step=0, seed=0) for r in (again, rule))
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_the_rules_settings_stay() -> None:
    rule = planted(UPDATES, update_rate=0.5, mask="channel", clamp=(-0.9, 0.9), provenance={"start": "here"})
    again = TermTable(rule).to_rule()
    assert (again.update_rate, again.mask, again.clamp) == (0.5, "channel", (-0.9, 0.9))
    assert again.provenance == rule.provenance


def test_digits_are_significant_ones() -> None:
    table = TermTable(planted({"u": "0.123456*u - 0.000123456*u_lap"}))
    assert table.to_rule(3) == planted({"u": "0.123*u - 0.000123*u_lap"})
    table.calibrate(states()[:, :1])
    assert table.to_rule(2) == planted({"u": "0.12*u - 0.00012*u_lap"})


def test_a_rule_without_terms() -> None:
    table = TermTable(planted({"u": "0", "v": "0"}))
    table.calibrate(states())
    assert (table.terms, table.places) == (0, [])
    assert table.to_rule() == planted({"u": "0", "v": "0"})
    np.testing.assert_array_equal(table.kernel.last(table.constants(), states(), 3), states())


# pruning


def test_what_is_kept_is_the_rule_without_the_rest() -> None:
    table = TermTable(planted(UPDATES))
    table.calibrate(states(3))
    kept = table.alive.copy()
    for text in ("abs(v_dx)", "u*v", "u*v**2"):
        basis = [str(b).lower() for b in table.bases].index(text)
        kept[:, basis] = False
    before = table.kernel
    table.keep(kept)
    wanted = planted({"u": "0.25 - 0.5*u + 0.3*u_lap + 0.05*tanh(u_dy)", "v": "0.1*v - 0.7*abs(u) + 0.02*v_lap"})
    assert table.to_rule(4) == wanted
    assert table.kernel is not before  # compiled anew
    got = table.kernel.last(table.constants(), states(), 1)[0]
    np.testing.assert_allclose(got, step(wanted, states()[0], step=0, seed=0), atol=1e-5)


def test_bases_without_use_are_dropped() -> None:
    table = TermTable(planted({"u": "5*u + 0.01*tanh(u_lap)", "v": "3*v"}))
    assert len(table.bases) == 3
    table.keep(most_important(table.alive, np.abs(table.scaled), 2))
    assert len(table.bases) == table.scaled.shape[1] == table.alive.shape[1] == table.size.shape[0] == 2
    assert alive(table) == {(0, "u"), (1, "v")}


def test_the_most_important_terms_are_kept() -> None:
    """0.01 u³ matters more than 0.5 u_dx where u is large and flat."""
    rule = planted({"u": "0.01*u^3 + 0.5*u_dx - 0.2*u + 0.001*u_lap", "v": "-0.1*v + 0.2*u"})
    table = TermTable(rule)
    table.calibrate((10 + 0.001 * states()).astype(np.float32))
    table.keep(most_important(table.alive, np.abs(table.scaled), 4))
    assert table.to_rule(4) == planted({"u": "0.01*u^3 - 0.2*u", "v": "-0.1*v + 0.2*u"})
    bare = TermTable(rule)
    bare.keep(most_important(bare.alive, np.abs(bare.scaled), 4))  # without a look at states, constants decide
    assert "u_dx" in bare.to_rule().used_features


def flags(*rows: str) -> Flags:
    return np.array([[mark == "x" for mark in row] for row in rows])


def test_every_channel_keeps_its_best_term() -> None:
    importance = np.array([[5.0, 4, 3], [0.1, 0.3, 0.2]])
    np.testing.assert_array_equal(most_important(flags("xxx", "xxx"), importance, 3), flags("xx.", ".x."))
    np.testing.assert_array_equal(most_important(flags("xxx", "xxx"), importance, 2), flags("x..", ".x."))
    np.testing.assert_array_equal(most_important(flags("xxx", "xxx"), importance, 5), flags("xxx", ".xx"))


def test_no_term_is_revived_and_no_empty_channel_gets_one() -> None:
    importance = np.array([[1.0, 9, 2], [9.0, 9, 9], [0.0, 0, 0]])
    for keep in (1, 2, 3, 4, 9):
        kept = most_important(flags("x.x", "...", "xx."), importance, keep)
        assert not (kept & ~flags("x.x", "...", "xx.")).any()
        assert kept.any(axis=1).tolist() == [True, False, True]
    np.testing.assert_array_equal(most_important(flags("x.x", "...", "xx."), importance, 3), flags("x.x", "...", "x.."))


def test_a_channels_last_term_goes_before_terms_that_count_as_endless() -> None:
    """Terms that were not tried are all endless, and may be as many as are to be kept."""
    importance = np.array([[np.inf, np.inf, np.inf], [0.1, 0, 0], [0.2, 0.3, 0]])
    kept = most_important(flags("xxx", "x..", "xx."), importance, 4)
    np.testing.assert_array_equal(kept, flags("xx.", "x..", ".x."))


def test_a_term_without_which_nothing_is_a_number_is_kept() -> None:
    importance = np.array([[1.0, np.nan, 2.0]])
    np.testing.assert_array_equal(most_important(flags("xxx"), importance, 2), flags(".xx"))


def test_terms_that_count_as_endless_or_nothing_keep_their_order() -> None:
    """What was not tried is infinite; what makes pictures better when it goes is negative."""
    importance = np.array([[np.inf, np.inf, -1.0, 0.5]])
    np.testing.assert_array_equal(most_important(flags("xxxx"), importance, 3), flags("xx.x"))
    np.testing.assert_array_equal(most_important(flags("xxxx"), -importance, 2), flags("..xx"))


def test_keeping_as_many_or_more_changes_nothing() -> None:
    table = TermTable(planted(UPDATES))
    before = table.to_rule()
    for keep in (table.terms, 100):
        table.keep(most_important(table.alive, np.abs(table.scaled), keep))
        assert table.to_rule() == before


def test_a_term_at_zero_is_no_reason_to_revive_another() -> None:
    table = TermTable(planted({"u": "5*u - 4*u_lap", "v": "3*v + 2*v_lap"}))
    table.scaled[table.scaled == -4] = 0
    table.keep(most_important(table.alive, np.abs(table.scaled), 6))
    table.keep(most_important(table.alive, np.abs(table.scaled), 4))
    assert alive(table) == {(0, "u"), (0, "u_lap"), (1, "v"), (1, "v_lap")}
    assert table.to_rule().terms() == {"u": 1, "v": 2}  # a constant of 0 is not written down


def test_values_are_put_where_their_terms_are() -> None:
    table = to_table([1.0, 2, 3], flags("x.x", ".x."))
    np.testing.assert_array_equal(table, [[1, 0, 2], [0, 3, 0]])
    made = TermTable(planted(UPDATES))
    np.testing.assert_array_equal(to_table(made.constants(), made.alive), made.scaled)


# copies


def test_a_copy_is_its_own() -> None:
    table = TermTable(planted(UPDATES))
    table.calibrate(states())
    before, other = table.to_rule(), table.copy()
    assert other.to_rule() == before
    other.scaled *= 2
    other.keep(most_important(other.alive, np.abs(other.scaled), 3))
    other.calibrate(3 * states())
    assert table.to_rule() == before
    assert (table.terms, other.terms) == (10, 3)
    np.testing.assert_allclose(
        table.kernel.last(table.constants(), states(), 1)[0], step(before, states()[0], step=0, seed=0), atol=1e-5
    )


def test_packing_and_unpacking_is_the_identity() -> None:
    table = TermTable(planted(UPDATES, provenance={"start": "here"}))
    table.calibrate(states())
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **table.pack())  # plain arrays: they go through a file
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as arrays:
        packed = dict(arrays)
    other = TermTable(planted({"u": "u", "v": "v"}, provenance={"start": "elsewhere"}))
    again = other.unpack(packed)
    assert again.bases == table.bases
    for name in ("scaled", "alive", "size"):
        np.testing.assert_array_equal(getattr(again, name), getattr(table, name))
        assert getattr(again, name).dtype == getattr(table, name).dtype
    assert again.to_rule() == table.to_rule()
    assert again.rule.provenance == table.rule.provenance  # where the terms come from goes with them
    start = states()
    np.testing.assert_array_equal(
        again.kernel.last(again.constants(), start, 5), table.kernel.last(table.constants(), start, 5)
    )
    assert other.to_rule() == planted({"u": "u", "v": "v"})
    again.scaled[...] = 0
    assert packed["scaled"].any()


def test_the_first_states_of_a_rule_go_with_its_terms() -> None:
    spots = Init("spots", (0.0, 1.0), (0.1, 0.2), (0.5, 0.5), square_fraction=0.1, spots=3)
    rule = planted({"u": "u", "v": "v"})
    packed = TermTable(rule.replace(init=spots)).pack()
    assert TermTable(rule).unpack(packed).rule.init == spots
    bare = TermTable(rule.replace(init=None)).pack()
    assert TermTable(rule.replace(init=spots)).unpack(bare).rule.init is None
