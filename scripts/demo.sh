#!/bin/sh
# The whole path on a built-in sample: picture -> automaton -> rule -> simulator.
set -eu
srnca=".venv/bin/python -m srnca"
mkdir -p demo
$srnca train sample:orchid --out demo/orchid.pt --preview demo/training.png
$srnca distill --checkpoint demo/orchid.pt --out demo/rule --effort 0.7
$srnca simulate demo/rule/rule.json --size 384x192 --steps 1000 --out demo/orchid.png
$srnca simulate demo/rule/rule.json --size 192 --steps 600 --every 10 --out demo/orchid.gif
# A rule that has lost the texture is called so in the last lines, which people read.
.venv/bin/python - <<'END'
import json
from pathlib import Path

from srnca.cli.distill_text import verdict

report = json.loads(Path("demo/rule/report.json").read_text(encoding="utf-8"))
short = report["shortfall"]
law = "law" in report["competed"]["others"]
panels = "picture | automaton | law | rule" if law else "picture | automaton | rule"
seen = f"demo/rule/figure.png ({panels}), then demo/orchid.png and demo/orchid.gif: the rule"
if short is None:
    print(f"Open {seen}, much larger than the 64 x 64 cells it learned on.")
else:
    print(f"The rule is {verdict(report)}, as {seen} show.")
    print(f"Why, and what to do: {short}.")
    print("For example: .venv/bin/python -m srnca distill --checkpoint demo/orchid.pt --out demo/rule --seed 1")
if law:
    print("demo/rule/law/report.html has the law of two species, which can be read.")
print("demo/rule/page.html runs it in a browser: damage it, drag a constant, leave out a term.")
END
