"""What a catalogue entry is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sympy import Expr

from equations import build
from equations.errors import InputError, did_you_mean
from equations.infix import parse_infix
from equations.init import Init
from equations.rule import Display, Rule
from equations.stencils import Stencil, feature_names
from equations.symbols import symbol
from equations.tree import canonical


@dataclass(frozen=True)
class Model:
    """A known model as data: equations with parameters, values for them, and the paper they are from.

    `equations` maps each channel to its update in infix form; `parameters` holds the default preset's values
    and `presets` what each named preset changes. `latex` shows the model as its paper writes it.
    """

    name: str
    title: str
    channels: tuple[str, ...]
    stencils: tuple[Stencil, ...]
    equations: Mapping[str, str]
    parameters: Mapping[str, float]
    presets: Mapping[str, Mapping[str, float]]
    init: Init
    display: Display
    citation: str
    latex: str
    dt: float = 1.0
    clamp: tuple[float, float] | None = None

    def rule(self, preset: str | None = None, **parameters: float) -> Rule:
        """The model's rule with the numbers of `preset` (or the defaults), single ones changed by keyword.

        Raises InputError for an unknown preset or parameter.
        """
        values = self.values(preset, **parameters)
        features = feature_names(self.channels, self.stencils)
        numbers = {symbol(name): build.number(float(value)) for name, value in values.items()}

        def expression(text: str) -> Expr:
            return canonical(parse_infix(text, (*features, *values)).xreplace(numbers))

        return Rule(
            channels=self.channels,
            stencils=self.stencils,
            updates={channel: expression(text) for channel, text in self.equations.items()},
            dt=self.dt,
            clamp=self.clamp,
            init=self.init,
            display=self.display,
            provenance={
                "model": self.name,
                "preset": preset,
                "parameters": values,
                "citation": self.citation,
            },
        )

    def values(self, preset: str | None = None, **parameters: float) -> dict[str, float]:
        """The parameters of `preset`, with those given by keyword changed."""
        if preset is not None and preset not in self.presets:
            raise InputError(
                f"model {self.name} has no preset {preset!r}{did_you_mean(preset, self.presets)}; "
                f"expected {', '.join(self.presets)}"
            )
        for name in parameters:
            if name not in self.parameters:
                raise InputError(f"model {self.name} has no parameter {name!r}; it has {', '.join(self.parameters)}")
        return {**self.parameters, **(self.presets[preset] if preset else {}), **parameters}
