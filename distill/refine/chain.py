"""One chain of refinement: a table of terms, its pool of states, its optimiser, and the best rules it found."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from distill.refine.coloured import gradients_of, pictures_of
from distill.refine.costs import ITERATION, TRIAL
from distill.refine.found import Found
from distill.refine.pictures import damaged, first_state, masks_of
from distill.refine.scoring import Scoring
from distill.refine.settings import Objective, Settings
from distill.refine.stretches import Stretches
from distill.refine.table import Floats, TermTable, most_important, to_table
from equations.rule.reduce import visible_channels
from equations.rule.rule import Rule

Report = Callable[[float], None]  # called with the cost of the work since the last call, in the unit of `costs`
Arrays = dict[str, np.ndarray]


class Chain:
    """Tunes a rule's constants by gradient through rollouts from a pool of states, and prunes its terms.

    size: (height, width) of the grids it is judged on.
    grown: (n, channel, h, w), states of the teacher.
    limit: largest |state| of the teacher. Rollouts are cut to twice that.
    """

    def __init__(
        self,
        rule: Rule,
        objective: Objective,
        settings: Settings,
        *,
        size: tuple[int, int],
        seed: int,
        grown: Floats,
        limit: float,
        stretches: Stretches | None = None,
    ) -> None:
        assert rule.init is not None
        assert rule.display is not None
        self.objective, self.settings, self.stretches = objective, settings, stretches
        self.limit, self.bound = limit, 2 * limit
        self.judge = Scoring(objective, settings, size, seed, limit)
        self.random = np.random.default_rng((seed, 0xC4A1))
        self.directions = torch.Generator().manual_seed(seed)
        self.table = TermTable(rule, colours=settings.colours)
        self.table.calibrate(grown, settings.smallest)
        self.root = self.table.copy()  # with all the terms that may come back
        self.patch = (min(settings.side, size[0]), min(settings.side, size[1]))
        self.pool = np.stack([self._fresh() for _ in range(settings.pool)])
        self.grown = grown
        self.pool[: len(grown)] = grown[: settings.pool]  # part of the pool starts from the teacher's states
        self.found: dict[int, Found] = {}
        self.rate = settings.rate
        self.pace = 0.0  # seconds per iteration at the last level, its pruning included

    def _fresh(self) -> Floats:
        return first_state(self.root.rule, self.patch, int(self.random.integers(2**32)))

    def level(self, terms: int, iterations: int, *, stop: Callable[[], bool], report: Report) -> None:
        """Prune or grow to `terms`, tune and judge several times; end with the best constants found.

        stop: asked after each iteration whether to end early. report: called with the cost of what was done.
        """
        began = time.monotonic()
        if terms < self.table.terms:
            again = math.ceil(self.settings.regrown * terms)
            self._forget_unseen()
            kept = max(len(self.table.alive), terms - again)
            self.table.keep(most_important(self.table.alive, self._importance(report), kept))
        self._regrow(terms - self.table.terms)
        done = self._tune(iterations, stop, report)
        self.pace = (time.monotonic() - began) / done
        best = self.found.get(self.table.terms)
        if best is not None:
            self.table = best.table.copy()

    def pack(self) -> Arrays:
        """All that the next level depends on, as arrays."""
        packed: Arrays = {
            "pool": self.pool,
            "random": np.array(json.dumps(self.random.bit_generator.state)),
            "directions": self.directions.get_state().numpy(),
            "pace": np.array(self.pace),
            "rate": np.array(self.rate),
            "found": np.array([[f.terms, f.loss, f.score] for f in self.found.values()]).reshape(-1, 3),
        }
        tables = {"table": self.table} | {f"found{f.terms}": f.table for f in self.found.values()}
        for name, table in tables.items():
            packed |= {f"{name}.{key}": array for key, array in table.pack().items()}
        return packed

    def unpack(self, packed: Arrays) -> None:
        """Continue from what `pack` returned."""
        self.pool, self.pace, self.rate = packed["pool"], float(packed["pace"]), float(packed["rate"])
        self.random.bit_generator.state = json.loads(str(packed["random"]))
        self.directions.set_state(torch.from_numpy(packed["directions"]))

        def table(name: str) -> TermTable:
            mine = {key.split(".")[1]: a for key, a in packed.items() if key.split(".")[0] == name}
            return self.table.unpack(mine)

        rows = [(int(n), float(loss), float(score)) for n, loss, score in packed["found"]]
        self.found = {n: Found(n, loss, score, table(f"found{n}")) for n, loss, score in rows}
        self.table = table("table")

    def _tune(self, iterations: int, stop: Callable[[], bool], report: Report) -> int:
        """Follow the gradient with Adam; returns the number of iterations done.

        A running mean of the constants is judged: the gradient of a batch of pictures is noisy, and the mean averages
        the noise out (Polyak & Juditsky 1992, doi:10.1137/0330046).
        """
        marks = {round(iterations * share) for share in self.settings.judged_at}
        scaled = torch.from_numpy(self.table.scaled[self.table.alive]).requires_grad_()
        mean = scaled.detach().clone()
        optimiser = torch.optim.Adam([scaled], lr=self.rate, betas=(0.9, 0.98))
        for i in range(iterations):
            for group in optimiser.param_groups:
                group["lr"] = self.rate * (0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * i / iterations)))
            scaled.grad = self._gradient()
            optimiser.step()
            mean.lerp_(scaled.detach(), max(1 - self.settings.memory, 9 / (i + 10)))
            self._set_scaled(scaled)
            last = i + 1 == iterations or stop()
            if last or i + 1 in marks:
                self._set_scaled(mean)
                self.remember()
                self._set_scaled(scaled)
            report(ITERATION + self.table.terms)
            if last:
                break
        return i + 1

    def _set_scaled(self, scaled: Tensor) -> None:
        self.table.scaled[self.table.alive] = scaled.detach().numpy()

    def _gradient(self) -> Tensor:
        """The direction of the objective's gradient by `scaled`, as a vector of unit norm.

        Where the teacher's states count, the direction of their gradient is added, with their weight as its norm.
        """
        direction = _unit(self._pool_gradient(self.table))
        if self.stretches is not None:
            chosen = self.random.choice(len(self.stretches.start), self.settings.batch, replace=False)
            pull = self.stretches.pull(self.table, chosen, bound=self.bound)
            direction = direction + self.settings.states * _unit(pull)
        return torch.from_numpy(direction.astype(np.float32))

    def _pool_gradient(self, table: TermTable) -> npt.NDArray[np.float64]:
        """Run a batch of the pool; the gradient of the objective by the scaled constants. The last states go back."""
        s = self.settings
        chosen = self.random.choice(s.pool, s.batch, replace=False)
        state = self.pool[chosen]
        if self.random.integers(s.fresh_every) == 0:
            state[0] = self._fresh()
        if self.random.integers(s.damaged_every) == 0:
            state[-1] = damaged(state[-1], self.random)
        steps = int(self.random.integers(s.steps[0], s.steps[1] + 1))
        masks = masks_of(table.rule, self.random, steps, s.batch, self.patch)
        tape = table.kernel.rollout(table.constants(), state, steps, masks=masks, bound=self.bound)
        last = tape.state()
        excess = s.overflow / (s.batch * steps)
        adjoint, of_colours = gradients_of(table, self.objective, last, self.directions)
        of_channels = tape.gradient(adjoint, limit=self.limit, excess=excess)
        gradient = np.concatenate([of_channels / table.sizes(), of_colours])
        for slot, grown in zip(chosen, last, strict=True):
            # clipped states have zero gradient, so the pool must not keep them
            lost = not np.abs(grown).max() < 0.999 * self.bound
            self.pool[slot] = self.grown[self.random.integers(len(self.grown))] if lost else grown
        finite: npt.NDArray[np.float64] = np.nan_to_num(gradient, nan=0.0, posinf=0.0, neginf=0.0)
        return finite

    def _importance(self, report: Report) -> Floats:
        """How much every term matters, (channel, basis): the score of the pictures without it, from states of the pool.

        Only the terms of smallest effect are tried; the others count as infinitely important. Terms that favour a
        direction get a small malus: a rule without them is isotropic.
        """
        s, table = self.settings, self.table
        order = np.argsort(np.abs(table.scaled[table.alive]), kind="stable")
        tried = order[: math.ceil(len(order) * s.tried)]
        start, steps = self.pool[self.random.choice(s.pool, s.batch, replace=False)], s.trial_steps
        masks = masks_of(table.rule, self.random, steps, s.batch, self.patch)
        values, alive = np.full(len(order), np.inf), np.flatnonzero(table.alive)
        whole = start
        if table.colours:
            whole = table.kernel.last(table.constants(), start, steps, masks=masks, bound=self.bound)
        for number in tried:
            without = table.copy()
            without.scaled.flat[alive[number]] = 0
            last = whole  # which a colour does not change
            if alive[number] < table.channels * len(table.bases):
                last = table.kernel.last(without.constants(), start, steps, masks=masks, bound=self.bound)
            with torch.no_grad():
                values[number] = float(self.objective.judge(torch.from_numpy(pictures_of(without, last))).mean())
            report(TRIAL)
        importance: Floats = to_table(values, table.alive).astype(np.float32)
        return np.where(table.anisotropic, importance * (1 - s.isotropy), importance)

    def _forget_unseen(self) -> None:
        """Drop the terms of channels on which no shown channel depends, directly or through others."""
        rule = self.table.to_rule()
        assert rule.display is not None
        seen = visible_channels(rule, rule.display.channels)
        kept = [row >= len(rule.channels) or rule.channels[row] in seen for row in range(len(self.table.alive))]
        self.table.keep(self.table.alive & np.array(kept)[:, None])

    def _regrow(self, count: int) -> None:
        """Add `count` dropped terms again, with constant 0: those by which the objective's gradient is largest."""
        if count <= 0:
            return
        whole, table = self.root.copy(), self.table
        place = {basis: i for i, basis in enumerate(whole.bases)}
        columns = [place[basis] for basis in table.bases]
        whole.scaled[:] = 0
        whole.scaled[:, columns] = table.scaled
        alive = np.zeros_like(whole.alive)
        alive[:, columns] = table.alive
        total = np.zeros(whole.terms)
        for _ in range(self.settings.looks):
            total += self._pool_gradient(whole)
        dead = whole.alive & ~alive
        ranked = np.where(dead, to_table(np.abs(total), whole.alive), -1.0)
        chosen = np.zeros(dead.size, bool)
        chosen[np.argsort(-ranked, axis=None, kind="stable")[:count]] = True
        whole.keep(alive | (chosen.reshape(dead.shape) & dead))
        self.table = whole

    def remember(self) -> None:
        """Judge the rule as it is; keep it if it is the best of its number of terms."""
        best = self.found.get(self.table.terms)
        loss, score = self.judge.quick(self.table, math.inf if best is None else best.score)
        if best is None or score < best.score:
            self.found[self.table.terms] = Found(self.table.terms, loss, score, self.table.copy())


def _unit(gradient: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    unit: npt.NDArray[np.float64] = gradient / (np.linalg.norm(gradient) + 1e-8)
    return unit
