"""Damaged files for readers: seeded mutations of a valid file, and what a reader may do with each of them.

A reader may return a value, or raise an error of the library's own (SrncaError). It may not raise anything else, use
more than 10 s of processor time, or grow the process by more than 2 GB.
"""

from __future__ import annotations

import io
import random
import re
import resource
import signal
import time
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from equations.errors import SrncaError

MOST_SECONDS = 10.0  # of processor time
MOST_BYTES = 2 * 10**9
INTEGERS = (0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
NUMBERS = (b"0", b"-1", b"1e999", b"NaN", b"null", b"65536", b"4294967296", b"9" * 19, b"9" * 5000, b"0.5", b'"x"')
HEAD, TAIL = 256, 128  # bytes at the start and the end of a file where most formats keep their headers


def mutations(valid: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`count` damaged versions of `valid`; the same seed gives the same ones."""
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        data = bytearray(valid)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            rng.choice(_KINDS)(data, rng)
        yield bytes(data)


def zip_mutations(valid: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`count` versions of the zip file `valid` (.npz, .pt) whose members are damaged while the archive is whole.

    Members are mutated, swapped, left out, doubled, renamed or compressed; checksums are right, so that a reader gets
    past them.
    """
    with zipfile.ZipFile(io.BytesIO(valid)) as archive:
        whole = [(info.filename, archive.read(info)) for info in archive.infolist()]
    for number in range(count):
        rng = random.Random(f"zip/{seed}/{number}")
        members = list(whole)
        at, other = rng.randrange(len(members)), rng.randrange(len(members))
        name, data = members[at]
        kind = rng.randrange(8)
        if kind == 0:
            members[at], members[other] = (name, members[other][1]), (members[other][0], data)
        elif kind == 1:
            del members[at]
        elif kind == 2:
            members.append((name, next(mutations(data, 1, seed + number))))
        elif kind == 3:
            members[at] = (next(mutations(name.encode(), 1, seed + number)).decode("latin-1"), data)
        else:
            members[at] = (name, next(mutations(data, 1, seed + number)))
        packed = io.BytesIO()
        method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
        with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", method) as archive:
            warnings.simplefilter("ignore")  # two members of one name
            for member, content in members:
                archive.writestr(zipfile.ZipInfo(member or "x"), content, method)
        yield packed.getvalue()


def check_reader(
    read: Callable[[Path], object],
    valid: bytes,
    name: str,
    folder: Path,
    *,
    count: int,
    seed: int,
    mutate: Callable[[bytes, int, int], Iterator[bytes]] = mutations,
) -> Counter[str]:
    """How often `read` returned a value ("read") or raised which error, over `count` damaged versions of `valid`.

    Each version is written to `folder / name`, and `read` is called with that path. `valid` itself must be readable.
    Raises AssertionError with the seed and the number of the version for a foreign error, more than 10 s of processor
    time, or more than 2 GB of growth.
    """
    path = folder / name
    path.write_bytes(valid)
    read(path)
    outcomes: Counter[str] = Counter()
    with _address_space(2 * MOST_BYTES):
        before = _largest()
        for number, data in enumerate(mutate(valid, count, seed)):
            path.write_bytes(data)
            where = f"{name}: seed {seed}, number {number}, {mutate.__name__}"
            started = time.process_time()
            try:
                with _limited(MOST_SECONDS):
                    read(path)
                outcomes["read"] += 1
            except SrncaError as error:
                outcomes[type(error).__name__] += 1
            except _TooLong:
                raise AssertionError(f"{where}: more than {MOST_SECONDS:g} s") from None
            except Exception as error:
                raise AssertionError(f"{where}: {type(error).__name__}: {str(error)[:200]}") from error
            used, grown = time.process_time() - started, _largest() - before
            assert used <= MOST_SECONDS, f"{where}: {used:.1f} s of processor time"
            assert grown <= MOST_BYTES, f"{where}: the process grew by {grown / 1e9:.1f} GB"
    return outcomes


class _TooLong(BaseException):
    """Not an Exception: a reader that catches everything must not catch this."""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raises _TooLong after so much processor time of this process."""

    def stop(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextmanager
def _address_space(room: int) -> Iterator[None]:
    """Lets the process reserve at most `room` more bytes, so that a fault ends in MemoryError and not in a machine
    without memory.
    """
    status = Path("/proc/self/status")
    if not status.is_file():
        yield
        return
    size = int(next(line for line in status.read_text().splitlines() if line.startswith("VmSize")).split()[1]) * 1024
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size + room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _largest() -> int:
    """The most memory that this process has had so far, in bytes (Linux counts it in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _place(data: bytearray, rng: random.Random) -> int:
    """A place in the file, in half of the cases in what is likely a header."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randrange(min(HEAD, len(data) + 1))
    if kind == 1:
        return max(0, len(data) - rng.randrange(TAIL))
    return rng.randrange(len(data) + 1)


def _flip(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8, 32))):
        at = _place(data, rng)
        if at < len(data):
            data[at] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random) -> None:
    at, length = _place(data, rng), rng.choice((1, 2, 4, 16))
    data[at : at + length] = rng.randbytes(length)


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _insert(data: bytearray, rng: random.Random) -> None:
    at, length = _place(data, rng), rng.choice((1, 2, 5, 64, 4096))
    data[at:at] = rng.choice((rng.randbytes(length), bytes(length), data[:length]))


def _delete(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 4, 16, 256))]


def _integer(data: bytearray, rng: random.Random) -> None:
    """A header field gets another value."""
    at, width = _place(data, rng), rng.choice((1, 2, 4, 8))
    value = rng.choice(INTEGERS) & (2 ** (8 * width) - 1)
    data[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))


def _number(data: bytearray, rng: random.Random) -> None:
    """A number that is written in digits gets another value."""
    found = list(re.finditer(rb"\d+", bytes(data[:100_000])))
    if found:
        match = rng.choice(found)
        data[match.start() : match.end()] = rng.choice(NUMBERS)


def _move(data: bytearray, rng: random.Random) -> None:
    """A stretch of the file is copied onto another place."""
    source, target, length = _place(data, rng), _place(data, rng), rng.choice((4, 16, 64, 512))
    data[target : target + length] = data[source : source + length]


_KINDS = (_flip, _flip, _overwrite, _truncate, _insert, _delete, _integer, _integer, _number, _move)
