#!/bin/sh
# The whole path on a built-in sample: picture -> automaton -> rule -> simulator -> check.
set -eu
srnca=".venv/bin/python -m srnca"
mkdir -p demo
$srnca train sample:snake --out demo/snake.pt --preview demo/training.png
$srnca distill --checkpoint demo/snake.pt --out demo/rule --budget 2m
$srnca simulate demo/rule/rule.json --size 384x192 --steps 1000 --out demo/snake.png
$srnca simulate demo/rule/rule.json --size 192 --steps 600 --every 10 --out demo/snake.gif
printf '%s\n' "Open demo/rule/figure.png (picture | automaton | rule), then demo/snake.png and demo/snake.gif: the rule, far beyond its 64 cells."
