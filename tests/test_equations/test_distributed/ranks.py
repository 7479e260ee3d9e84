"""Run cases in several processes that share a grid: `run_ranks` starts them, and this file is what they run.

A case is a dict: `rule` (a label of RULES), arguments of DistributedSimulator, and `steps`, a list of numbers of steps.
Each rank writes what came of its cases: the whole states (rank 0), its own parts, or the text of the error.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[3]


def rules() -> dict[str, Any]:
    from equations import Init, models
    from tests.test_equations.helpers import make_rule

    gray_scott = models.get("gray-scott:coral")
    return {
        "gray-scott": gray_scott,
        "cell mask": gray_scott.replace(update_rate=0.5),
        "channel mask": gray_scott.replace(update_rate=0.3, mask="channel", clamp=(0.0, 1.0)),
        "spots": gray_scott.replace(init=Init("spots", (1.0, 0.0), (0.02, 0.02), (0.5, 0.25), 0.3, 7)),
        "functions": make_rule({"u": "tanh(u_lap + v) - 0.1*exp(-u)", "v": "sin(u) - v/(1 + u^2)"}, dt=0.1),
        # at each step each cell grows fivefold: the largest is first, and of two alike the one higher up
        "growing": make_rule({"u": "4*u", "v": "4*v"}),
        "nan": make_rule({"u": "0*u", "v": "v_lap"}),
    }


def run_ranks(
    count: int, cases: list[dict[str, Any]], folder: Path, limit_s: float = 120, wait_for: int | None = None
) -> list[Any]:
    """Start `count` processes on the cases; returns [(exit code, results, stderr) for each rank].

    wait_for: the number of ranks, from the first on, that are waited for; the others are killed then.
    """
    (folder / "cases.json").write_text(json.dumps(cases))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = []
    for rank in range(count):
        world = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
        address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PYTHONPATH": ROOT, "OMP_NUM_THREADS": 1}
        environment = os.environ | {name: str(value) for name, value in (world | address).items()}
        command = [sys.executable, __file__, str(folder)]
        running.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    ended = []
    deadline = time.monotonic() + limit_s
    try:
        for rank, process in enumerate(running[:wait_for]):
            _, said = process.communicate(timeout=max(0.1, deadline - time.monotonic()))
            path = folder / f"{rank}.npz"
            found = dict(np.load(path)) if path.exists() else {}
            ended.append((process.returncode, found, said))
    finally:
        for process in running:
            process.kill()
    return ended


def main(folder: Path) -> None:
    from equations.distributed import DistributedSimulator, joined
    from equations.errors import SrncaError

    cases, known = json.loads((folder / "cases.json").read_text()), rules()
    rank, found = int(os.environ["RANK"]), {}
    seconds = next((case["timeout"] for case in cases if "timeout" in case), 60)
    with joined("llvm"):
        pass  # a process may join again
    with joined("llvm", timedelta(seconds=seconds)):
        for index, case in enumerate(cases):
            arguments = {name: value for name, value in case.items() if name not in ("steps", "die", "timeout")}
            rule = known[arguments.pop("rule")]
            try:
                simulator = DistributedSimulator(rule, **arguments)
                found[f"{index} part"] = np.array(simulator.part)
                found[f"{index} first"] = simulator.block.copy()
                for number, steps in enumerate(case["steps"]):
                    if rank == 1 and case.get("die") == number:
                        os._exit(7)
                    if rank == 1 and case.get("die") == -1 - number:
                        time.sleep(600)
                    simulator.step(steps)
                whole = simulator.state
                if whole is not None:
                    found[f"{index} state"] = whole
                found[f"{index} block"] = simulator.block
            except SrncaError as error:
                place = [getattr(error, name, None) for name in ("step", "channel", "y", "x")]
                found[f"{index} error"] = np.array(f"{type(error).__name__} {place}: {error}")
                if type(error).__name__ == "LostRankError":
                    np.savez(folder / f"{rank}.npz", **found)
                    raise
    np.savez(folder / f"{rank}.npz", **found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
