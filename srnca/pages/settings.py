"""What the page of a distillation shows, and how long rule and automaton are run for it."""

from __future__ import annotations

from dataclasses import dataclass

from srnca.texture.evaluate import STEPS


@dataclass(frozen=True)
class PageSettings:
    """Settings of a distillation's page. Sizes are in cells a side, times in steps.

    marks: the steps at which rule and automaton are shown side by side.
    grown: the age at which texture losses are taken; late states are at least as old.
    largest_film: larger automata are shown on a part of this size.
    film_work: channels · cells · steps that are run at most on the way to the last mark.
    large, large_steps: size of the large grid on which the rule is shown, and after how many steps.
    long, long_steps: size and number of steps of the long run.
    long_marks: how often that run is measured.
    short_look: a rule of more operations a cell is an automaton written out. Nobody reads it, and it is slow, so it is
        run for shorter times on smaller grids.
    longest: an equation with more numbers is not written out.
    residuals: cells whose updates by rule and teacher are compared.
    """

    marks: tuple[int, ...] = (0, 20, 50, 100, 400, 1000, 2000)
    grown: int = STEPS
    largest_film: int = 128
    film_work: int = 2**27
    large: int = 256
    large_steps: int = 1000
    long: int = 128
    long_steps: int = 10_000
    long_marks: int = 16
    short_look: int = 2_000
    longest: int = 1000
    residuals: int = 6000
