"""From a teacher (a network, a known model, a recording) to a closed-form rule.

    from distill import RuleTeacher, distill
    found = distill(RuleTeacher(models.get("gray-scott"), hide=True))
    found.rule.updates["u"], found.equations_[0], found.report["r2"]

Everything here is loaded on first use: `import distill` costs nothing and starts nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equations.lazy import lazy_names

if TYPE_CHECKING:
    from distill.engines import ENGINES, FitOptions, get_engine
    from distill.fidelity import r2
    from distill.fronts.halloffame import read_hall_of_fame, write_hall_of_fame
    from distill.identify.teacher import RecordingTeacher
    from distill.pipeline import distill
    from distill.refine.starts import starting_rule
    from distill.result import Distillation
    from distill.sampling import Samples, sample
    from distill.species.search import distill_species
    from distill.teacher import AnsweringTeacher, RuleTeacher, Teacher
    from distill.weak.discretise import Discretised, discretise
    from distill.weak.equation import Equation
    from distill.weak.find import find_equation

_HOMES = {
    "engines": ("ENGINES", "FitOptions", "get_engine"),
    "fidelity": ("r2",),
    "fronts.halloffame": ("read_hall_of_fame", "write_hall_of_fame"),
    "pipeline": ("distill",),
    "identify.teacher": ("RecordingTeacher",),
    "result": ("Distillation",),
    "sampling": ("Samples", "sample"),
    "refine.starts": ("starting_rule",),
    "species.search": ("distill_species",),
    "teacher": ("AnsweringTeacher", "RuleTeacher", "Teacher"),
    "weak.discretise": ("Discretised", "discretise"),
    "weak.equation": ("Equation",),
    "weak.find": ("find_equation",),
}

__all__ = [
    "ENGINES",
    "AnsweringTeacher",
    "Discretised",
    "Distillation",
    "Equation",
    "FitOptions",
    "RecordingTeacher",
    "RuleTeacher",
    "Samples",
    "Teacher",
    "discretise",
    "distill",
    "distill_species",
    "find_equation",
    "get_engine",
    "r2",
    "read_hall_of_fame",
    "sample",
    "starting_rule",
    "write_hall_of_fame",
]

__getattr__, __dir__ = lazy_names(globals(), _HOMES)
