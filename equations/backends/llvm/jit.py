"""Compile LLVM assembly to functions of this process, and keep the machine code on disk for the next process.

A kernel on disk (see `cache`) is found by a digest of the assembly, the processor and the compiler's version.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import platform
from typing import Any

import llvmlite.binding as llvm

from equations.backends.llvm import cache

_numbers = itertools.count()
_ARGUMENTS = {"p": ctypes.c_void_p, "l": ctypes.c_int64, "w": ctypes.c_uint32, "f": ctypes.c_float}


def compile_run(source: str, *, keep: int = cache.KEPT) -> Any:
    """The function `run` of a simulator's assembly, see `driver`; `keep` as for `compile_entries`."""
    return compile_entries(source, (("run", "ppppllwwlllplllp"),), keep=keep)[0]


@functools.lru_cache(maxsize=64)
def compile_entries(source: str, entries: tuple[tuple[str, str], ...], *, keep: int = cache.KEPT) -> tuple[Any, ...]:
    """Functions of an assembly as ctypes functions that release the GIL and return a 64-bit integer.

    entries: name, and a letter for each argument (p pointer, l and w integers of 64 and 32 bits, f float).
    keep: how many kernels may stay on disk for other processes, this one included; 0: this one is not put there.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    key = hashlib.sha256("\0".join((source, *_version())).encode()).hexdigest()[:40]
    code = cache.load(key) if keep else None
    if code is None:
        code = _compile(source)
        if keep:
            cache.save(key, code, kept=keep)
    library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    for name, _ in entries:
        library = library.export_symbol(name)
    loaded = library.link(_linker(), f"kernel-{next(_numbers)}")
    found = []
    for name, letters in entries:
        function = ctypes.CFUNCTYPE(ctypes.c_int64, *(_ARGUMENTS[letter] for letter in letters))(loaded[name])
        function.loaded = loaded  # type: ignore[attr-defined]  # keeps the code in memory
        found.append(function)
    return tuple(found)


@functools.lru_cache(maxsize=1)
def _linker() -> Any:
    # JITLink places the parts of an object next to each other, which the small code model requires
    return llvm.create_lljit_compiler(_machine(), use_jit_link=True)


def _compile(source: str) -> bytes:
    machine = _machine()
    module = llvm.parse_assembly(source)
    module.verify()
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


def _machine() -> Any:
    target = llvm.Target.from_default_triple()
    features = llvm.get_host_cpu_features().flatten()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, reloc="pic", codemodel="small", jit=True
    )


def rounds_once() -> bool:
    """Whether this processor has a fused multiply-add instruction, which rounds once."""
    return bool(llvm.get_host_cpu_features().get("fma")) or platform.machine().lower() in ("arm64", "aarch64")


def vector_bytes() -> int:
    """The width in bytes of this processor's vector registers."""
    features = llvm.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx2") else 16


def _version() -> tuple[str, ...]:
    features = llvm.get_host_cpu_features().flatten()
    return ("1", str(llvm.llvm_version_info), llvm.get_default_triple(), llvm.get_host_cpu_name(), features)
