"""The catalogue of known models: each a small file of data with a citation, loaded on use.

rule = models.get("gray-scott", preset="coral")        # or models.get("gray-scott:coral")
"""

from __future__ import annotations

from importlib import import_module

from equations.errors import InputError, did_you_mean
from equations.models.model import Model
from equations.rule.rule import Rule

MODELS: dict[str, str] = {
    "gray-scott": "equations.models.gray_scott",
    "fitzhugh-nagumo": "equations.models.fitzhugh_nagumo",
    "brusselator": "equations.models.brusselator",
    "schnakenberg": "equations.models.schnakenberg",
    "gierer-meinhardt": "equations.models.gierer_meinhardt",
    "lambda-omega": "equations.models.lambda_omega",
    "barkley": "equations.models.barkley",
    "oregonator": "equations.models.oregonator",
    "lengyel-epstein": "equations.models.lengyel_epstein",
    "allen-cahn": "equations.models.allen_cahn",
    "fisher-kpp": "equations.models.fisher_kpp",
    "swift-hohenberg": "equations.models.swift_hohenberg",
    "turing": "equations.models.turing",
    "may-leonard": "equations.models.may_leonard",
}


def names() -> tuple[str, ...]:
    """The names of all models."""
    return tuple(MODELS)


def load(name: str) -> Model:
    """The model called `name`, with its presets and citation; raises InputError for an unknown name."""
    if name not in MODELS:
        raise InputError(f"unknown model {name!r}{did_you_mean(name, MODELS)}; expected {', '.join(MODELS)}")
    model: Model = import_module(MODELS[name]).MODEL
    return model


def get(name: str, preset: str | None = None) -> Rule:
    """The rule of a model, as `gray-scott`, `gray-scott:coral`, or with `preset`."""
    base, _, named = name.partition(":")
    return load(base).rule(preset or named or None)


__all__ = ["MODELS", "Model", "get", "load", "names"]
