"""Whether a busy machine changes results: runs a command beside endless loops, and on fewer cores.

    python benchmarks/busy.py --loops 0 1 2 --same demo/rule/rule.json -- make demo
    python benchmarks/busy.py --loops 0 --cores 1 2 --same /tmp/x.pt -- \\
        .venv/bin/python -m srnca train sample:snake --iterations 150 --out /tmp/x.pt

Prints a row for each run: cores, loops, wall time, processor time of the command (all its processes), both also as
multiples of the first run's, and the start of the SHA-256 of each --same file. Exits 1 where one of these differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(loops: int) -> Iterator[None]:
    """Run this many endless loops, each in a process of its own."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def timed(command: list[str], cores: int) -> tuple[float, float]:
    """Wall and processor seconds of a command on the first `cores` cores."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=sys.stderr, preexec_fn=lambda: os.sched_setaffinity(0, allowed))
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the command ended with status {os.waitstatus_to_exitcode(status)}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loops", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--cores", type=int, nargs="+", default=[len(os.sched_getaffinity(0))])
    parser.add_argument("--same", type=Path, nargs="*", default=[], help="files that must be the same bytes every time")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    args = parser.parse_args()
    command = args.command[1:] if args.command[:1] == ["--"] else args.command
    rows, seen = list[tuple[float, float]](), set[tuple[str, ...]]()
    print("| cores | loops beside | wall | processor | wall × | processor × | files |\n|---|---|---|---|---|---|---|")
    for cores in args.cores:
        for loops in args.loops:
            with beside(loops):
                rows.append(timed(command, cores))
            digests = tuple(hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in args.same)
            seen.add(digests)
            (wall, used), (first_wall, first_used) = rows[-1], rows[0]
            cells = [f"{wall:.0f} s", f"{used:.0f} s", f"{wall / first_wall:.2f}", f"{used / first_used:.2f}"]
            print("|", " | ".join([str(cores), str(loops), *cells, " ".join(digests)]), "|", flush=True)
    if len(seen) > 1:
        raise SystemExit("a busy machine made another file")


if __name__ == "__main__":
    main()
