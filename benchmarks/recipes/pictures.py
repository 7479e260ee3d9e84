"""Pictures of what was trained: one sheet for each target, and a page of many targets for the documentation."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.recipes.automata import grow
from benchmarks.recipes.measuring import Place, saved
from benchmarks.recipes.tables import places
from benchmarks.recipes.training import RECIPES
from equations.errors import InputError
from srnca.media.contact_sheet import contact_sheet
from srnca.media.images import Target
from srnca.media.png import save_png
from srnca.texture.evaluate import SEEDS

WIDE = 256  # cells a side of the largest pictures
WIDE_STEPS = 1600


def sheet(folder: Path, path: Path) -> None:
    """Photo and automata of one target: after 400 steps above, after 1,600 steps at twice the size below."""
    first = {place.recipe: place for place in reversed(places(folder))}  # the first seed of each recipe
    order = [first[recipe] for recipe in RECIPES if recipe in first]
    if not order:
        return
    loaded = [dict(np.load(place.file(".npz"))) for place in order]
    photo = loaded[0]["target"]
    above = [photo, *(pictures["small"] for pictures in loaded)]
    below = [np.tile(photo, (2, 2, 1)), *(pictures["large"] for pictures in loaded)]
    names = [place.recipe for place in order]
    labels = ["photo", *names, "photo, 2 x 2 copies", *names]
    times = max(1, 128 // photo.shape[0])
    shown = [np.nan_to_num(picture).clip(0, 1) for picture in [*above, *below]]
    save_png(path, contact_sheet(shown, labels, columns=1 + len(order), scale=times))


def page(folders: Sequence[Path], recipes: Sequence[str], path: Path) -> None:
    """A row of pictures for each target: the photo, then what each recipe grew at its size and at 256 x 256.

    Below a picture stands the judge's median over all trainings of that recipe on that target. JPEG.
    """
    images, labels = [], []
    for folder in folders:
        known = [place for place in places(folder) if place.recipe in recipes]
        if not known:
            raise InputError(f"{folder}: none of {', '.join(recipes)} has been trained there")
        photo = np.load(known[0].file(".npz"))["target"]
        images.append(_zoomed(photo))
        labels.append(f"{folder.name}, {photo.shape[0]} x {photo.shape[1]}")
        for recipe in recipes:
            own = [place for place in known if place.recipe == recipe]
            small = np.load(own[0].file(".npz"))["small"] if own else np.ones_like(photo)
            wide = _wide(own[0], photo) if own else np.ones((WIDE, WIDE, 3))
            images += [_zoomed(small), wide]
            labels += _judged(recipe, own)
    shown = [np.nan_to_num(image).clip(0, 1) for image in images]
    sheet = contact_sheet(shown, labels, columns=1 + 2 * len(recipes))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(path, quality=88)


def _judged(recipe: str, own: Sequence[Place]) -> list[str]:
    """The labels of a recipe's two pictures."""
    judged = [record["judge"] for place in own if (record := place.record)]
    if not judged:
        return [f"{recipe}: not trained", ""]
    return [f"{recipe}, judge {statistics.median(judged):.2g}", f"{WIDE} x {WIDE}"]


def _zoomed(picture: np.ndarray) -> np.ndarray:
    times = WIDE // picture.shape[0]
    return np.kron(picture, np.ones((times, times, 1)))


def _wide(place: Place, photo: np.ndarray) -> np.ndarray:
    """What a recipe grows at 256 x 256; kept beside its training."""
    path = place.file("-wide.npz")
    if not path.exists():
        found = saved(place, Target(place.folder.name, photo))
        if found is None:
            raise InputError(f"{place.file('.pt')}: no such file; it holds the weights that are to be drawn")
        np.savez_compressed(path, wide=grow(found.automaton, WIDE, WIDE_STEPS, SEEDS[0]))
    return np.asarray(np.load(path)["wide"])
