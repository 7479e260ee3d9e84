"""The gallery in the docs shows every preset of the catalogue, and nothing else."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from equations import models

SCRIPT = Path(__file__).parents[2] / "scripts" / "thumbnails.py"
PRESETS = [(name, preset) for name in models.names() for preset in models.load(name).presets]


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    spec = importlib.util.spec_from_file_location("thumbnails", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(gallery: ModuleType) -> None:
    assert (gallery.DOCS / "models.md").read_text() == gallery.page(), "run python scripts/thumbnails.py"


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_picture(gallery: ModuleType, name: str, preset: str) -> None:
    """Small, and not flat: a standard deviation of brightness above 15 of 255."""
    model = models.load(name)
    path = gallery.picture_path(model, preset)
    assert path.stat().st_size <= gallery.MAX_BYTES
    picture = Image.open(path)
    assert picture.size == (model.preset(preset).size,) * 2
    assert np.asarray(picture.convert("L")).std() > 15


def test_no_picture_is_left_over(gallery: ModuleType) -> None:
    wanted = {gallery.picture_path(models.load(name), preset).name for name, preset in PRESETS}
    assert {path.name for path in (gallery.DOCS / "images" / "models").iterdir()} == wanted


def test_a_picture_is_drawn_again(gallery: ModuleType) -> None:
    """What is drawn now is what lies there, but for the rounding of another machine."""
    model = models.load("fisher-kpp")
    drawn = np.asarray(Image.open(io.BytesIO(gallery.draw(model, "front"))).convert("L"), float)
    kept = np.asarray(Image.open(gallery.picture_path(model, "front")).convert("L"), float)
    assert np.abs(drawn - kept).mean() < 1
