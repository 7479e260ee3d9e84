"""The data structures of the catalogue: a model, its presets, and the stencils and displays that most models use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sympy import Expr

from equations.errors import InputError, did_you_mean, shorten
from equations.expressions import build
from equations.expressions.infix import parse_infix
from equations.expressions.tree import canonical
from equations.rule.init import Init
from equations.rule.rule import Display, Rule
from equations.rule.stencils import ID, LAP5, Stencil, feature_names
from equations.rule.symbols import symbol


def with_laplacian(dx: float = 1.0) -> tuple[Stencil, Stencil]:
    """The stencils of most models: `id`, and `lap`, the five-point Laplacian for cells of width dx."""
    a, b, c = ((row[0] / dx**2, row[1] / dx**2, row[2] / dx**2) for row in LAP5.kernel)
    return ID, Stencil("lap", (a, b, c))


def shown(channel: str, low: float, high: float, colormap: Literal["grey", "viridis"] = "viridis") -> Display:
    """A display of one channel, whose colours go from the value `low` to the value `high`."""
    return Display((channel,), offset=0.0 - low / (high - low), scale=1 / (high - low), colormap=colormap)


@dataclass(frozen=True)
class Preset:
    """A named pattern of a model.

    about: one line that says what is seen.
    values: the parameters that differ from the model's own.
    steps, seed, size: give the typical picture, on a grid of size × size cells.
    init, display: replace the model's, where another first state or channel shows the pattern better.
    """

    about: str
    values: Mapping[str, float] = field(default_factory=dict)
    steps: int = 10_000
    seed: int = 0
    init: Init | None = None
    display: Display | None = None
    size: int = 192


@dataclass(frozen=True)
class Model:
    """A known model as data: equations with parameters, values for them, and the paper they are from.

    equations: channel → its update in infix form, in which `dt` is the time step.
    parameters: the values that presets start from.
    meaning: what each parameter is.
    presets: the first one is the default.
    latex: the model as papers write it.
    dx: the width of a cell, already included in the kernels of `stencils`.
    """

    name: str
    title: str
    about: str
    channels: tuple[str, ...]
    equations: Mapping[str, str]
    parameters: Mapping[str, float]
    meaning: Mapping[str, str]
    presets: Mapping[str, Preset]
    init: Init
    display: Display
    citation: str
    latex: str
    dt: float = 1.0
    dx: float = 1.0
    stencils: tuple[Stencil, ...] = with_laplacian()
    clamp: tuple[float, float] | None = None

    def rule(self, preset: str | None = None, **parameters: float) -> Rule:
        """The model's rule with the numbers of `preset` (None: the first), single ones changed by keyword.

        Raises InputError for an unknown preset or parameter.
        """
        chosen = self.preset(preset)
        values = self.values(preset, **parameters)
        features = feature_names(self.channels, self.stencils)
        numbers = {symbol(name): build.number(float(value)) for name, value in {**values, "dt": self.dt}.items()}

        def expression(text: str) -> Expr:
            return canonical(parse_infix(text, (*features, *values, "dt")).xreplace(numbers))

        return Rule(
            channels=self.channels,
            stencils=self.stencils,
            updates={channel: expression(text) for channel, text in self.equations.items()},
            dt=self.dt,
            clamp=self.clamp,
            init=chosen.init or self.init,
            display=chosen.display or self.display,
            provenance={
                "model": self.name,
                "preset": preset or next(iter(self.presets)),
                "parameters": values,
                "dx": self.dx,
                "steps": chosen.steps,
                "seed": chosen.seed,
                "size": chosen.size,
                "citation": self.citation,
            },
        )

    def preset(self, name: str | None = None) -> Preset:
        """The preset called `name` (None: the first); raises InputError for an unknown one."""
        if name is None:
            return next(iter(self.presets.values()))
        if name not in self.presets:
            raise InputError(
                f"model {self.name} has no preset {name!r}{did_you_mean(name, self.presets)}; "
                f"expected {', '.join(self.presets)}"
            )
        return self.presets[name]

    def values(self, preset: str | None = None, **parameters: float) -> dict[str, float]:
        """The parameters of `preset`, with those given by keyword changed."""
        self.check_parameters(parameters)
        return {**self.parameters, **self.preset(preset).values, **parameters}

    def check_parameters(self, names: Iterable[str]) -> None:
        """Raises InputError when one of `names` is no parameter of the model."""
        for name in names:
            if name not in self.parameters:
                raise InputError(
                    f"model {self.name} has no parameter {shorten(name)}{did_you_mean(name, self.parameters)}; "
                    f"expected {', '.join(self.parameters)}"
                )
