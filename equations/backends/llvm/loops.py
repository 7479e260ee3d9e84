"""Loops in LLVM assembly."""

from __future__ import annotations


def loop(
    name: str,
    index: str,
    low: str,
    again: str,
    body: str,
    *,
    before: str = "start",
    last: str = "",
    following: str = "",
    more: str = "more",
    after: str = "done",
) -> str:
    """A loop over one index, whose body runs at least once.

    name: the block in which the body begins.
    index: the value that counts, from `low` on.
    again: the comparison of integers that leads to another round, such as "slt i64 %i_next, %n".
    body: its code, which also computes the next index.
    before: the block from which the loop is entered.
    last: the block in which the body ends; by default the one in which it begins.
    following: the next index; by default that is `index` with "_next".
    more: how the result of the comparison is called.
    after: the block after the loop, to which the code that follows belongs.
    """
    inside = body.strip("\n")
    return (
        f"  br label %{name}\n"
        f"{name}:\n"
        f"  %{index} = phi i64 [ {low}, %{before} ], [ %{following or index + '_next'}, %{last or name} ]\n"
        f"{inside}\n"
        f"  %{more} = icmp {again}\n"
        f"  br i1 %{more}, label %{name}, label %{after}\n"
        f"{after}:"
    )
