"""A worker that speaks the file protocol without PySR, and misbehaves as it is told: `pysr_stand_in.py HOW JOBDIR`.

Only the standard library, so that it starts quickly.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

FORMAT = "srnca.pysr-job/1"
HALLS = Path(__file__).parent / "data" / "pysr" / "gray_scott"


def hall(folder: Path, number: int) -> Path:
    """Write the sample front of output `number` in the job's names, as PySR does: the file and its `.bak`."""
    names = dict(zip(("u", "u_lap", "v", "v_lap"), json.loads((folder / "job.json").read_text())["names"], strict=True))
    run = folder / f"output{number}"
    run.mkdir(exist_ok=True)
    path = run / "hall_of_fame.csv"
    text = (HALLS / f"hall_of_fame_output{number}.csv").read_text()
    for file in (path, run / "hall_of_fame.csv.bak"):
        file.write_text(re.sub(r"\b[uv](_lap)?\b", lambda match: names[match[0]], text))
    return path


def every_hall(folder: Path) -> None:
    outputs = json.loads((folder / "job.json").read_text())["outputs"]
    for number in range(1, len(outputs) + 1):
        hall(folder, number)


def say(folder: Path, name: str, **more: object) -> None:
    (folder / f"{name}.tmp").write_text(json.dumps({"format": FORMAT, **more}))
    (folder / f"{name}.tmp").rename(folder / f"{name}.json")


def hang() -> None:
    while True:
        time.sleep(1)


def truncate(path: Path) -> None:
    """Cut the last line off in the middle of its equation."""
    text = path.read_text()
    path.write_text(text[: text.rindex("*")])


def behave(how: str, folder: Path) -> None:
    if pids := os.environ.get("STAND_IN_PIDS"):
        child = subprocess.Popen(["sleep", "300"])  # what a worker may leave behind
        Path(pids).write_text(f"{os.getpid()} {child.pid}")
    if how == "good":
        every_hall(folder)
        say(folder, "done")
    elif how == "dies":
        print("Segmentation fault in some library", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "dies-between":
        hall(folder, 1)
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how == "hangs":
        hang()
    elif how == "hangs-late":
        every_hall(folder)
        hang()
    elif how == "stubborn":
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        every_hall(folder)
        hang()
    elif how == "half":
        every_hall(folder)
        truncate(folder / "output1" / "hall_of_fame.csv")
        say(folder, "done")
    elif how == "half-no-bak":
        every_hall(folder)
        truncate(folder / "output1" / "hall_of_fame.csv")
        (folder / "output1" / "hall_of_fame.csv.bak").unlink()
        say(folder, "done")
    elif how == "rubbish":
        run = folder / "output1"
        run.mkdir()
        (run / "hall_of_fame.csv").write_bytes(bytes(range(256)) * 500)
        (run / "hall_of_fame.csv.bak").write_text("Complexity,Loss,Equation\n1,nan,__import__('os')\n,,\n[[[[\n")
        say(folder, "done")
    elif how == "rubbish-words":
        (folder / "done.json").write_text("[" * 100_000)
        (folder / "error.json").write_bytes(b"\xff\xfe\x00")
    elif how == "chatty":
        for _ in range(200):
            sys.stdout.write("-" * 100_000)
        every_hall(folder)
        say(folder, "done")
    elif how == "endless":
        every_hall(folder)
        while True:
            sys.stderr.write("-" * 100_000)
    elif how == "silent":
        pass
    elif how == "done-hangs":
        every_hall(folder)
        say(folder, "done")
        hang()
    elif how == "done-crashes":
        every_hall(folder)
        say(folder, "done")
        os.kill(os.getpid(), signal.SIGSEGV)
    elif how in ("missing", "complains"):
        say(folder, "error", message="libjulia is gone", missing=how == "missing")
        hang()
    elif how.startswith("says:"):  # any equations, separated by semicolons
        run = folder / "output1"
        run.mkdir()
        lines = [f'{i},0.1,"{equation}"\n' for i, equation in enumerate(how[5:].split(";"), start=1)]
        (run / "hall_of_fame.csv").write_text("Complexity,Loss,Equation\n" + "".join(lines))
        say(folder, "done")
    elif how == "polite":  # as PySR: SIGINT ends the search, what was found is kept
        signal.signal(signal.SIGINT, lambda *_: (say(folder, "done"), os._exit(0)))
        every_hall(folder)
        hang()
    else:
        raise SystemExit(f"no such behaviour: {how}")


if __name__ == "__main__":
    behave(sys.argv[1], Path(sys.argv[2]))
