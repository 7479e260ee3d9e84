"""What the driver of a kernel does differently on each processor and system: tiny numbers, and threads that wait."""

from __future__ import annotations

import os
import platform
import sys

_MACHINE = platform.machine().lower()
_X86 = _MACHINE in ("x86_64", "amd64")
_FUTEX = {"x86_64": 202, "aarch64": 98}.get(_MACHINE) if sys.platform == "linux" else None  # number of the system call

FLUSH = RESTORE = RELAX = WAKE = DECLARED = ""
if _FUTEX is not None:
    DECLARED += "@nap = internal constant { i64, i64 } { i64 0, i64 20000000 }\ndeclare i64 @syscall(i64, ...)\n"
if _X86:
    DECLARED += (
        "declare void @llvm.x86.sse.stmxcsr(ptr)\n"
        "declare void @llvm.x86.sse.ldmxcsr(ptr)\n"
        "declare void @llvm.x86.sse2.pause()"
    )
    # Subnormal numbers (below 1.2e-38 in float32) count as 0 inside a kernel, because decaying patterns contain many of
    # them and x86 computes them many times slower. 32832 = 0x8040: flush-to-zero and denormals-are-zero, bits of MXCSR.
    FLUSH = """
  call void @llvm.x86.sse.stmxcsr(ptr %control)
  %before = load i32, ptr %control
  %flushing = or i32 %before, 32832
  store i32 %flushing, ptr %control
  call void @llvm.x86.sse.ldmxcsr(ptr %control)"""
    RESTORE = """
  store i32 %before, ptr %control
  call void @llvm.x86.sse.ldmxcsr(ptr %control)"""
    RELAX = "call void @llvm.x86.sse2.pause()"

# A waiting thread sleeps until the last one arrives. Where other programs run, a thread that stays awake would take the
# core from the very thread it waits for. On Linux it sleeps by futex, on the lower half of the counter, and looks again
# after 20 ms.
SPINS = 256  # reads of the counter before a thread sleeps: some microseconds, less than falling asleep takes
SLEEP = "call i32 @sched_yield()" if os.name == "posix" else "add i32 0, 0"
if _FUTEX is not None:
    _CALL = f"call i64 (i64, ...) @syscall(i64 {_FUTEX}, ptr %gate,"
    SLEEP = f"{_CALL} i32 128, i32 %count_low, ptr @nap, ptr null, i32 0)"
    WAKE = f"\n  %woken = {_CALL} i32 129, i32 2147483647, ptr null, ptr null, i32 0)"
