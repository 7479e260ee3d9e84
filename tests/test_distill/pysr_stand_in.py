"""A worker that speaks the file protocol without PySR, and misbehaves as it is told: `pysr_stand_in.py HOW FOLDER`.

HOW says what each job is answered with, separated by `|`; the last one serves for all further jobs. Only the standard
library, so that it starts quickly. STAND_IN_LOG names a file that gets a JSON line for every start and every job.
"""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

FORMAT = "srnca.pysr-job/2"
HALLS = Path(__file__).parent / "data" / "pysr" / "gray_scott"


def hall(job: Path) -> Path:
    """Write the sample front of the job's channel in the job's names, as PySR does: the file and its `.bak`."""
    told = json.loads((job / "job.json").read_text())
    names = dict(zip(("u", "u_lap", "v", "v_lap"), told["names"], strict=True))
    text = (HALLS / f"hall_of_fame_output{channel(job)}.csv").read_text()
    return write_hall(job, re.sub(r"\b[uv](_lap)?\b", lambda match: names[match[0]], text))


def write_hall(job: Path, text: str) -> Path:
    path = job / "output" / "hall_of_fame.csv"
    path.parent.mkdir(exist_ok=True)
    for file in (path, path.with_suffix(".csv.bak")):
        file.write_text(text)
    return path


def channel(job: Path) -> int:
    """Which of the sample laws the data follow: 1 for u, 2 for v."""
    (u, _, v, v_lap), (y,) = first_row(job, "X"), first_row(job, "y")
    return 2 if abs(0.08 * v_lap + u * v * v - 0.1 * v - y) < 1e-9 else 1


def first_row(job: Path, name: str) -> list[float]:
    with zipfile.ZipFile(job / "data.npz") as archive:
        data = archive.read(f"{name}.npy")
    (length,) = struct.unpack("<H", data[8:10])
    header = ast.literal_eval(data[10 : 10 + length].decode())
    rows, columns = (*header["shape"], 1)[:2]
    step = rows if header["fortran_order"] else 1
    return [struct.unpack_from("<d", data, 10 + length + 8 * step * i)[0] for i in range(columns)]


def say(folder: Path, name: str, **more: object) -> None:
    (folder / f"{name}.tmp").write_text(json.dumps({"format": FORMAT, **more}))
    (folder / f"{name}.tmp").rename(folder / f"{name}.json")


def log(**said: object) -> None:
    if path := os.environ.get("STAND_IN_LOG"):
        with open(path, "a") as file:
            file.write(json.dumps(said) + "\n")


def hang() -> None:
    while True:
        time.sleep(1)


def truncate(path: Path) -> None:
    """Cut the last line off in the middle of its equation."""
    text = path.read_text()
    path.write_text(text[: text.rindex("*")])


def start(how: str, folder: Path) -> None:
    child = subprocess.Popen(["sleep", "300"]) if "STAND_IN_LOG" in os.environ else None  # what a worker may leave
    log(pid=os.getpid(), child=child and child.pid, folder=str(folder))
    say(folder, "status", phase="starting Julia")
    if how == "hangs-starting":
        hang()
    if how == "slow-start":
        time.sleep(0.5)
    if how in ("missing", "missing-hangs"):
        say(folder, "error", message="PySR did not start: libjulia is gone", missing=True)
        hang() if how == "missing-hangs" else sys.exit(4)


def found_then(how: str, job: Path) -> None:
    """Behaviours after a front has been found."""
    path = hall(job)
    if how == "dies-late":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "fails-late":
        say(job, "error", message="DomainError: sqrt", missing=False)
    elif how in ("hangs-late", "stubborn"):
        for number in (signal.SIGINT, signal.SIGTERM) if how == "stubborn" else ():
            signal.signal(number, signal.SIG_IGN)
        hang()
    elif how == "endless":
        while True:
            sys.stderr.write("-" * 100_000)
    elif how == "slow":  # writes its front again and again, as PySR does
        for _ in range(13):
            time.sleep(0.1)
            hall(job)
        say(job, "done")
    else:
        if how in ("half", "half-no-bak"):
            truncate(path)
        if how == "half-no-bak":
            path.with_suffix(".csv.bak").unlink()
        if how == "chatty":
            for _ in range(200):
                sys.stdout.write("-" * 100_000)
        say(job, "done")
        if how == "done-crashes":
            os.kill(os.getpid(), signal.SIGSEGV)


FOUND = ("good", "slow-start", "dies-late", "fails-late", "hangs-late", "stubborn", "endless", "slow", "half")
FOUND += ("half-no-bak", "chatty", "done-crashes")


def answer(how: str, folder: Path, job: Path, phase: str) -> None:
    say(folder, "status", phase=phase)
    told: dict[str, Any] = json.loads((job / "job.json").read_text())
    log(job=job.name, names=told["names"], arguments=told["arguments"])
    if how == "hangs-compiling":
        hang()
    elif how == "dies":
        print("Segmentation fault in some library", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "fails":
        say(job, "error", message="Variable name S is already a function name", missing=False)
    elif how == "rubbish":
        write_hall(job, "Complexity,Loss,Equation\n1,nan,__import__('os')\n,,\n[[[[\n")
        (job / "output" / "hall_of_fame.csv").write_bytes(bytes(range(256)) * 500)
        say(job, "done")
    elif how == "rubbish-words":
        (job / "done.json").write_text("[" * 100_000)
        (job / "error.json").write_bytes(b"\xff\xfe\x00")
        (folder / "status.json").write_text('{"phase": 7}')
        sys.exit(0)
    elif how == "silent":
        sys.exit(0)
    elif how.startswith("says:"):  # any equations, separated by semicolons
        lines = [f'{i},0.1,"{equation}"\n' for i, equation in enumerate(how[5:].split(";"), start=1)]
        write_hall(job, "Complexity,Loss,Equation\n" + "".join(lines))
        say(job, "done")
    elif how in FOUND:
        found_then(how, job)
    else:
        raise SystemExit(f"no such behaviour: {how}")


def main(how: str, folder: Path) -> None:
    answers = how.split("|")
    start(answers[0], folder)
    say(folder, "status", phase="waiting")
    phase = "compiling"
    while line := sys.stdin.readline():
        answer(answers[0], folder, folder / line.strip(), phase)
        answers = answers[1:] or answers
        phase = "searching"
        say(folder, "status", phase="waiting")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
