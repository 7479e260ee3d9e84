"""What a distillation has done so far: found again whole, or refused with a sentence."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill import RecordingTeacher, RuleTeacher, sample
from distill.on_policy import on_policy
from distill.refine.starts import starting_rule
from distill.unfinished import (
    Unfinished,
    fingerprint,
    pack_fronts,
    pack_samples,
    unpack_fronts,
    unpack_samples,
)
from equations.errors import InputError
from equations.expressions.infix import parse_infix
from equations.rule.rule import Candidate
from tests.test_distill.teachers import Network, gray_scott, hidden, planted

KEY: dict[str, Any] = {"seed": 0, "size": (8, 8), "teacher": "abc"}


def filled(path: Path) -> Unfinished:
    made = Unfinished(path, KEY)
    made.put("one", {"a": np.arange(3), "text": np.array("é, [1]")})
    made.put("two", {"0:a.b": np.zeros((2, 0), np.float32)})
    return made


def again(path: Path, **changes: Any) -> Unfinished:
    return Unfinished(path, {**KEY, **changes}, resume=True)


# the file


def test_stages_are_found_again(tmp_path: Path) -> None:
    path = tmp_path / "u.npz"
    for made in (filled(path), again(path)):
        one, two = made.get("one"), made.get("two")
        assert one is not None
        assert two is not None
        np.testing.assert_array_equal(one["a"], [0, 1, 2])
        assert str(one["text"]) == "é, [1]"
        assert (two["0:a.b"].shape, two["0:a.b"].dtype) == ((2, 0), np.float32)
        assert (list(one), list(two)) == (["a", "text"], ["0:a.b"])
        assert made.get("three") is None
        assert made.get("on") is None
    assert [found.name for found in tmp_path.iterdir()] == ["u.npz"]


def test_a_stage_takes_the_place_of_what_was_there_of_it(tmp_path: Path) -> None:
    path = tmp_path / "u.npz"
    filled(path).put("one", {"b": np.array(5)})
    made = again(path)
    one = made.get("one")
    assert one is not None
    assert list(one) == ["b"]
    assert made.get("two") is not None
    made.put("three", {"c": np.array(1)})
    assert again(path).get("one") is not None


def test_a_new_one_does_not_look_at_an_old_file(tmp_path: Path) -> None:
    path = tmp_path / "u.npz"
    filled(path)
    made = Unfinished(path, KEY)
    assert made.get("one") is None
    made.put("three", {"c": np.array(1)})
    assert again(path).get("one") is None


def test_without_a_file_nothing_is_kept_and_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = Unfinished(None, KEY)
    made.put("one", {"a": np.arange(3)})
    assert made.get("one") is None
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_made_before_any_work(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "u.npz"
    filled(path)
    assert again(path).get("one") is not None
    with pytest.raises(InputError, match="cannot make the folder"):
        Unfinished(path / "u.npz", KEY)


def test_objects_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        Unfinished(tmp_path / "u.npz", KEY).put("one", {"a": np.array([{}, None])})
    assert list(tmp_path.iterdir()) == []


# refusals


@pytest.mark.parametrize("changes", [{"seed": 1}, {"size": (8, 9)}, {"teacher": "abd"}, {"more": 1}])
def test_another_key_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    filled(tmp_path / "u.npz")
    with pytest.raises(InputError, match="begun with other settings or another teacher; give the same ones, or leave"):
        again(tmp_path / "u.npz", **changes)


def test_the_order_of_the_key_does_not_matter(tmp_path: Path) -> None:
    filled(tmp_path / "u.npz")
    assert Unfinished(tmp_path / "u.npz", dict(reversed(KEY.items())), resume=True).get("one") is not None


@pytest.mark.parametrize("name", ["none.npz", "none/none.npz"])
def test_without_a_file_to_resume_it_begins(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """A distillation that was killed before its first stage left none."""
    path = tmp_path / name
    with caplog.at_level("INFO"):
        made = again(path)
    assert "nothing unfinished there, beginning anew" in caplog.text
    assert made.get("one") is None
    made.put("one", {"a": np.arange(3)})
    assert again(path).get("one") is not None


def test_no_place_no_resume() -> None:
    with pytest.raises(InputError, match="expected a folder with an unfinished distillation, got none"):
        Unfinished(None, KEY, resume=True)


def test_a_folder_or_a_pipe_is_refused(tmp_path: Path) -> None:
    (tmp_path / "u.npz").mkdir()
    with pytest.raises(InputError, match="expected an unfinished distillation, got a folder"):
        again(tmp_path / "u.npz")
    os.mkfifo(tmp_path / "p.npz")
    with pytest.raises(InputError, match="expected an unfinished distillation, got a named pipe"):
        again(tmp_path / "p.npz")


def test_what_was_changed_is_refused_even_where_the_archive_is_whole(tmp_path: Path) -> None:
    """Another shape, a missing or doubled array, an array in place of another, compression: checksums are right."""
    path = tmp_path / "u.npz"
    filled(path)
    with zipfile.ZipFile(path) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    small, large = (io.BytesIO() for _ in range(2))
    np.save(small, np.arange(2))
    np.lib.format.write_array_header_1_0(large, {"descr": "<f8", "fortran_order": False, "shape": (10**10,)})
    changed = {
        "whole": members,
        "other array": [(n, small.getvalue() if n == "one/a.npy" else d) for n, d in members],
        "large": [(n, large.getvalue() if n == "one/a.npy" else d) for n, d in members],
        "no array": [(n, b"text" if n == "one/a.npy" else d) for n, d in members],
        "missing": [(n, d) for n, d in members if n != "one/a.npy"],
        "renamed": [(n.replace("one/a", "one/b"), d) for n, d in members],
        "no seal": members[:-1],
        "other key": [(n, small.getvalue() if n == "key.npy" else d) for n, d in members],
        "compressed": members,
    }
    for name, entries in changed.items():
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if name == "compressed" else 0) as archive:
            for member, data in entries:
                archive.writestr(member, data)
        if name == "whole":
            assert again(path).get("one") is not None
            continue
        with pytest.raises(
            InputError, match="it is damaged or of an earlier version; start anew without --resume: only time is lost"
        ):
            again(path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "u.npz"
    filled(path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    bad = [b"", b"PK", b"PK\x03\x04", b"no archive", whole[:-40], whole[:middle], whole[40:], b"\x93NUMPY\x01\x00"]
    data = whole.find(np.arange(3).tobytes())  # a flipped bit inside an array
    bad += [whole[:data] + b"\x07" + whole[data + 1 :]]
    for place, value in ((6, b"\x01"), (8, b"\x63")):  # "encrypted", and a compression that nobody knows
        entry = whole.find(b"PK\x01\x02") + place + 2  # in the list at the end
        bad += [whole[:entry] + value + whole[entry + 1 :]]
    for content in bad:
        path.write_bytes(content)
        with pytest.raises(InputError, match="expected an unfinished distillation"):
            again(path)
    path.write_bytes(whole)
    assert again(path).get("one") is not None


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "u.npz"
    with path.open("wb") as file:
        np.save(file, np.arange(3))  # one array, no archive
    with pytest.raises(InputError, match="expected an unfinished distillation"):
        again(path)
    np.savez(path, a=np.arange(3))  # an archive of something else
    with pytest.raises(InputError, match="expected an unfinished distillation"):
        again(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("key.npy", "no array")
    with pytest.raises(InputError, match="expected an unfinished distillation"):
        again(path)


def test_what_is_pickled_is_refused_and_not_run(tmp_path: Path) -> None:
    path, touched = tmp_path / "u.npz", tmp_path / "touched"

    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {touched}",)

    np.savez(path, key=filled(path).key, **{"one/a": np.array([Hostile()], dtype=object)})
    with pytest.raises(InputError, match="it is damaged"):
        again(path)
    path.write_bytes(pickle.dumps(Hostile()))
    with pytest.raises(InputError, match="it is damaged"):
        again(path)
    assert not touched.exists()


# the fingerprint of a teacher


def test_equal_teachers_have_equal_fingerprints() -> None:
    assert fingerprint(Network(seed=3)) == fingerprint(Network(seed=3))
    assert fingerprint(hidden(gray_scott())) == fingerprint(RuleTeacher(gray_scott()))
    frames = hidden(gray_scott()).rollout(size=(12, 12), steps=6, seed=0, every=1)
    one, two = (RecordingTeacher(f, 1.0, ("u", "v"), gray_scott().stencils) for f in (frames, frames.copy()))
    assert fingerprint(one) == fingerprint(two)
    assert len(fingerprint(one)) == 16


def test_a_rounding_error_is_no_other_teacher() -> None:
    net = Network()
    before = fingerprint(net)
    net.last = net.last * np.float32(1 + 1e-7)
    assert fingerprint(net) == before
    net.last = net.last * np.float32(1.01)
    assert fingerprint(net) != before


def test_other_teachers_have_other_fingerprints() -> None:
    rule = planted({"u": "0.1*u_lap - 0.2*u"})
    frames = hidden(gray_scott()).rollout(size=(12, 12), steps=6, seed=0, every=1)
    teachers = [
        Network(),
        Network(seed=1),
        Network(("r", "g", "b")),
        *(RuleTeacher(rule.replace(**c)) for c in ({}, {"dt": 0.5}, {"clamp": (-1, 1)}, {"update_rate": 0.5})),
        RuleTeacher(planted({"u": "0.1*u_lap - 0.21*u"})),
        RuleTeacher(planted({"w": "0.1*w_lap - 0.2*w"})),
        RuleTeacher(planted({"u": "0.1*u_lap - 0.2*u"}, filters=2)),
        *(RecordingTeacher(f, 1.0, ("u", "v"), gray_scott().stencils) for f in (frames, frames[:-1], frames[:, ::-1])),
    ]
    assert len({fingerprint(teacher) for teacher in teachers}) == len(teachers)


# what the stages are made of


def test_samples_come_back(tmp_path: Path) -> None:
    net = Network()
    samples = sample(net, rows=300, size=(12, 12), steps=10)
    wider = on_policy(starting_rule(samples, net), samples, net, size=(12, 12), steps=10, seed=0)
    assert len(wider.X) > len(samples.X)
    for rows in (wider, samples):
        path = tmp_path / "u.npz"
        Unfinished(path, KEY).put("regress", pack_samples(samples, rows))
        found = again(path).get("regress")
        assert found is not None
        got = unpack_samples(found, net)
        for one, two in zip(got, (samples, rows), strict=True):
            for name in ("X", "Y", "X_held", "Y_held"):
                np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
                assert getattr(one, name).dtype == getattr(two, name).dtype
            assert (one.names, one.channels, one.rounding) == (two.names, two.channels, two.rounding)
            np.testing.assert_array_equal(one.floor, two.floor)
        assert (got[0] is got[1]) == (rows is samples)  # one Gram matrix serves both where they are the same


def test_fronts_come_back() -> None:
    names = ("u", "v", "u_lap")
    expr = parse_infix("0.1*u_lap - tanh(2*u)^2*v + 1/3 - 1e-20*inv(v)", names)
    fronts = {
        "u": (Candidate(1, 0.5, parse_infix("0", names), "sparse", 0), Candidate(20, 1e-9, expr, "operon", 4)),
        "v": (Candidate(3, 1 / 3, parse_infix("0.5*u", names), "exact", 1),),
    }
    assert unpack_fronts(pack_fronts(fronts)) == fronts
