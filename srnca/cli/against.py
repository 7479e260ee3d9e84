"""`srnca verify RULE --against MODEL`: whether a rule is a known model, or which one, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from equations.errors import InputError, did_you_mean
from srnca.cli.against_text import checks_of, describe_match, describe_ranking, match_data, ranking_data
from srnca.cli.inputs import read_rule
from srnca.cli.options import check_output, parse_changes
from srnca.cli.output import say, say_json, warn
from srnca.cli.progress import Progress

if TYPE_CHECKING:
    from equations import Rule

ALL = "all"


def run_against(
    text: str,
    against: str,
    *,
    changes: Sequence[str] = (),
    steps: int | None = None,
    seed: int = 0,
    out: Path | None = None,
    as_json: bool = False,
    quiet: bool = False,
) -> bool:
    """Compare the rule that `text` names with the model `against`, or with all, and print the result.

    Returns whether the rule is that model, or one of all. Raises InputError for a rule or a model that cannot be read,
    and for flags that need one model.
    """
    held = parse_changes(changes)
    if against == ALL:
        for flag, given in (("--set", held), ("--steps", steps), ("--out", out)):
            if given:
                raise InputError(f"{flag}: expected one model, such as --against gray-scott, got --against all")
        return _rank(read_rule(text), as_json=as_json, quiet=quiet)
    name, _, preset = against.partition(":")
    _check_model(name, preset, held)
    if out is not None:
        check_output(out, (".png",))
    rule = read_rule(text)
    return _compare(rule, text, name, preset or None, held, steps, seed, out, as_json=as_json, quiet=quiet)


def _check_model(name: str, preset: str, held: dict[str, float]) -> None:
    from equations import models

    if name not in models.names():
        hint = did_you_mean(name, (*models.names(), ALL))
        raise InputError(f"--against: unknown model {name!r}{hint}; expected all, or a model that `srnca models` lists")
    models.load(name).values(preset or None, **held)


def _rank(rule: Rule, *, as_json: bool, quiet: bool) -> bool:
    from equations.comparison import identify

    with Progress(quiet=quiet) as progress:
        ranking = identify(rule, progress=lambda done, of: progress.update("models", done, of))
    if as_json:
        say_json(ranking_data(ranking))
    else:
        say(describe_ranking(ranking))
    if not ranking.found:
        best = ranking.matches[0]
        warn(f"mismatch: none of these; the closest, {best.model}, is {best.distance:.3g} away")
    return bool(ranking.found)


def _compare(
    rule: Rule,
    text: str,
    name: str,
    preset: str | None,
    held: dict[str, float],
    steps: int | None,
    seed: int,
    out: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> bool:
    from equations.comparison import compare_patterns, compare_with_model

    if not quiet:
        warn(f"comparing {text} with {name} …")
    match = compare_with_model(rule, name, preset, held)
    rollouts = None
    if not match.missing_channels:
        with Progress(quiet=quiet) as progress:
            rollouts = compare_patterns(
                rule, match, steps=steps, seed=seed, progress=lambda done, of: progress.update("steps", done, of)
            )
    checks = checks_of(match, rollouts)
    failed = [check.name for check in checks if not check.ok]
    data: dict[str, Any] = match_data(match, rollouts, checks)
    if out is not None:
        if rollouts is None:
            missing = ", ".join(match.missing_channels)
            raise InputError(
                f"--out: expected a rule with all channels of {name}, got none for {missing}; leave it out"
            )
        from srnca.pages.comparison_figure import draw_comparison

        draw_comparison(out, match, rollouts)
        data["figure"] = str(out)
    if as_json:
        say_json(data)
    else:
        say(describe_match(match, rollouts, checks))
    if failed:
        warn(f"mismatch: {', '.join(failed)}")
    return not failed
