"""`srnca doctor`: what is installed here, and what each missing part is needed for."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from srnca._version import __version__
from srnca.cli.output import say, say_json, table
from srnca.foreign import MARKS, find_troubles
from srnca.help import MISSING, help_at

EXAMPLES = """\
srnca doctor
srnca doctor --json"""

PYSR = "engine pysr: "  # how the engine's own messages begin
VGG_FILE = "vgg16-397923af.pth"
PACKAGES = (
    "torch",
    "numpy",
    "scipy",
    "sympy",
    "llvmlite",
    "scikit-learn",
    "pyoperon",
    "pysr",
    "pillow",
)
EXTRAS = {  # package -> the extra that brings it, and what it is for
    "torchvision": ("vgg", "--bank vgg16"),
    "zarr": ("zarr", "recordings larger than memory"),
    "h5py": ("hdf5", "recordings in HDF5"),
    "optuna": ("sweep", "srnca sweep, rate and explore"),
    "submitit": ("slurm", "srnca sweep --slurm"),
    "umap-learn": ("umap", "UMAP in srnca explore"),
    "optuna-dashboard": ("dashboard", "srnca rate --browser"),
}


@dataclass(frozen=True)
class Finding:
    """One part of the installation.

    ok: whether it is there.
    found: what was found, such as its version.
    hint: what it is for, or how to get it.
    """

    name: str
    ok: bool
    found: str
    hint: str = ""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="The findings as one JSON object.")] = False,
) -> None:
    """Say what is installed, and what each missing part is for. A damaged installation exits 1."""
    own = _own_packages()
    damaged = int(not all(item.ok for item in own))
    probes = (_cuda, _torchvision, _julia, _vgg, _ffmpeg, _kernels)
    findings = [*own, *_packages(), *(_safely(probe) for probe in probes)]
    if as_json:
        say_json(
            {
                "srnca": __version__,
                "python": platform.python_version(),
                "platform": f"{platform.system()} {platform.machine()}",
                "cores": os.cpu_count(),
                "parts": {item.name: {k: v for k, v in asdict(item).items() if k != "name"} for item in findings},
            }
        )
        raise typer.Exit(damaged)
    say(
        f"srnca {__version__}, Python {platform.python_version()} ({sys.executable}), "
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores\n"
    )
    say(table([("ok" if item.ok else "–", item.name, item.found) for item in findings]))
    for title, parts in (("Damaged", own), ("Not here", findings[len(own) :])):
        hints = [f"  {item.name}: {item.hint}" for item in parts if not item.ok and item.hint]
        if hints:
            say(f"\n{title}:\n" + "\n".join([*hints, help_at(MISSING)]))
    raise typer.Exit(damaged)


def _safely(probe: Callable[[], Finding]) -> Finding:
    """The finding of a probe. A probe that raises an exception is a finding too."""
    try:
        return probe()
    except Exception as error:
        return Finding(probe.__name__.strip("_"), False, " ".join(f"{type(error).__name__}: {error}".split())[:120])


def _own_packages() -> list[Finding]:
    """Whether `equations` and `distill` are SRNCA's own and nobody else writes into their folders."""
    troubles = find_troubles()
    return [
        Finding(f"package {name}", False, *troubles[name])
        if name in troubles
        else Finding(f"package {name}", True, "SRNCA's")
        for name in MARKS
    ]


def _packages() -> list[Finding]:
    needed = [_package(name, "not installed", f"pip install {name}") for name in PACKAGES]
    extras = EXTRAS.items()
    return needed + [_package(name, "none", f"only for {use}: pip install 'srnca[{e}]'") for name, (e, use) in extras]


def _package(name: str, missing: str, hint: str) -> Finding:
    try:
        return Finding(name, True, version(name))
    except PackageNotFoundError:
        return Finding(name, False, missing, hint)


def _cuda() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("GPU", False, "none", "training runs on the processor")
    names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return Finding("GPU", True, ", ".join(names))


def _torchvision() -> Finding:
    import torch  # noqa: F401  (torchvision registers its operators with torch)

    try:
        import torchvision  # noqa: F401
    except ModuleNotFoundError:
        return Finding("torchvision loads", False, "not installed", "only for --bank vgg16: pip install 'srnca[vgg]'")
    except Exception as error:
        hint = "torch and torchvision do not fit each other: install both from the same place"
        return Finding("torchvision loads", False, str(error).splitlines()[0][:80], hint)
    return Finding("torchvision loads", True, "yes")


def _julia() -> Finding:
    """Without starting Julia: importing PySR would, and might download it."""
    from distill.engines import unavailable

    reason = unavailable("pysr")
    if reason is None:
        return Finding("Julia for PySR", True, "ready")
    return Finding("Julia for PySR", False, "not ready", f"only for --engine pysr: {reason.removeprefix(PYSR)}")


def _vgg() -> Finding:
    home = Path(os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch")
    path = Path(os.path.expanduser(home)) / "hub" / "checkpoints" / VGG_FILE
    if path.is_file():
        return Finding("VGG weights", True, str(path))
    return Finding(
        "VGG weights",
        False,
        "none",
        f"only for --bank vgg16: --download, or put {VGG_FILE} into {path.parent}",
    )


def _ffmpeg() -> Finding:
    try:
        return Finding("ffmpeg", True, f"in PyAV {version('av')}")
    except PackageNotFoundError:
        return Finding("ffmpeg", False, "none", "only for mp4, in PyAV: pip install 'srnca[video]'; GIF needs none")


def _kernels() -> Finding:
    from equations.backends.llvm.cache import cache_folder

    folder = cache_folder()
    if folder is None:
        return Finding("kernel cache", False, "none", "kernels are compiled in every process; see SRNCA_CACHE")
    return Finding("kernel cache", True, str(folder))
