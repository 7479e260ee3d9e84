"""Just enough of GLSL ES in C++ to run a printed shader on the CPU, cell by cell and step by step."""

from __future__ import annotations

from equations.printers import print_rule
from equations.rule.rule import Rule

BEFORE = """
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>
using std::abs; using std::cos; using std::exp; using std::sin; using std::sqrt; using std::tanh;
typedef std::uint32_t uint;
struct vec2 { float x, y; };
struct vec4 {
    float x, y, z, w;
    vec2 xy;
    vec4(float a = 0, float b = 0, float c = 0, float d = 0) : x(a), y(b), z(c), w(d), xy{a, b} {}
};
struct ivec2 {
    int x, y;
    ivec2(int a, int b) : x(a), y(b) {}
    explicit ivec2(vec2 v) : x(int(v.x)), y(int(v.y)) {}
};
static int width, height;
struct sampler2D { vec4 *texels; };
static ivec2 textureSize(const sampler2D &, int) { return ivec2(width, height); }
static vec4 texelFetch(const sampler2D &texture, ivec2 at, int) {
    if (at.x < 0 || at.y < 0 || at.x >= width || at.y >= height) std::exit(9);  // undefined in GLSL
    return texture.texels[at.y * width + at.x];
}
static vec4 gl_FragCoord;
#define uniform static
#define layout(place) static
#define out
#define main shader
"""

AFTER = """
#undef out
#undef main
static sampler2D *const states[] = {STATES};
static vec4 *const outputs[] = {OUTPUTS};
// reads the texels of every texture from stdin, does `steps` steps, writes them to stdout; then the picture
int main(int, char **words) {
    width = std::atoi(words[1]); height = std::atoi(words[2]); seed = std::strtoul(words[4], nullptr, 10);
    const int steps = std::atoi(words[3]), cells = width * height;
    vec4 *next[TEXTURES];
    for (int t = 0; t < TEXTURES; t++) {
        next[t] = new vec4[cells];
        states[t]->texels = new vec4[cells];
        for (int i = 0; i < cells; i++)
            if (std::fread(&states[t]->texels[i].x, 4, 4, stdin) != 4) return 8;
    }
    for (int step = 0; step < steps; step++) {
        steps_done = step;
        for (int i = 0; i < cells; i++) {
            gl_FragCoord = vec4(i % width + 0.5f, i / width + 0.5f, 0.5f, 1.0f);
            shader();
            for (int t = 0; t < TEXTURES; t++) next[t][i] = *outputs[t];
        }
        for (int t = 0; t < TEXTURES; t++) std::swap(next[t], states[t]->texels);
    }
    for (sampler2D *state : states)
        for (int i = 0; i < cells; i++) std::fwrite(&state->texels[i].x, 4, 4, stdout);
PICTURE
}
"""

PICTURE = """
    picture = true;
    for (int i = 0; i < cells; i++) {
        gl_FragCoord = vec4(i % width + 0.5f, height - 1 - i / width + 0.5f, 0.5f, 1.0f);  // rows from the top
        shader();
        std::fwrite(&outputs[0]->x, 4, 4, stdout);
    }
"""


def as_cpp(rule: Rule, *, picture: bool = False, printed: str | None = None) -> str:
    """The shader of `rule` as a C++ program: `program WIDTH HEIGHT STEPS SEED < texels > texels`.

    picture: the colours of the last state follow, in a further texture.
    printed: the shader; None prints the rule.
    """
    count = -(-len(rule.channels) // 4)
    shader = "\n".join(
        line
        for line in (printed or print_rule(rule, "glsl")).splitlines()
        if not line.startswith(("#version", "precision "))
    )
    states = ", ".join(f"&state{index}" for index in range(count))
    after = AFTER.replace("STATES", states).replace("OUTPUTS", states.replace("state", "next"))
    after = after.replace("TEXTURES", str(count)).replace("PICTURE", PICTURE if picture else "")
    return BEFORE + shader + after
