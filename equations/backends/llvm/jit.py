"""LLVM assembly to a function of this process, kept on disk so that the next process need not compile it.

The cache (`$SRNCA_CACHE`, else `srnca/kernels` in the user's cache folder) holds machine code under a key of the
assembly, the processor and the compiler's version. A damaged, foreign or unwritable cache is not used.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import logging
import os
import platform
import sys
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm

from equations.errors import SrncaError
from equations.files import write_bytes

logger = logging.getLogger(__name__)

_numbers = itertools.count()
KEPT = 256  # compiled kernels; the ones used longest ago go
_ARGUMENTS = {"p": ctypes.c_void_p, "l": ctypes.c_int64, "w": ctypes.c_uint32, "f": ctypes.c_float}


def compile_run(source: str) -> Any:
    """The function `run` of a simulator's assembly, see `driver`."""
    return compile_entries(source, (("run", "ppppllwwlllplllp"),))[0]


@functools.lru_cache(maxsize=64)
def compile_entries(source: str, entries: tuple[tuple[str, str], ...], *, keep: bool = True) -> tuple[Any, ...]:
    """Functions of an assembly as ctypes functions that release the GIL and return a 64-bit integer.

    entries: name, and a letter for each argument (p pointer, l and w integers of 64 and 32 bits, f float).
    keep: on disk too, for the next process.
    """
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    key = hashlib.sha256("\0".join((source, *_version())).encode()).hexdigest()[:40]
    folder = cache_folder() if keep else None
    code = _load(folder, key) if folder else None
    if code is None:
        code = _compile(source)
        if folder:
            _save(folder, key, code)
    library = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    for name, _ in entries:
        library = library.export_symbol(name)
    loaded = library.link(_linker(), f"kernel-{next(_numbers)}")
    found = []
    for name, letters in entries:
        function = ctypes.CFUNCTYPE(ctypes.c_int64, *(_ARGUMENTS[letter] for letter in letters))(loaded[name])
        function.loaded = loaded  # type: ignore[attr-defined]  # the code lives as long as this
        found.append(function)
    return tuple(found)


@functools.lru_cache(maxsize=1)
def _linker() -> Any:
    # JITLink puts the parts of an object side by side, as the small code model needs
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
    """Whether this processor multiplies and adds in one instruction, rounding once."""
    return bool(llvm.get_host_cpu_features().get("fma")) or platform.machine().lower() in ("arm64", "aarch64")


def vector_bytes() -> int:
    """The width of this processor's registers for many numbers."""
    features = llvm.get_host_cpu_features()
    return 64 if features.get("avx512f") else 32 if features.get("avx2") else 16


def _version() -> tuple[str, ...]:
    features = llvm.get_host_cpu_features().flatten()
    return ("1", str(llvm.llvm_version_info), llvm.get_default_triple(), llvm.get_host_cpu_name(), features)


def cache_folder() -> Path | None:
    """The folder of compiled kernels, made on use; None where there can be none that is the user's own."""
    given = os.environ.get("SRNCA_CACHE")
    if given is not None and not given:
        return None  # an empty value switches the cache off
    folder = Path(given) if given else _user_cache() / "srnca" / "kernels"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            logger.warning("%s belongs to somebody else: kernels are compiled anew in every process", folder)
            return None
    except OSError as error:
        logger.info("no kernel cache: %s", error)
        return None
    return folder


def _user_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home()))
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _load(folder: Path, key: str) -> bytes | None:
    try:
        data = (folder / key).read_bytes()
        os.utime(folder / key)
    except OSError:
        return None
    digest, code = data[:32], data[32:]
    return code if hashlib.sha256(code).digest() == digest else None


def _save(folder: Path, key: str, code: bytes) -> None:
    try:
        write_bytes(folder / key, hashlib.sha256(code).digest() + code)
        kernels = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in kernels[KEPT:]:
            old.unlink(missing_ok=True)
    except (OSError, SrncaError) as error:
        logger.info("kernel not cached: %s", error)
