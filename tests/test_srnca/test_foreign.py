"""Another project's package called `equations` or `distill` is recognised, and what to do about it is said."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from srnca import foreign

ROOT = Path(__file__).parents[2]
ALONE = """\
import os, sys
sys.path = [p for p in sys.path if not os.path.isdir(os.path.join(p, "equations"))]
sys.meta_path = [f for f in sys.meta_path if "editable" not in getattr(f, "__module__", "") + type(f).__module__]
"""
FOREIGN_INIT = "from .core import Expression\n"


def plant(folder: Path, name: str = "equations", version: str = "1.0.0") -> Path:
    """Another project's distribution of this name, installed in `folder`."""
    package = folder / name
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text(FOREIGN_INIT)
    (package / "core.py").write_text("class Expression: pass\n")
    noted = folder / f"{name}-{version}.dist-info"
    noted.mkdir()
    (noted / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (noted / "RECORD").write_text(f"{name}/__init__.py,,\n{name}/core.py,,\n{name}-{version}.dist-info/METADATA,,\n")
    (noted / "top_level.txt").write_text(f"{name}\n")
    return package


def installed(folder: Path) -> Path:
    """A folder like site-packages that has copies of the three packages."""
    folder.mkdir()
    for name in ("equations", "distill", "srnca"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(site: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run `code` where only `site` has the three packages, as after an ordinary installation."""
    whole = f"{ALONE}\nsys.path.insert(0, {str(site)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, cwd=site.parent, timeout=120, check=False
    )


FIND = "from srnca.foreign import find_troubles; import json; print(json.dumps(find_troubles().get('equations')))"


def test_our_own_packages_are_recognised() -> None:
    assert foreign.find_troubles() == {}


def test_a_distribution_that_writes_into_our_folder_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(plant(tmp_path, "distill", "3.1"))  # it has installed its files over ours, which came back since
    monkeypatch.syspath_prepend(tmp_path)
    found = foreign.find_troubles()["distill"]
    assert found[0] == "distill 3.1 writes into the same folder"
    assert "pip uninstall -y distill;" in found[1]
    assert "--force-reinstall --no-deps srnca" in found[1]


def test_doctor_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from srnca.cli import doctor
    from srnca.cli.app import main

    for probe in ("_cuda", "_torchvision", "_julia"):  # slow, and not what this is about
        monkeypatch.setattr(doctor, probe, lambda: doctor.Finding("left out", True, ""))
    shutil.rmtree(plant(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["doctor", "--json"]) == 1
    part = json.loads(capsys.readouterr().out)["parts"]["package equations"]
    assert not part["ok"]
    assert part["found"] == "equations 1.0.0 writes into the same folder"
    assert main(["doctor"]) == 1
    assert "\nDamaged:\n  package equations: pip uninstall -y equations;" in capsys.readouterr().out


def test_a_foreign_package_over_ours_is_seen_and_so_is_the_gap_that_its_removal_leaves(tmp_path: Path) -> None:
    site = installed(tmp_path / "site")
    assert json.loads(run(site, FIND).stdout) is None
    plant(site)
    over = json.loads(run(site, FIND).stdout)
    assert over[0].endswith("__init__.py is another project's")
    assert "pip uninstall -y equations;" in over[1]
    (site / "equations" / "__init__.py").unlink()
    assert json.loads(run(site, FIND).stdout)[0] == "equations has no __init__.py"


def test_importing_srnca_beside_a_foreign_package_says_what_to_do(tmp_path: Path) -> None:
    plant(tmp_path / "other")
    code = f"sys.path.insert(0, {str(tmp_path / 'other')!r}); import srnca"
    done = run(installed(tmp_path / "site"), code)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: SRNCA's package equations is damaged: ")
    assert str(tmp_path / "other" / "equations") in last
    assert "pip uninstall -y equations" in last
