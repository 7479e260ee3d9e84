"""Addresses of the page that says, by symptom, what to do about a poor result or a missing part."""

from __future__ import annotations

PAGE = "https://github.com/srnca/srnca/blob/main/docs/troubleshooting.md"
POOR = "a-poor-picture"
RUNS_AWAY = "it-runs-away"
NO_LAW = "no-law-found"
MISSING = "something-is-not-installed"
PARTS = (("Julia", "julia-is-missing"), ("GPU", "no-gpu"), ("cuda", "no-gpu"))  # a word of a message -> its section
SECTIONS = (POOR, RUNS_AWAY, NO_LAW, MISSING, *(section for _, section in PARTS))


def help_at(section: str) -> str:
    """ "help: ADDRESS", for the end of a message; section: the anchor of a heading of the page."""
    return f"help: {PAGE}#{section}"


def help_for_missing(message: str) -> str:
    """ "help: ADDRESS" for a message about a part that is not installed."""
    return help_at(next((section for word, section in PARTS if word in message), MISSING))
