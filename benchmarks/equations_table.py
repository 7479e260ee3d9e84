"""Rows of `equations` as tables in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

Rows = Sequence[dict[str, Any]]
WRONG = 0.05  # error of a rollout above which "found" is confidently wrong


def tables(rows: Rows) -> str:
    """Everything that is there."""
    parts = []
    noisy = [r for r in rows if r["set"] == "noise"]
    for frames in sorted({r["frames"] for r in noisy}, reverse=True):
        parts += _noise([r for r in noisy if r["frames"] == frames], frames)
    varied = [r for r in rows if r["set"] == "variations"]
    if varied:
        parts.append(_grid(varied, "variation", _short))
    controls = [r for r in rows if r["set"] in ("controls", "others")]
    if controls:
        parts.append(_controls(controls))
    parts.append("confidently wrong: " + ("; ".join(map(_where, filter(confidently_wrong, rows))) or "never"))
    return "\n\n".join(parts)


def confidently_wrong(row: dict[str, Any]) -> bool:
    """Whether a wrong law is called found; a rollout that diverges is infinitely wrong."""
    answer = row["ours"]
    if answer["verdict"] != "found" or answer.get("exact"):
        return False
    return bool(answer["boundary"] != "periodic" or answer["rollout"] is None or answer["rollout"] > WRONG)


def _where(row: dict[str, Any]) -> str:
    return " ".join(str(v) for k, v in row.items() if k not in ("ours", "rival", "set"))


def _noise(rows: Rows, frames: int) -> list[str]:
    """Both sides' answers by system and noise; then how many systems are exact in all seeds."""
    head = f"{frames} frames; exact of all seeds, median of the largest error, verdicts; PySINDy behind the bar"
    levels = sorted({r["noise"] for r in rows})
    counts = ["| systems exact in every seed | " + " | ".join(_count(rows, n) for n in levels) + " |"]
    spent = [r["ours"]["seconds"] for r in rows]
    time = f"seconds a recording: median {statistics.median(spent):.1f}, longest {max(spent):.1f}"
    return [head, _grid(rows, "noise", _both) + "\n" + counts[0], time]


def _grid(rows: Rows, by: str, cell: Callable[[Rows], str]) -> str:
    columns = list(dict.fromkeys(r[by] for r in sorted(rows, key=lambda r: r[by])))
    names = list(dict.fromkeys(r["system"] for r in rows))
    titles = [f"{100 * c:g} %" if by == "noise" else str(c) for c in columns]
    lines = ["| system | " + " | ".join(titles) + " |", "|---" * (len(titles) + 1) + "|"]
    for name in names:
        cells = [cell([r for r in rows if r["system"] == name and r[by] == c]) for c in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _both(rows: Rows) -> str:
    rivals = [r["rival"] for r in rows if "rival" in r]
    other = "" if not rivals else " / –" if "skipped" in rivals[0] else f" / {_support(rivals)}"
    return _short(rows) + other


def _short(rows: Rows) -> str:
    """Exact with the error, or how many are; and the verdict where it is not the one that is due."""
    if not rows:
        return ""
    answers = [r["ours"] for r in rows]
    if all(a["verdict"] == "refused" for a in answers):
        return "refused"
    odd = [a["verdict"] for a in answers if (a["verdict"] == "found") != bool(a.get("exact"))]
    return _support(answers) + (f", {', '.join(dict.fromkeys(odd))}" if odd else "")


def _support(answers: Rows) -> str:
    good = [a["error"] for a in answers if a.get("exact")]
    if not good:
        return "wrong"
    share = "" if len(good) == len(answers) else f"{len(good)} of {len(answers)}: "
    return f"{share}{100 * statistics.median(good):.2g} %"


def _count(rows: Rows, noise: float) -> str:
    def exact(who: str) -> int:
        names = {r["system"] for r in rows if r["noise"] == noise and who in r}
        return sum(
            all(r[who].get("exact") for r in rows if r["system"] == n and r["noise"] == noise and who in r)
            for n in names
        )

    return f"{exact('ours')} / {exact('rival')}"


def _controls(rows: Rows) -> str:
    lines = ["| recording | verdict | rollout | named |", "|---|---|---|---|"]
    for row in rows:
        answer = row["ours"]
        error = answer.get("rollout")
        seen = "–" if error is None else f"{100 * error:.2g} %"
        lines.append(f"| {row['system']} | {answer['verdict']} | {seen} | {'; '.join(answer['reasons'])} |")
    verdicts = [r["ours"]["verdict"] for r in rows]
    counted = ", ".join(f"{verdicts.count(v)} {v}" for v in dict.fromkeys(sorted(verdicts)))
    return "\n".join(lines) + f"\n\n{counted} of {len(rows)}"
