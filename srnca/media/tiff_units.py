"""Widths of cells, time between frames and names of channels from the metadata of OME-TIFF and ImageJ."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

ALIKE = 1e-3  # relative difference between the sides of a pixel that counts as none
_MICRO = ("µm", "\u03bcm", "um", "micron", "microns")  # the micro sign, and the Greek letter
_METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, **dict.fromkeys(_MICRO, 1e-6), "nm": 1e-9, "Å": 1e-10, "pm": 1e-12}


@dataclass(frozen=True)
class Units:
    """What a file says of its units.

    dt, dx: time between two frames, width of a cell; None where it does not say them.
    names: of the channels; empty where it does not say them.
    said: of dt and dx, the value and its unit, as the file says them: ("dx", "0.65 µm").
    source: whose metadata they are.
    notes: further sentences for a person.
    """

    dt: float | None = None
    dx: float | None = None
    names: tuple[str, ...] = ()
    said: tuple[tuple[str, str], ...] = ()
    source: str = ""
    notes: tuple[str, ...] = ()

    def taken(self, given: Collection[str]) -> tuple[str, ...]:
        """A sentence about dt and dx from here, without those that are `given` otherwise; none where none is left."""
        used = [f"{name} {value}" for name, value in self.said if name not in given]
        return (f"from the {self.source} metadata: {', '.join(used)}",) if used else ()


def read_units(file: Any) -> Units:
    """The units of an open `tifffile.TiffFile`; none where its metadata are damaged or of another kind."""
    try:
        if file.is_ome and file.ome_metadata:
            return _of_ome(file.ome_metadata)
        if file.is_imagej and file.imagej_metadata:
            return _of_imagej(file.imagej_metadata, file.pages[0])
    except Exception:  # metadata of other programs, perhaps damaged
        return Units()
    return Units()


def _of_ome(text: str) -> Units:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(text)
    pixels = next(element for element in root.iter() if element.tag.endswith("}Pixels"))
    facts = pixels.attrib
    names = tuple(element.get("Name", "") for element in pixels if element.tag.endswith("}Channel"))
    sides = _positive(facts.get("PhysicalSizeX")), _positive(facts.get("PhysicalSizeY"))
    units = facts.get("PhysicalSizeXUnit", "µm"), facts.get("PhysicalSizeYUnit", "µm")
    found = _settled(sides, units, facts.get("TimeIncrement"), facts.get("TimeIncrementUnit", "s"), "OME")
    return replace(found, names=names if all(names) else ())


def _of_imagej(facts: dict[str, Any], page: Any) -> Units:
    unit = _unescaped(facts.get("unit", ""))
    units = unit, _unescaped(facts.get("yunit", unit))
    sides: list[float | None] = [None, None]
    if unit:
        for index, name in enumerate(("XResolution", "YResolution")):
            above, below = page.tags[name].value if name in page.tags else (0, 1)
            sides[index] = _positive(below / above) if above else None
    return _settled((sides[0], sides[1]), units, facts.get("finterval"), _unescaped(facts.get("tunit", "s")), "ImageJ")


def _unescaped(unit: object) -> str:
    r"""A unit as ImageJ writes it, where µm is \u00B5m."""
    return re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), str(unit))


def _settled(
    sides: tuple[float | None, float | None], units: tuple[str, str], interval: object, seconds: str, source: str
) -> Units:
    notes = []
    x, y = sides
    unit, other = units
    if x is not None and y is not None and unit != other:
        if unit in _METRES and other in _METRES:
            y *= _METRES[other] / _METRES[unit]
        else:
            pixels = f"{x:g} {unit} x {y:g} {other}"
            notes.append(f"pixels are {pixels} in the {source} metadata, two units: dx is not taken from there")
            x = y = None
    if x is not None and y is not None and abs(x - y) > ALIKE * max(x, y):
        pixels = f"{x:g} x {y:g} {unit}"
        notes.append(f"pixels are {pixels} in the {source} metadata, not square: dx is not taken from there")
        x = None
    time = _positive(interval)
    said = [("dx", f"{x:g} {unit}")] if x is not None else []
    said += [("dt", f"{time:g} {seconds}")] if time is not None else []
    return Units(time, x, (), tuple(said), source, tuple(notes))


def _positive(value: object) -> float | None:
    """A number above 0, else None."""
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None
