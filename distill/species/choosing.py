"""The choice among starts: each is tuned for a short while, and the best go on."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from distill.deadline import Deadline
from distill.engines import Progress
from distill.refine.chain import Arrays, Chain
from distill.refine.settings import Objective, Settings
from distill.species.family import CANDIDATE
from distill.species.scale import Scale
from distill.species.starts import grow, make_starts
from distill.unfinished import PartOf, Unfinished
from equations.errors import SrncaError
from equations.rule.mask import shift_seed
from equations.rule.rule import Rule
from equations.rule.rulefile import rule_from_dict, rule_to_text

LIMIT = 2.0  # largest |state| of a law: its starts stay below 1.1
HALVINGS = ((6, 0.02), (3, 0.04))  # so many starts are tuned for this share of the iterations each; the best go on
GO_ON = 2  # so many starts are pruned
GROWN_RUNS, GROWN_AGES = 12, (200, 400)  # runs of a start, and their ages, from which its pool is filled


@dataclass(frozen=True)
class Searching:
    """What the parts of one search share; see `distill_species`."""

    objective: Objective
    settings: Settings
    size: tuple[int, int]
    seed: int
    effort: float
    deadline: Deadline
    progress: Progress
    unfinished: Unfinished

    def chain(self, start: Rule, number: int) -> Chain:
        """A chain of refinement from a start, with its own random numbers."""
        seed = shift_seed(self.seed, 31 * number)
        side = min(self.settings.side, *self.size)
        seeds = [shift_seed(seed, 1 + run) for run in range(min(GROWN_RUNS, self.settings.pool))]
        grown = grow(start, (side, side), seeds, *GROWN_AGES)
        chain = Chain(start, self.objective, self.settings, size=self.size, seed=seed, grown=grown, limit=LIMIT)
        chain.rate *= float(np.abs(chain.table.scaled[: chain.table.channels]).max())
        chain.table.keep(np.abs(chain.table.values()) > 2 * CANDIDATE)  # others may come back where they are of use
        return chain

    def part(self, species: int) -> Searching:
        """The same with stages of its own in the unfinished file, and its number of species in the progress."""

        def report(stage: str, fraction: float, detail: str) -> None:
            self.progress(stage, fraction, f"{species} species: {detail}" if detail else "")

        return replace(self, unfinished=PartOf(self.unfinished, f"{species}-"), progress=report)

    @torch.no_grad()
    def measure(self, pictures: npt.NDArray[np.float32]) -> float:
        """The mean score of pictures (n, 3, h, w); not finite where they are not."""
        return float(self.objective.judge(torch.from_numpy(pictures)).mean())


def begin(search: Searching, picture: npt.NDArray[np.floating], scale: Scale, species: int) -> list[Rule]:
    """The starts, or those of an unfinished search. Raises SrncaError where no law of the sweep keeps a pattern."""
    before = search.unfinished.get("sweep")
    if before is not None:
        return [rule_from_dict(json.loads(text)) for text in before["laws"].tolist()]
    search.progress("starts", 0.0, "a sweep over textbook systems")
    starts = make_starts(picture, scale, species, search.measure, seed=shift_seed(search.seed, 5))
    if not starts:
        raise SrncaError("species: no textbook system kept a pattern of this picture's wavelength; try another --seed")
    search.unfinished.put("sweep", {"laws": np.array([rule_to_text(start) for start in starts])})
    return starts


def choose_starts(search: Searching, starts: Sequence[Rule]) -> tuple[list[Chain], dict[str, float]]:
    """Chains of the starts that are best after a short tuning, and the last score of every start.

    Successive halving: all starts get a few iterations, the better ones some more (K. Jamieson, A. Talwalkar, AISTATS
    (2016) 240-248).
    """
    chains = [search.chain(start, number) for number, start in enumerate(starts)]
    scores, order = [math.inf] * len(chains), list(range(len(chains)))
    for number, (most, share) in enumerate(HALVINGS):
        order = order[:most]
        stage = f"starts{number}"
        before = search.unfinished.get(stage)
        if before is None or _to_do_again(search, before):
            for chain, score in zip(order, _tune(search, [chains[i] for i in order], share), strict=True):
                scores[chain] = score
            packed: Arrays = {"scores": np.array(scores)}
            for chain in order:
                packed |= {f"{chain}:{name}": array for name, array in chains[chain].pack().items()}
            search.unfinished.put(stage, packed | {"cut": np.array(search.deadline.passed)})
        else:
            scores = before["scores"].tolist()
            for chain in order:
                mine = {name.split(":")[1]: a for name, a in before.items() if name.split(":")[0] == str(chain)}
                chains[chain].unpack(mine)
        order.sort(key=lambda chain: scores[chain])
    named = {str(start.provenance["start"]): score for start, score in zip(starts, scores, strict=True)}
    return [chains[number] for number in order[:GO_ON]], named


def _to_do_again(search: Searching, before: Arrays) -> bool:
    """Whether a deadline cut this stage short, and nothing was built on what it left."""
    return bool(before.get("cut", False)) and search.unfinished.get("refine") is None


def _tune(search: Searching, chains: Sequence[Chain], share: float) -> list[float]:
    """Tune every chain for a share of all iterations; their scores then, infinite where a law runs away."""
    iterations = max(search.settings.least_iterations, round(search.effort * share * search.settings.iterations))
    done, ended = [0] * len(chains), threading.Event()

    def stop() -> bool:
        if search.deadline.passed:
            search.deadline.leave_out("a part of the choice among starts")
        return search.deadline.passed or ended.is_set()

    def tune(number: int) -> float:
        def report(cost: float) -> None:
            done[number] += 1

        chain = chains[number]
        if not chain.found:
            chain.remember()  # the start itself competes
        chain.level(chain.table.terms, iterations, stop=stop, report=report)
        best = chain.found.get(chain.table.terms)
        return math.inf if best is None else best.score

    pool = ThreadPoolExecutor(2)
    futures = [pool.submit(tune, number) for number in range(len(chains))]
    try:
        while wait(futures, timeout=0.2).not_done:
            search.progress("starts", sum(done) / (iterations * len(chains)), f"the best of {len(chains)}")
        return [future.result() for future in futures]
    finally:
        ended.set()
        pool.shutdown(cancel_futures=True)
