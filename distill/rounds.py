"""On-policy rounds: a rule learns what its teacher would do in the states that the rule itself visits."""

from __future__ import annotations

from distill.engines import FitOptions, get_engine
from distill.fronts.select import pareto
from distill.on_policy import ON_POLICY_SEED, label_visited, refit_front, state_distance, trial
from distill.run import Fronts, Run, choose_equations, compose_rule
from distill.sampling import Samples
from equations.rule.mask import shift_seed
from equations.rule.rule import Candidate

MATCHED = 0.1  # distance of states, in standard deviations, that ends the on-policy rounds
MOST_ROUNDS = 3


def on_policy_rounds(run: Run, fronts: Fronts, engines: tuple[str, ...], samples: Samples) -> tuple[Fronts, Samples]:
    """Rounds until the rule stays where the teacher is: the states that the rule visits, labelled by the teacher, join
    the samples, and all equations are refitted.

    They end when the rule's states are within `MATCHED` of the teacher's (`state_distance`) or the third round is
    done; a deadline that has passed ends them too, and is told what it left out.
    """
    every = run.steps // 10 or 1
    theirs = run.teacher.rollout(size=run.size, steps=run.steps, seed=shift_seed(run.seed, 3), every=every)
    wider = samples
    for number in range(MOST_ROUNDS + 1):
        rule = compose_rule(run, choose_equations(run, fronts, samples))
        seed = shift_seed(run.seed, ON_POLICY_SEED + number)
        visited = trial(rule, samples, size=run.size, steps=run.steps, seed=seed)
        run.distances.append(state_distance(visited, theirs))
        if run.distances[-1] <= MATCHED or number == MOST_ROUNDS:
            break
        if run.deadline.passed:
            run.deadline.leave_out(f"on-policy: {MOST_ROUNDS - number} of at most {MOST_ROUNDS} rounds")
            break
        run.progress("on-policy", number / MOST_ROUNDS, f"states {run.distances[-1]:.2g} from the teacher's")
        wider = label_visited(visited, wider, run.teacher, run.seed + number)
        fronts = _refitted(run, fronts, engines, wider, samples)
    return fronts, wider


def _refitted(run: Run, fronts: Fronts, engines: tuple[str, ...], wider: Samples, samples: Samples) -> Fronts:
    """The fronts on more samples: the sparse path anew, the others' equations with their constants refitted."""
    refitted = {}
    for index, (channel, front) in enumerate(fronts.items()):
        again: list[Candidate] = []
        if "sparse" in engines:
            options = FitOptions(seed=run.seed, max_terms=run.max_terms, teacher=run.teacher)
            again = get_engine("sparse").fit(wider, index, options=options)
            front = tuple(c for c in front if c.engine != "sparse")
        refitted[channel] = pareto(again, refit_front(front, wider, index), floor=float(samples.floor[index]))
    return refitted
