"""A rule as a fragment shader in GLSL ES 3.00 (WebGL2): one step, from float textures to float textures."""

from __future__ import annotations

from string import Template

from equations.errors import InputError
from equations.printers.cell import EXP_ARGUMENT, Target, cell_lines, colour_lines, helpers, literal
from equations.printers.code import Dialect
from equations.rule import mask
from equations.rule.display import display_of
from equations.rule.rule import Rule

MAX_CHANNELS = 16  # every WebGL2 device has four draw buffers, of four components each

GLSL = Dialect(
    "glsl",
    literal,
    {
        "Abs": "abs({0})",
        "Max": "larger({0}, {1})",
        "Min": "smaller({0}, {1})",
        "Tanh": "tanh(at_least(at_most({0}, 15.0f), -15.0f))",  # drivers may divide e^x by e^x, which overflows
        "Exp": f"exp({EXP_ARGUMENT})",
        "Sin": "sin({0})",
        "Cos": "cos({0})",
        "Sqrt": "sqrt(at_least({0}, 0.0f))",
        "Reciprocal": "reciprocal({0})",
    },
    assign="float {name} = {value};",
)
TARGET = Target(GLSL, "uint")

_SHADER = """#version 300 es
// One step of a local update rule with the channels $channels.
//
// Channel c of cell (x, y) is component c % 4 of texel (x, y) of texture c / 4: RGBA32F, NEAREST, all of one size.
// Draw over the whole of a framebuffer whose colour attachments are as many such textures (this needs
// EXT_color_buffer_float), then swap the two sets. `steps_done` counts from 0.$how
precision highp float;
precision highp int;
precision highp sampler2D;

$textures
uniform uint seed;
uniform uint steps_done;$switch

$targets

$helpers
$picture
void main()
{
    ivec2 size = textureSize(state0, 0);
    ivec2 here = ivec2(gl_FragCoord.xy);
$choice    ivec2 before = ivec2(here.x > 0 ? here.x - 1 : size.x - 1, here.y > 0 ? here.y - 1 : size.y - 1);
    ivec2 after = ivec2(here.x < size.x - 1 ? here.x + 1 : 0, here.y < size.y - 1 ? here.y + 1 : 0);
$body
}
"""
_HOW = """
// While `picture` is true it draws the colours of the present state into the first colour attachment, which may be a
// canvas of that size. Row 0 is at the top."""
_PICTURE = """
float shown(float value)
{
    return value > 0.0f ? (value < 1.0f ? value : 1.0f) : 0.0f;
}

vec4 colour(ivec2 cell)
{
$lines
    return vec4(shown(red), shown(green), shown(blue), 1.0f);
}
"""
_CHOICE = """    if (picture) {
        next0 = colour(ivec2(here.x, size.y - 1 - here.y));
        return;
    }
"""
_HASHES = (
    f"uint row = mix32(mix32(mix32(seed + {mask.GOLDEN:#x}u) ^ steps_done) ^ uint(here.y));",
    "uint column = uint(here.x);",
)


def print_rule(rule: Rule) -> str:
    """The shader. Raises InputError for more than 16 channels."""
    return _print(rule, _body(rule), _drawn(rule))


def print_editable(rule: Rule) -> str:
    """The shader of a step alone, without pictures, with the placeholders of `cell_lines`: a program that fills them
    changes constants and knocks out terms without knowing the rule. Raises InputError for more than 16 channels.
    """
    return _print(rule, _body(rule, editable=True), "")


def print_colours(rule: Rule) -> str:
    """`vec4 colour(ivec2 cell)`, which reads the textures `state0`, …, and the functions that it calls.

    "" for a rule that shows one channel through a colour map, or has a scale beyond float32.
    """
    picture = _drawn(rule)
    return f"{helpers(TARGET, picture)}\n{picture}".lstrip() if picture else ""


def _drawn(rule: Rule) -> str:
    picture = _picture(rule) if display_of(rule).in_colour else ""
    return "" if "INFINITY" in picture else picture  # a scale beyond float32, which GLSL cannot write


def _print(rule: Rule, body: list[str], picture: str) -> str:
    textures = range(-(-len(rule.channels) // 4))
    return Template(_SHADER).substitute(
        channels=", ".join(rule.channels),
        textures="\n".join(f"uniform sampler2D state{index};" for index in textures),
        targets="\n".join(f"layout(location = {index}) out vec4 next{index};" for index in textures),
        helpers=helpers(TARGET, "\n".join(body) + picture),
        body="\n".join(f"    {line}" for line in body),
        how=_HOW if picture else "",
        switch="\nuniform bool picture;" if picture else "",
        picture=picture,
        choice=_CHOICE if picture else "",
    )


def _picture(rule: Rule) -> str:
    """The function `colour`: red, green and blue of one cell, clipped to [0, 1]."""
    texels: dict[str, str] = {}

    def read(channel: int) -> str:
        number, component = divmod(channel, 4)
        texels[f"s{number}"] = f"vec4 s{number} = texelFetch(state{number}, cell, 0);"
        return f"s{number}.{'xyzw'[component]}"

    lines, results = colour_lines(rule, TARGET, read)
    lines += [f"float {name} = {result};" for name, result in zip(("red", "green", "blue"), results, strict=True)]
    return Template(_PICTURE).substitute(lines="\n".join(f"    {line}" for line in [*texels.values(), *lines]))


def _body(rule: Rule, *, editable: bool = False) -> list[str]:
    if len(rule.channels) > MAX_CHANNELS:
        raise InputError(
            f"expected at most {MAX_CHANNELS} channels for GLSL (WebGL2 draws into four textures of four), "
            f"got {len(rule.channels)}; the formats c and python have no such limit"
        )
    texels: dict[str, str] = {}

    def read(channel: int, dy: int, dx: int) -> str:
        number, component = divmod(channel, 4)
        name = f"s{number}_{('n', '', 's')[dy + 1]}{('w', '', 'e')[dx + 1]}".rstrip("_")
        x, y = (f"{('before', 'here', 'after')[offset + 1]}.{axis}" for offset, axis in ((dx, "x"), (dy, "y")))
        texels[name] = f"vec4 {name} = texelFetch(state{number}, ivec2({x}, {y}), 0);"
        return f"{name}.{'xyzw'[component]}"

    lines, results = cell_lines(rule, TARGET, read, editable=editable)
    padded = [*results, *["0.0f"] * (-len(results) % 4)]
    texel = [", ".join(padded[index : index + 4]) for index in range(0, len(padded), 4)]
    outputs = [f"next{index} = vec4({values});" for index, values in enumerate(texel)]
    hashes = _HASHES if rule.masked else ()
    return [*texels.values(), *hashes, *lines, *outputs]
