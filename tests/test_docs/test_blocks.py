"""Every code block of README.md and docs/ is run or parsed, or is marked as what a program printed."""

from __future__ import annotations

import ast
import doctest
import json
import tomllib

import pytest

from tests.test_docs.blocks import Block, all_blocks, read_blocks
from tests.test_docs.commands import calls_of, complaint, lines_of

OUTPUT = {"text", "console"}  # what is shown; the commands of `console` are still checked
CHECKED = {"python", "pycon", "sh", "json", "toml"}
REFERENCE = ("api-equations.md", "api-distill.md", "api-srnca.md")  # whose examples run below
# Run by test_js_blocks.py, or by Sphinx.
ELSEWHERE = {"js": "export.md", "{toctree}": "index.md", "{eval-rst}": "api-"}
TOOLS = ("make", "git", "cd", "pip", "python", "cc", "./rule", "source", "torchrun", "srun", "first=")


def trouble(block: Block) -> str | None:
    """What is wrong with the block's mark or its content, or None."""
    if block.language in OUTPUT - {"console"} or block.language == "python":  # test_python_blocks.py runs Python
        return None
    if block.language == "pycon":
        return None if block.page in REFERENCE else "examples are run in the reference only; write a python block"
    if block.language in ("sh", "console"):
        return shell_trouble(block)
    if block.language == "json":
        return json_trouble(block.text)
    if block.language == "toml":
        tomllib.loads(block.text)
        return None
    place = ELSEWHERE.get(block.language)
    if place is not None and block.page.startswith(place):
        return None
    return f"expected a mark of {', '.join(sorted(OUTPUT | CHECKED))}, got {block.language or 'none'!r}"


def shell_trouble(block: Block) -> str | None:
    """A `srnca` call that the program would refuse, or a tool that is not among those that are known."""
    lines = block.text.splitlines()
    text = "\n".join(line for line in lines if line.startswith("$ ")) if block.language == "console" else block.text
    for line in lines_of(text):
        for words in calls_of(line):
            wrong = complaint([word for word in words if word not in ("…",)])
            if wrong:
                return f"{line}: {wrong}"
        if not line.startswith(("srnca", *TOOLS)):
            return f"unknown tool in {line!r}"
    return None


def json_trouble(text: str) -> str | None:
    for whole in (text, "{" + text + "}"):  # a part of a file is shown without its braces
        try:
            json.loads(whole)
        except ValueError:
            continue
        return None
    return "this is not JSON"


def test_every_block_is_checked_or_marked_as_output() -> None:
    blocks = list(all_blocks())
    assert len(blocks) > 60
    wrong = {str(block): found for block in blocks if (found := trouble(block))}
    assert wrong == {}


def test_python_blocks_are_python() -> None:
    for block in all_blocks("python"):
        ast.parse(block.text, str(block))
    assert list(all_blocks("python"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```\nx = 1\n```", "expected a mark of"),
        ("    x = 1", "expected a mark of"),
        ("```sh\nsrnca trian leaf.jpg\n```", "there is no command trian"),
        ("```sh\nsrnca simulate gray-scott --sise 64\n```", "No such option"),
        ("```sh\nsrnca show rule.json --format c > x.c && srnca simulate\n```", "Missing argument"),
        ("```console\n$ srnca analyze a b\nverdict: none\n```", "unexpected extra argument"),
        ("```sh\nmake demo\nrm -rf demo\n```", "unknown tool in 'rm -rf demo'"),
        ("```sh\ntorchrun --nproc-per-node 2 \\\n  -m srnca simulate gray-scott --stepps 5\n```", "No such option"),
        ("```json\n{1}\n```", "this is not JSON"),
        ("```js\nlet a = 1;\n```", "expected a mark of"),
        ("```pycon\n>>> 1 + 1\n3\n```", "in the reference only"),
    ],
)
def test_a_block_that_would_not_work_is_found(text: str, said: str) -> None:
    (block,) = read_blocks(text, "a.md")
    assert said in (trouble(block) or "")


@pytest.mark.parametrize("page", REFERENCE)
def test_the_examples_of_the_reference_give_what_they_show(
    page: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    space: dict[str, object] = {}
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    count, said = 0, []
    for block in all_blocks("pycon"):
        if block.page == page:
            example = doctest.DocTestParser().get_doctest(block.text, space, str(block), page, block.line)
            runner.run(example, out=said.append, clear_globs=False)
            space = example.globs
            count += len(example.examples)
    assert count > 15
    assert said == []
