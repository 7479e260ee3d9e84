"""Several chains, in threads side by side, through the levels of pruning."""

from __future__ import annotations

import json
import math
import threading
import time

import numpy as np

from distill.deadline import Deadline
from distill.engines import Progress
from distill.refine.chain import Arrays, Chain
from distill.refine.costs import BEGINNING, judging_cost, judging_iterations, levels_cost
from distill.refine.found import Found
from distill.unfinished import Unfinished

HOPELESS = 1.2  # a chain whose score exceeds the best one's by this factor continues from the best chain's rule


class Descent:
    """Takes all chains through the levels of `plan`, one after the other.

    plan: number of terms, over all channels, of each level.
    needed: this many first levels are done even where the deadline has passed, with fewer iterations then. Any other
        level is done in full or left out, since rules of a shortened level do not keep their texture.
    iterations: of each level.
    """

    def __init__(
        self,
        chains: list[Chain],
        plan: list[int],
        needed: int,
        iterations: int,
        deadline: Deadline,
        progress: Progress,
        unfinished: Unfinished,
        after: float | None = None,
    ) -> None:
        """after: work of the caller when the rules are chosen, in iterations: the deadline leaves time for judging and
        for it. None where the deadline is for the levels alone.
        """
        self.chains, self.plan, self.needed = chains, plan, needed
        self.iterations, self.deadline = max(chains[0].settings.least_iterations, iterations), deadline
        self.progress, self.unfinished, self.after = progress, unfinished, after
        self.roots = [chain.root for chain in chains]
        for number, chain in enumerate(chains):
            chain.rate /= 2**number  # chains differ, since no one rate suits every texture
        self.costs = levels_cost(plan, self.iterations, chains[0].settings.tried)
        self.cost = BEGINNING + sum(self.costs)
        self.total = self.cost + judging_cost([*plan] * len(chains))  # including the judging after the descent
        self.done = [0.0] * len(chains)  # what each chain has done of this level, in the unit of the costs
        self.asked_to_stop = threading.Event()
        self.index = 0
        self.scores: list[float] = []  # the best score of each level that is done

    def run(self) -> None:
        """All levels, from where an unfinished run stopped, until the plan, the time or the improvement ends."""
        before = self.unfinished.get("refine")
        if before is not None:
            self._unpack(before)
        while self.index < len(self.plan) and not self._spent():
            left_s = self.deadline.remaining_s() - self._afterwards_s()
            allowed_s = left_s / max(1, self.needed - self.index)
            iterations = self._affordable(allowed_s)
            if iterations < self.iterations:
                if self.index >= self.needed:
                    self.deadline.leave_out(f"refined rules of {self._terms()} and fewer")
                    break
                self.deadline.leave_out(f"a part of the tuning at {self._terms()}")
            self._level(self.plan[self.index], iterations, time.monotonic() + allowed_s)
            self._share_best()
            self.index += 1
            self.unfinished.put("refine", self._pack())

    def _spent(self) -> bool:
        """Whether the last two levels are so much worse than the best that removing more terms is pointless."""
        spent = self.chains[0].settings.spent
        return len(self.scores) > 2 and min(self.scores[-2:]) > spent * min(self.scores)

    def _pack(self) -> Arrays:
        packed = {"index": np.array(self.index), "scores": np.array(self.scores)}
        packed["left_out"] = np.array(json.dumps(self.deadline.left_out))
        for number, chain in enumerate(self.chains):
            packed |= {f"{number}:{name}": array for name, array in chain.pack().items()}
        packed["roots"] = np.array([self.roots.index(chain.root) for chain in self.chains])
        return packed

    def _unpack(self, packed: Arrays) -> None:
        self.index, self.scores = int(packed["index"]), packed["scores"].tolist()
        for what in json.loads(str(packed["left_out"])):
            self.deadline.leave_out(what)
        for number, chain in enumerate(self.chains):
            mine = {key.split(":")[1]: a for key, a in packed.items() if key.split(":")[0] == str(number)}
            chain.unpack(mine)
            chain.root = self.roots[int(packed["roots"][number])]

    def _afterwards_s(self) -> float:
        """Seconds that judging the rules of all levels up to this one takes, and what the caller does then."""
        if self.after is None:
            return 0.0
        judged = [*self.plan[: self.index + 1]] * len(self.chains)
        return max(chain.pace for chain in self.chains) * (self.after + judging_iterations(judged))

    def _affordable(self, allowed_s: float) -> int:
        """How many iterations of a level fit into `allowed_s` seconds; at most all of them."""
        pace = max(chain.pace for chain in self.chains)
        if not pace or math.isinf(allowed_s):
            return self.iterations
        return max(self.chains[0].settings.least_iterations, min(self.iterations, int(allowed_s / pace)))

    def _level(self, terms: int, iterations: int, end: float) -> None:
        """One level of all chains, a thread each; tuning stops at the time `end`. Re-raises a chain's error."""
        errors: list[BaseException] = []

        def stop() -> bool:
            late = time.monotonic() > end
            if late:
                self.deadline.leave_out(f"a part of the tuning at {self._terms()}")
            return late or self.asked_to_stop.is_set()

        def work(number: int) -> None:
            def report(cost: float) -> None:
                self.done[number] += cost

            chain = self.chains[number]
            wanted = chain.table.terms if self.index == 0 else terms
            try:
                chain.level(wanted, iterations, stop=stop, report=report)
            except BaseException as error:
                errors.append(error)

        self.done = [0.0] * len(self.chains)
        workers = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(len(self.chains))]
        try:
            for worker in workers:
                worker.start()
            for worker in workers:
                while worker.is_alive():
                    worker.join(0.2)
                    self._report_progress(terms)
        except BaseException:
            self.asked_to_stop.set()
            for worker in workers:
                worker.join()
            raise
        if errors:
            raise errors[0]
        self.done = [self.costs[self.index]] * len(self.chains)
        self._report_progress(terms)

    def _report_progress(self, terms: int) -> None:
        best = merged(self.chains).get(terms)
        loss = f", texture loss {best.loss:.3f}" if best and math.isfinite(best.loss) else ""
        done = sum(self.costs[: self.index]) + min(*self.done, self.costs[self.index])
        self.progress("refine", (BEGINNING + done) / self.total, f"{self._terms()}{loss}")

    def _terms(self) -> str:
        """The number of terms at this level, in words."""
        return self.chains[0].table.in_words(self.plan[self.index])

    def _share_best(self) -> None:
        """Record the level's best score; let chains that are much worse continue from the best rule.

        Such a chain takes half the leader's learning rate where its own was higher, and twice the leader's otherwise.
        """
        latest = [chain.found.get(chain.table.terms) for chain in self.chains]
        known = [found for found in latest if found is not None and math.isfinite(found.score)]
        self.scores.append(min((found.score for found in known), default=math.inf))
        if not known:
            return
        best = min(known, key=lambda found: found.score)
        leader = self.chains[latest.index(best)]
        for chain, found in zip(self.chains, latest, strict=True):
            if found is None or found.score > HOPELESS * best.score:
                chain.table, chain.root = best.table.copy(), leader.root
                chain.rate = leader.rate * (0.5 if chain.rate > leader.rate else 2)


def merged(chains: list[Chain]) -> dict[int, Found]:
    """The best rule of every number of terms."""
    best: dict[int, Found] = {}
    for chain in chains:
        for terms, found in list(chain.found.items()):
            if terms not in best or found.score < best[terms].score:
                best[terms] = found
    return best
