#!/bin/sh
# Build wheel and sdist into dist/, and check what the package index would show and what an installation would get.
set -eu
python=.venv/bin/python
rm -rf dist
$python -m build --outdir dist .
$python -m twine check --strict dist/*
$python -m check_wheel_contents --toplevel equations,distill,srnca dist/*.whl
$python -m yamllint -d '{extends: default, rules: {line-length: {max: 120}, document-start: disable}}' .github
