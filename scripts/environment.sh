#!/bin/sh
# Make or repair .venv and install the project into it with the tested versions.
#   sh scripts/environment.sh [PYTHON [EXTRAS]]     EXTRAS: further extras beside dev, such as docs,release
# A first attempt that was cut off (a kill, a full disk) leaves .venv/.installing behind; such an environment may
# hold half a package that pip takes for whole, so it is made anew. pip's cache keeps that from costing a download.
set -eu

say() { printf '%s\n' "$*" >&2; }

fits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for candidate in ${1:-python3 python3.13 python3.12 python3.11}; do
        if fits "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "expected Python 3.11 or newer with its venv module, found none (tried ${1:-python3, python3.13, python3.12, python3.11})."
    say "Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: make PYTHON=/path/to/python3"
    exit 1
}

whole() {
    [ ! -e .venv/.installing ] &&
        .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 &&
        .venv/bin/python -m pip --version >/dev/null 2>&1
}

install() {
    : > .venv/.installing
    trap 'exit 130' INT TERM HUP # the mark stays
    status=0
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev${extras:+,$extras}]" || status=$?
    # pip's own failures (no network, no such version) come before it touches a package; a kill may come at any time.
    [ "$status" -ge 128 ] || rm -f .venv/.installing
    [ "$status" -eq 0 ] || exit "$status"
}

extras=${2:-}
ready=$(cat .venv/.ready 2>/dev/null || true)
rm -f .venv/.ready
if ! whole; then
    python=$(find_python "${1:-}")
    say "making .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv
fi
say "installing into .venv (a few minutes and 6 GB the first time)"
install
.venv/bin/python -m pip check >&2
[ -z "$ready" ] || printf '%s\n' "$ready" > .venv/.ready
