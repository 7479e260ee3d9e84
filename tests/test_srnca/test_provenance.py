from __future__ import annotations

from typing import Any

from srnca.provenance import add_provenance


def test_what_a_report_says_already_stays() -> None:
    """The versions of the engines are known to the distillation only."""
    report: dict[str, Any] = {"provenance": {"engine": "auto", "versions": {"pyoperon": "0.6.2", "pysr": "2.7.2"}}}
    add_provenance(report, trained={"date": "then"})
    told = report["provenance"]
    assert told["engine"] == "auto"
    assert told["trained"] == {"date": "then"}
    assert {"srnca", "torch", "numpy"} < set(told["versions"])
    assert (told["versions"]["pyoperon"], told["versions"]["pysr"]) == ("0.6.2", "2.7.2")
    assert "platform" in told
