"""A file that grows frame by frame: a temporary file that is renamed onto its path when it is complete.

A write that fails, for example on a full disk, leaves all frames before it intact.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path

from equations.files import atomic

ROOM = 4096  # bytes that the end of a file may need


class GrowingFile:
    """A file object for other libraries. It is unbuffered, so that an error is raised by the write that causes it."""

    def __init__(self, path: Path) -> None:
        self._place = ExitStack()
        self._raw = open(self._place.enter_context(atomic(path)), "r+b", buffering=0)  # noqa: SIM115

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`, or raise OSError and leave the file as it was."""
        view = memoryview(data).cast("B")
        size, place, length = os.fstat(self._raw.fileno()).st_size, self._raw.tell(), len(view)
        try:
            while len(view):
                view = view[self._raw.write(view) :]
        except OSError:
            self._raw.truncate(size)
            self._raw.seek(place)
            raise
        return length

    def read(self, size: int = -1) -> bytes:
        return self._raw.read(size) or b""

    def tell(self) -> int:
        return self._raw.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._raw.seek(offset, whence)

    def flush(self) -> None:
        """There is no buffer."""

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes only, and go on writing after them."""
        self._raw.truncate(size)
        self._raw.seek(size)

    def check_room(self) -> None:
        """Raises OSError, and leaves the file as it is, when the disk has no room for ROOM more bytes."""
        size = self.seek(0, os.SEEK_END)
        self.write(bytes(ROOM))
        self.cut(size)

    def keep(self) -> None:
        """Sync the file and rename it onto its path."""
        self._raw.close()
        self._place.close()

    def discard(self) -> None:
        """Remove the file, and leave its path as it was."""
        self._raw.close()
        with suppress(_DiscardError), self._place:
            raise _DiscardError


class GrowingWriter:
    """A writer that appends frames to one file. Subclasses write `add`, which notes in `_ends` where each frame ends,
    and `_finish`.
    """

    def __init__(self, path: Path) -> None:
        self._file = GrowingFile(path)
        self._ends: list[int] = []  # where each frame ends
        self._concluded = False

    @property
    def frames(self) -> int:
        return len(self._ends)

    def close(self) -> None:
        self._file.check_room()
        self._conclude()

    def rescue(self) -> int:
        while self._ends and not self._concluded:  # drop the last frames until the file's end has room
            self._file.cut(self._ends[-1])
            try:
                self._file.check_room()
            except OSError:
                self._ends.pop()
                continue
            with suppress(OSError):
                self._conclude()
                return self.frames
        self.discard()
        return 0

    def discard(self) -> None:
        self._file.discard()

    def _conclude(self) -> None:
        self._concluded = True
        self._finish()
        self._file.keep()

    def _finish(self) -> None:
        """Write the end of the file; there is room for ROOM bytes."""
        raise NotImplementedError


class _DiscardError(Exception):
    """Tells `atomic` to remove the file."""
