"""What comes out: an equation for each channel, and how far it is to be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sympy import Expr

from distill.weak.forms import numbers_in
from distill.weak.terms import Saturation
from equations.expressions.tree import to_tree

if TYPE_CHECKING:
    from distill.weak.evidence import Evidence

Verdict = Literal["found", "partly", "none"]
WORST_LAST: tuple[Verdict, ...] = ("found", "partly", "none")


@dataclass(frozen=True)
class FoundTerm:
    """A term of a law, in the recording's units.

    text: with channels' names, as in `distill.weak.terms`; also dxx(u) and dyy(u).
    error: the coefficient's standard error.
    saturation: the factor of a quotient, None in any other term. half_error: the standard error of its K.
    free: a function of the fields from free-form search, None in any other term. number_errors: the standard errors of
        the numbers in it, in the order of `forms.numbers_in`.
    """

    text: str
    coefficient: float
    error: float
    saturation: Saturation | None = None
    half_error: float = 0.0
    free: Expr | None = None
    number_errors: tuple[float, ...] = ()

    @property
    def numbers(self) -> tuple[tuple[float, float], ...]:
        """The numbers in a free form, each with its standard error."""
        return () if self.free is None else tuple(zip(numbers_in([self.free]), self.number_errors, strict=True))


@dataclass(frozen=True)
class ChannelLaw:
    """The time derivative of one channel.

    misfit: the share of the squared change that neither the law nor noise explains, on held-out windows; about 0, and
        by chance below, where the law is right.
    misfit_error: its standard error.
    noise: the share of the squared change that the recording's noise explains.
    verdict, reasons: whether this is the law, and why not.
    """

    channel: str
    terms: tuple[FoundTerm, ...]
    misfit: float
    misfit_error: float
    noise: float
    verdict: Verdict
    reasons: tuple[str, ...] = ()

    def text(self, *, errors: bool = True) -> str:
        """The law in one line; errors only where the law is found, for otherwise they mean nothing."""
        if not self.terms:
            return f"d{self.channel}/dt = 0"
        parts = []
        for term in self.terms:
            size = f"{abs(term.coefficient):.5g}"
            if errors and self.verdict == "found":
                size = f"({size} ± {term.error:.1g})"
            sign = "-" if term.coefficient < 0 else "+"
            parts.append(f"{sign} {size}" + ("" if term.text == "1" else f" {term.text}"))
        joined = " ".join(parts)
        return f"d{self.channel}/dt = {joined[2:] if joined[0] == '+' else '-' + joined[2:]}"


@dataclass(frozen=True)
class Equation:
    """A partial differential equation, continuous in time and space, found in recordings.

    laws: one for each channel.
    offsets: for each channel what is to be subtracted from recorded values before they are put into the law.
    dt, dx: time between frames and width of a cell, in whose units the coefficients are.
    boundary: "periodic" or "walls", as told or as judged from the frames' edges.
    noise: standard deviation of white noise in each channel.
    window: half the width of the test functions along t, y and x, in frames and cells.
    forecast: root mean square error of a forecast from a late frame, as a share of how much the frames change; None
        where no forecast was made.
    verdict: the worst of the laws' verdicts, and, without walls, of the forecast's.
    reasons: why it is not "found".
    notes: what else there is to say, such as what a free-form search came to.
    evidence: the forecast and the residuals themselves.
    """

    laws: tuple[ChannelLaw, ...]
    offsets: tuple[float, ...]
    dt: float
    dx: float
    boundary: str
    noise: tuple[float, ...]
    window: tuple[int, int, int]
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    forecast: float | None = None
    forecast_allowed: float | None = field(default=None, repr=False)
    evidence: Evidence | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(law.channel for law in self.laws)

    def law(self, channel: str) -> ChannelLaw:
        """The law of a channel."""
        return self.laws[self.channels.index(channel)]

    def coefficients(self, channel: str) -> dict[str, float]:
        """The coefficient of every term of a channel's law."""
        return {term.text: term.coefficient for term in self.law(channel).terms}

    def text(self) -> str:
        """The equations, what they are in, and the verdict, for reading."""
        lines = [law.text(errors=self.verdict == "found") for law in self.laws]
        lines += self.numbers_in_words()
        lines += self.notes
        for channel, offset in zip(self.channels, self.offsets, strict=True):
            if offset:
                lines.append(f"{channel} stands for the recorded value minus {offset:g}")
        lines.append(f"continuous time, {self.boundary} boundary, units of dt = {self.dt:g} and dx = {self.dx:g}")
        shares = ", ".join(f"{law.channel} {max(0.0, law.misfit):.2g}" for law in self.laws)
        lines.append(f"{self.verdict}; unexplained share of the change: {shares}")
        if self.forecast is not None:
            walls = " between walls that nothing passes" if self.boundary == "walls" else ""
            lines.append(f"forecast from a late frame{walls}: {self.forecast:.2g} of the change wrong")
        return "\n".join([*lines, *self.reasons])

    def numbers_in_words(self) -> list[str]:
        """A line for each number inside a quotient or a free form, with its error where the law is found."""
        lines = []
        for law in self.laws:
            certain = law.verdict == self.verdict == "found"
            for term in law.terms:
                if term.saturation is not None:
                    error = f" ± {term.half_error:.1g}" if certain else ""
                    half = f"{term.saturation.half:.5g}"
                    lines.append(f"{law.channel}: {term.text} is half of its largest at {half}{error}")
                inside = ", ".join(f"{x:.5g} ± {error:.1g}" for x, error in term.numbers)
                if inside and certain:
                    lines.append(f"{law.channel}: numbers in {term.text}: {inside}")
        return lines

    def to_json(self) -> dict[str, Any]:
        """Plain data: the keys of equation.json."""

        def rows(law: ChannelLaw) -> list[list[Any]]:
            trusted = law.verdict == self.verdict == "found"
            return [[t.coefficient, t.error if trusted else None, t.text] for t in law.terms]

        halves = {law.channel: found for law in self.laws if (found := _halves(law, self.verdict))}
        free = {law.channel: forms for law in self.laws if (forms := _free_forms(law, self.verdict))}
        return {
            "equation": {law.channel: rows(law) for law in self.laws},
            **({"half_saturations": halves} if halves else {}),
            **({"free_forms": free} if free else {}),
            "verdict": self.verdict,
            "causes": list(self.reasons),
            **({"notes": list(self.notes)} if self.notes else {}),
            "time": "continuous",
            "boundary": self.boundary,
            "misfit": {law.channel: law.misfit for law in self.laws},
            "noise": dict(zip(self.channels, self.noise, strict=True)),
            "offsets": dict(zip(self.channels, self.offsets, strict=True)),
            "forecast": self.forecast,
            "dt": self.dt,
            "dx": self.dx,
        }


def _halves(law: ChannelLaw, verdict: Verdict) -> dict[str, list[float | None]]:
    """For each quotient of a law its K and the standard error of K, which is None unless the law is found."""
    trusted = law.verdict == verdict == "found"
    return {
        t.text: [t.saturation.half, t.half_error if trusted else None] for t in law.terms if t.saturation is not None
    }


def _free_forms(law: ChannelLaw, verdict: Verdict) -> dict[str, dict[str, Any]]:
    """For each free form of a law its expression, and the numbers in it with errors, None unless the law is found."""
    trusted = law.verdict == verdict == "found"
    return {
        t.text: {"form": to_tree(t.free), "numbers": [[x, error if trusted else None] for x, error in t.numbers]}
        for t in law.terms
        if t.free is not None
    }


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of some verdicts."""
    return max(verdicts, key=WORST_LAST.index)
