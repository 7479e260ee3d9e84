"""Whether each known model is identified in the whole catalogue, as it is and in disguise.

    python benchmarks/identify.py [--only gray-scott,turing] [--rule RULE …] [--json FILE]

In disguise its channels have other names, another order and other units: u → 2.5 u, v → 0.3 v, w → 1.7 w. Perturbed,
all coefficients are off by up to 3 % as well. Spoilt, there are two terms too many as well: random products of up to
three channels, each as large as 1 % of the largest term of its channel (root mean square on the model's run). A rule
given with --rule (a rule.json or its folder) should not be any of the models.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

if sys.path[0] == str(Path(__file__).resolve().parent):  # run as a script: its folder has a distill.py too
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from equations import Rule, load_rule, models
from equations.comparison import THRESHOLD, Ranking, identify, in_units
from equations.comparison.cells import model_cells
from equations.comparison.kernels import CELL
from equations.comparison.reduced_law import Term, law_of
from equations.expressions.infix import parse_infix
from equations.expressions.terms import join_terms, split_terms
from equations.files import write_text

SCALES = (2.5, 0.3, 1.7)
NOISE = 0.03
SPURIOUS, SPURIOUS_STREAM = 0.01, 41
SPOILT = 3  # times each model is spoilt


def disguised(rule: Rule) -> Rule:
    """The rule with other names, reverse order and other units. No clamp: its interval is the same for all channels."""
    names = {channel: f"q{i}" for i, channel in enumerate(rule.channels)}
    scales = dict(zip(rule.channels, SCALES, strict=False))
    return in_units(rule.replace(clamp=None), scales, names, rule.channels[::-1])


def perturbed(rule: Rule, seed: int) -> Rule:
    """Every coefficient times 1 + up to 3 %."""
    rng = np.random.default_rng(seed)

    def off(channel: str) -> Any:
        return join_terms([(c * (1 + rng.uniform(-NOISE, NOISE)), b) for c, b in split_terms(rule.updates[channel])])

    return rule.replace(updates={channel: off(channel) for channel in rule.channels})


def spoilt(name: str, seed: int) -> Rule:
    """The model with two small terms that it does not have."""
    rule, rng, extra = models.get(name), np.random.default_rng((seed, SPURIOUS_STREAM)), dict[tuple[str, str], float]()
    law, cells = law_of(rule), model_cells(name, next(iter(models.load(name).presets)))
    while len(extra) < 2:
        channel = str(rng.choice(rule.channels))
        factors = sorted(map(str, rng.choice(rule.channels, rng.integers(0, 4))))
        text, own = "*".join(factors) or "1", law.updates[channel]
        product = tuple((c, CELL, factors.count(c)) for c in sorted(set(factors)))
        if Term(product) in own.terms:
            continue
        largest = max(rms(cells.of(own, [term])) for term in own.terms) / rule.dt
        extra[channel, text] = float(rng.choice([-1.0, 1.0])) * SPURIOUS * largest / rms(cells.monomial(product))
    updates = dict(rule.updates)
    for (channel, text), weight in extra.items():
        updates[channel] += weight * parse_infix(text, rule.feature_names)
    return rule.replace(updates=updates)


def rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def disguises(name: str) -> Iterator[tuple[str, Rule]]:
    """Each model as it is, disguised, disguised and perturbed, and that with terms too many."""
    rule, seed = models.get(name), len(name)
    yield "as is", rule
    yield "disguised", disguised(rule)
    yield "perturbed", perturbed(disguised(rule), seed)
    yield from ((f"spoilt {k}", perturbed(disguised(spoilt(name, seed + k)), seed + k)) for k in range(SPOILT))


def measure(rule: Rule) -> dict[str, Any]:
    """The catalogue's answer, and how long it took."""
    began = time.perf_counter()
    ranking: Ranking = identify(rule)
    first, second = ranking.matches[:2]
    return {
        "found": [match.model for match in ranking.found],
        "first": [first.model, first.distance],
        "preset": first.preset,
        "differences": len(first.differences),
        "second": [second.model, second.distance],
        "seconds": time.perf_counter() - began,
    }


def row(name: str, found: dict[str, dict[str, Any]]) -> str:
    """One line of the table."""
    cells = []
    for answer in found.values():
        right = answer["found"] == [name]
        cells.append(f"{'yes' if right else 'NO: ' + (', '.join(answer['found']) or 'none')}, {answer['first'][1]:.2g}")
    nearest = min((answer["second"] for answer in found.values()), key=lambda second: second[1])
    seconds = max(answer["seconds"] for answer in found.values())
    return f"| {name} | {' | '.join(cells)} | {nearest[0]}, {nearest[1]:.2f} | {seconds:.1f} s |"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="these models, separated by commas; all")
    parser.add_argument("--rule", nargs="*", default=[], type=Path, help="rules that should be none of the models")
    parser.add_argument("--json", type=Path, help="write all answers there")
    options = parser.parse_args(arguments)
    answers: dict[str, Any] = {}
    print(f"distance at most {THRESHOLD:g} is the model\n")
    titles = ["as is", "disguised", "and 3 % off", *["and 2 terms too many"] * SPOILT]
    print(f"| model | {' | '.join(titles)} | nearest other | longest |\n{'|---' * (len(titles) + 3)}|")
    for name in options.only.split(",") if options.only else models.names():
        answers[name] = {label: measure(rule) for label, rule in disguises(name)}
        print(row(name, answers[name]), flush=True)
    for path in options.rule:
        answers[str(path)] = answer = measure(load_rule(path / "rule.json" if path.is_dir() else path))
        verdict = ", ".join(answer["found"]) or "none of these"
        closest = f"{answer['first'][0]}, {answer['first'][1]:.2f}"
        print(f"\n{path.name}: {verdict}; closest {closest}; {answer['seconds']:.1f} s")
    if options.json:
        write_text(options.json, json.dumps(answers, indent=2) + "\n")


if __name__ == "__main__":
    main()
