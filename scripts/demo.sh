#!/bin/sh
# The whole path on a built-in sample: picture -> automaton -> rule -> simulator.
set -eu
srnca=".venv/bin/python -m srnca"
mkdir -p demo
$srnca train sample:snake --out demo/snake.pt --preview demo/training.png
$srnca distill --checkpoint demo/snake.pt --out demo/rule --effort 0.7
$srnca simulate demo/rule/rule.json --size 384x192 --steps 1000 --out demo/snake.png
$srnca simulate demo/rule/rule.json --size 192 --steps 600 --every 10 --out demo/snake.gif
# A rule that has lost the texture is called so in the last lines, which people read.
.venv/bin/python - <<'END'
import json
from pathlib import Path

short = json.loads(Path("demo/rule/report.json").read_text(encoding="utf-8"))["shortfall"]
seen = "demo/rule/figure.png (picture | automaton | rule), then demo/snake.png and demo/snake.gif: the rule"
if short is None:
    print(f"Open {seen}, much larger than the 64 x 64 cells it learned on.")
else:
    print(f"This run found a poor rule, as {seen} show.")
    print(f"Why, and what to do: {short}.")
    print("For example: .venv/bin/python -m srnca distill --checkpoint demo/snake.pt --out demo/rule --seed 1")
END
