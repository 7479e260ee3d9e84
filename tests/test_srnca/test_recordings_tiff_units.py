"""Time between frames, width of a cell and names of channels in TIFF stacks of microscopes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from srnca.media.loading import Recording, load_recording

VALUES = np.random.default_rng(0).random((5, 2, 8, 9), np.float32)
OME: dict[str, Any] = {
    "axes": "TCYX", "PhysicalSizeX": 0.65, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 0.65,
    "PhysicalSizeYUnit": "µm", "TimeIncrement": 2.5, "TimeIncrementUnit": "s", "Channel": {"Name": ["actin", "S 2"]},
}  # fmt: skip


def ome(tmp_path: Path, **changes: Any) -> Recording:
    metadata = {key: value for key, value in (OME | changes).items() if value is not None}
    tifffile.imwrite(tmp_path / "x.ome.tif", VALUES, ome=True, metadata=metadata, photometric="minisblack")
    return load_recording(tmp_path / "x.ome.tif")


def test_ome_says_units_and_names(tmp_path: Path) -> None:
    found = ome(tmp_path)
    np.testing.assert_array_equal(found.frames, VALUES)
    assert (found.dt, found.dx, found.channels) == (2.5, 0.65, ("actin", "S_2"))
    assert "from the OME metadata: dx 0.65 µm, dt 2.5 s" in found.notes
    assert "x.ome.tif: 5 frames of 9x8 cells, 2 channels: actin" in found.notes[0]
    given = load_recording(tmp_path / "x.ome.tif", dt=1.0, dx=3.0)
    assert (given.dt, given.dx) == (1.0, 3.0)
    assert not any("metadata" in note for note in given.notes)  # nothing of them is used
    assert "from the OME metadata: dx 0.65 µm" in load_recording(tmp_path / "x.ome.tif", dt=1.0).notes
    assert "from the OME metadata: dt 2.5 s" in load_recording(tmp_path / "x.ome.tif", dx=3.0).notes


def test_pixels_that_are_not_square_have_no_width(tmp_path: Path) -> None:
    found = ome(tmp_path, PhysicalSizeY=1.3)
    assert (found.dt, found.dx) == (2.5, None)
    assert any("pixels are 0.65 x 1.3 µm in the OME metadata, not square" in note for note in found.notes)
    assert any("0.65 x 0.00065 µm" in note for note in ome(tmp_path, PhysicalSizeYUnit="nm").notes)


def test_sides_in_two_units_are_compared_in_one(tmp_path: Path) -> None:
    found = ome(tmp_path, PhysicalSizeY=650.0, PhysicalSizeYUnit="nm")
    assert (found.dt, found.dx, found.channels) == (2.5, 0.65, ("actin", "S_2"))
    assert not any("not square" in note for note in found.notes)


def test_sides_in_units_that_cannot_be_compared_have_no_width_but_the_rest_is_kept(tmp_path: Path) -> None:
    found = ome(tmp_path, PhysicalSizeYUnit="pixel")
    assert (found.dt, found.dx, found.channels) == (2.5, None, ("actin", "S_2"))
    assert any("pixels are 0.65 µm x 0.65 pixel in the OME metadata, two units" in note for note in found.notes)
    assert "from the OME metadata: dt 2.5 s" in found.notes


def test_ome_that_says_nothing_changes_nothing(tmp_path: Path) -> None:
    found = ome(tmp_path, **dict.fromkeys(set(OME) - {"axes"}))
    assert (found.dt, found.dx, found.channels) == (1.0, None, ("u", "v"))


@pytest.mark.parametrize("bits", [np.uint16, np.float32])
def test_imagej_says_units(tmp_path: Path, bits: type) -> None:
    values = (VALUES * 60000).astype(bits)
    facts = {"axes": "TCYX", "finterval": 0.25, "unit": "um"}
    tifffile.imwrite(tmp_path / "x.tif", values, imagej=True, resolution=(4.0, 4.0), metadata=facts)
    found = load_recording(tmp_path / "x.tif")
    assert (found.dt, found.dx) == (0.25, 0.25)
    np.testing.assert_allclose(found.frames, values / (65535 if bits is np.uint16 else 1), rtol=1e-6)


def test_units_that_imagej_escapes_are_written_out(tmp_path: Path) -> None:
    facts = {"axes": "TCYX", "unit": r"\u00B5m"}
    tifffile.imwrite(tmp_path / "x.tif", VALUES, imagej=True, resolution=(4.0, 4.0), metadata=facts)
    assert "from the ImageJ metadata: dx 0.25 µm" in load_recording(tmp_path / "x.tif").notes
    tifffile.imwrite(tmp_path / "y.tif", VALUES, imagej=True, resolution=(4.0, 0.004), metadata=facts | {"yunit": "nm"})
    assert load_recording(tmp_path / "y.tif").dx == 0.25


def test_a_resolution_for_printing_is_no_width_of_cells(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", VALUES[:, 0], resolution=(72.0, 72.0), photometric="minisblack")
    assert load_recording(tmp_path / "x.tif").dx is None
    tifffile.imwrite(tmp_path / "y.tif", VALUES[:, 0], imagej=True, resolution=(72.0, 72.0), metadata={"axes": "TYX"})
    assert load_recording(tmp_path / "y.tif").dx is None


def test_damaged_metadata_are_none(tmp_path: Path) -> None:
    ome(tmp_path)
    data = (tmp_path / "x.ome.tif").read_bytes()
    (tmp_path / "x.ome.tif").write_bytes(data.replace(b"TimeIncrement=", b"TimeIncrement<"))
    found = load_recording(tmp_path / "x.ome.tif")
    assert (found.dt, found.dx) == (1.0, None)
    assert found.frames.size == VALUES.size
