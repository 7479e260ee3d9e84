"""Reading a rule loads nothing heavy, and every name of the package is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import equations.analysis as package


def test_imports_are_free() -> None:
    code = (
        "import sys; import equations.analysis; assert 'numpy' not in sys.modules; import equations.analysis.analysis; "
        "print([m for m in ('torch', 'llvmlite', 'matplotlib', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_lazy_names() -> None:
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        package.analyse
