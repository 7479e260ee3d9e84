"""Files of `torch.save`: what plain ones hold comes back, and what asks for more than it holds is refused at once."""

from __future__ import annotations

import resource
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from equations.errors import InputError
from equations.reading import VARIABLE
from srnca.automata.files import FORMAT
from srnca.automata.tensorfile import MOST_PARTS, read_tensors
from srnca.texture.checkpoint import load_checkpoint

DATA: dict[str, Any] = {
    "turned": torch.arange(6.0).reshape(2, 3).t(),
    "part": torch.arange(6.0)[2:4],
    "plain": [
        1,
        -5,
        2**40,
        2.5,
        float("inf"),
        "x²",
        None,
        True,
        (),
        (1,),
        (1, 2),
        (1, 2, 3),
        (1, 2, 3, 4),
        {},
        {"a": {}},
    ],
    "network": nn.Linear(2, 3).state_dict(),
    "adam": torch.optim.Adam([nn.Parameter(torch.ones(2))]).state_dict(),
    "none": torch.empty(0, 3),
    "one": torch.tensor(3),
    **{
        str(kind): torch.tensor([0, 1], dtype=kind) for kind in (torch.bfloat16, torch.float16, torch.bool, torch.uint8)
    },
}


@pytest.mark.parametrize("settings", [{}, {"pickle_protocol": 4}, {"_use_new_zipfile_serialization": False}], ids=str)
def test_plain_data_come_back(tmp_path: Path, settings: dict[str, Any]) -> None:
    path = tmp_path / "x.pt"
    torch.save(DATA, path, **settings)
    found, wanted = read_tensors(path, "a file"), torch.load(path, weights_only=False)
    assert repr(found) == repr(wanted) == repr(DATA)
    assert type(found["network"]) is OrderedDict


def test_parameters_come_back_as_tensors(tmp_path: Path) -> None:
    torch.save({"a": nn.Parameter(torch.ones(2))}, tmp_path / "x.pt")
    assert torch.equal(read_tensors(tmp_path / "x.pt", "a file")["a"], torch.ones(2))


def test_the_other_byte_order(tmp_path: Path) -> None:
    path, other = tmp_path / "x.pt", tmp_path / "y.pt"
    torch.save({"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([1 + 2j])}, path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("byteorder"):
                data = b"big"
            if "/data/" in name:
                data = b"".join(data[i : i + 4][::-1] for i in range(0, len(data), 4))
            new.writestr(name, data)
    found = read_tensors(other, "a file")
    assert found["a"].tolist() == [1, 2]
    assert found["b"].tolist() == [1 + 2j]


LARGE = {
    "kernel": {"format": FORMAT, "stencils": [{"name": "id", "kernel": torch.zeros(1).expand(10**9)}]},
    "history": {"format": FORMAT, "history": torch.zeros(1, dtype=torch.float64).expand(3 * 10**8)},
    "legacy": {"conv_0.weight": torch.zeros(1).expand(64, 10**7, 5, 1), "conv_1.weight": torch.zeros(3, 64, 1, 1)},
    "columns": {"format": FORMAT, "target": torch.zeros(10**4, 1).expand(10**4, 10**5)},
}


@pytest.mark.parametrize("settings", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "old"])
@pytest.mark.parametrize("name", list(LARGE))
def test_tensors_larger_than_what_is_stored_for_them(tmp_path: Path, name: str, settings: dict[str, Any]) -> None:
    path = tmp_path / "x.pt"
    torch.save(LARGE[name], path, **settings)
    assert path.stat().st_size < 10**5
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        InputError, match=r"x\.pt: expected a number in the file for each of a tensor's, got \d+ numbers"
    ):
        load_checkpoint(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_one_tensor_in_many_places_counts_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, once = tmp_path / "x.pt", torch.zeros(10**4)
    torch.save([once] * 30, path)
    assert len(read_tensors(path, "a file")) == 30
    monkeypatch.setenv(VARIABLE, "0.001")
    with pytest.raises(InputError, match=r"x\.pt: expected at most .* to read, got these tensors"):
        read_tensors(path, "a file")
    monkeypatch.setenv(VARIABLE, "0.00001")
    with pytest.raises(InputError, match="got this file, which would take"):
        read_tensors(path, "a file")


def test_data_that_unfold_or_contain_themselves(tmp_path: Path) -> None:
    path, folded, knot = tmp_path / "x.pt", ["x"], list[Any]()
    for _ in range(25):
        folded = [folded, folded]  # type: ignore[list-item]
    knot.append(knot)
    for data in (folded, knot, [0] * (MOST_PARTS + 1)):
        torch.save(data, path)
        with pytest.raises(InputError, match=f"expected at most {MOST_PARTS} values, at most 30 deep, got more"):
            read_tensors(path, "a file")
    torch.save({"a": 10**5000}, path)
    with pytest.raises(InputError, match="whole numbers of at most 64 bits"):
        read_tensors(path, "a file")


def test_storages_of_another_length_than_they_say(tmp_path: Path) -> None:
    """`torch.load` of some versions reads beyond the end of such a member."""
    path, other = tmp_path / "x.pt", tmp_path / "y.pt"
    torch.save({"a": torch.ones(8)}, path)
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w", method) as new:
            for name in old.namelist():
                short = method == zipfile.ZIP_STORED and "/data/" in name
                new.writestr(name, old.read(name)[: 4 if short else None])
        with pytest.raises(InputError, match="cut short or holds other objects"):
            read_tensors(other, "a file")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "x.pt")
    with pytest.raises(InputError, match="got a named pipe"):
        load_checkpoint(tmp_path / "x.pt")
