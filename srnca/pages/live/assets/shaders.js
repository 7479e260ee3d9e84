// The text of shaders: the rule's step with its numbers filled in, and the passes that are the same for every rule.

const VERTEX = `#version 300 es
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3 : -1, gl_VertexID == 2 ? 3 : -1, 0, 1); }`;

const MOST_HOT = 16; // constants that are uniforms at a time: more of them make long shaders several times slower

// A number as GLSL, rounded to float32, in the fewest digits that read back as the same number.
function literal(value) {
  const rounded = Math.fround(value);
  let text = "0";
  for (let digits = 1; digits <= 9; digits++) {
    text = rounded.toPrecision(digits);
    if (Math.fround(Number(text)) === rounded) break;
  }
  const [mantissa, exponent] = text.split("e");
  const whole = mantissa.includes(".") ? mantissa : `${mantissa}.0`;
  const code = `${whole}${exponent === undefined ? "" : `e${exponent.replace("+", "")}`}f`;
  return rounded < 0 ? `(${code})` : code;
}

// The step's shader. constants: name -> value. gates: id -> whether the term counts. hot: names that become uniforms.
function fillShader(template, constants, gates, hot) {
  const gated = template.replace(/⟪([^⟫/]+)⟫([^⟪]*)⟪\/⟫/g, (_, id, term) => (gates[id] === false ? "0.0f" : term));
  const filled = gated.replace(/⟦([^⟧]+)⟧/g, (_, name) => {
    const place = hot.indexOf(name);
    return place < 0 ? literal(constants[name]) : `k[${place}]`;
  });
  return hot.length ? filled.replace("uniform uint seed;", `uniform float k[${MOST_HOT}];\nuniform uint seed;`) : filled;
}

const HEAD = `#version 300 es
precision highp float;
precision highp int;
precision highp sampler2D;
`;

const each = (count, line) => Array.from({ length: count }, (_, index) => line(index)).join("\n");

const BAD = `bvec4 bad(vec4 t)
{
    return equal(floatBitsToUint(t) & uvec4(0x7f800000u), uvec4(0x7f800000u));
}
`;

const reader = (name, prefix, count) => `vec4 ${name}(int texture_index, ivec2 cell)
{
${each(count, (i) => `    if (texture_index == ${i}) return texelFetch(${prefix}${i}, cell, 0);`)}
    return vec4(0.0f);
}
`;

const CHANGE = (count) => `float change_at(ivec2 cell)
{
    float total = 0.0f;
    for (int i = 0; i < ${count}; i++) total += dot(abs(state_at(i, cell) - past_at(i, cell)), vec4(1.0f));
    return total;
}
`;

const samplers = (count) => each(count, (i) => `uniform sampler2D state${i};\nuniform sampler2D past${i};`);

// What is seen. view 0: the rule's colours; 1: one channel through the colour map; 2: the change of the last step.
function displayShader(count, colours) {
  return `${HEAD}${samplers(count)}
uniform sampler2D map;
uniform vec4 camera; // the cell in the middle (x, y), cells per pixel, 1: smooth
uniform vec4 pane;   // left, bottom, width, height in pixels
uniform int view;
uniform int channel;
uniform vec2 range;  // the value at the lower end of the colour map, and 1 / (upper end - lower end)
out vec4 seen;

${colours || "vec4 colour(ivec2 cell)\n{\n    return vec4(0.0f);\n}"}
${BAD}${reader("state_at", "state", count)}${reader("past_at", "past", count)}${CHANGE(count)}
vec4 look(ivec2 cell)
{
    ivec2 size = textureSize(state0, 0);
    cell -= size * ivec2(floor(vec2(cell) / vec2(size)));
    if (view == 0) return colour(cell);
    vec4 value = vec4(view == 1 ? state_at(channel / 4, cell)[channel % 4] : change_at(cell));
    if (bad(value).x) return vec4(1.0f, 0.0f, 0.6f, 1.0f);
    float place = min(max((value.x - range.x) * range.y, 0.0f), 1.0f);
    return texelFetch(map, ivec2(int(place * 255.0f + 0.5f), 0), 0);
}

void main()
{
    vec2 pixel = gl_FragCoord.xy - pane.xy;
    vec2 at = camera.xy + (vec2(pixel.x, pane.w - pixel.y) - 0.5f * pane.zw) * camera.z;
    if (camera.w == 0.0f) {
        seen = vec4(look(ivec2(floor(at))).rgb, 1.0f);
        return;
    }
    vec2 corner = floor(at - 0.5f);
    vec2 part = at - 0.5f - corner;
    ivec2 cell = ivec2(corner);
    vec4 above = mix(look(cell), look(cell + ivec2(1, 0)), part.x);
    vec4 below = mix(look(cell + ivec2(0, 1)), look(cell + ivec2(1, 1)), part.x);
    seen = vec4(mix(above, below, part.y).rgb, 1.0f);
}
`;
}

// Of a block of 16 x 16 cells: smallest and largest value that is seen, whether a number diverged, largest change.
function surveyShader(count) {
  return `${HEAD}${samplers(count)}
uniform int channel;
uniform float limit;
out vec4 found;
${BAD}${reader("state_at", "state", count)}${reader("past_at", "past", count)}${CHANGE(count)}
void main()
{
    ivec2 size = textureSize(state0, 0);
    ivec2 corner = ivec2(gl_FragCoord.xy) * 16;
    found = vec4(3e38f, -3e38f, 0.0f, 0.0f);
    for (int place = 0; place < 256; place++) {
        ivec2 cell = corner + ivec2(place % 16, place / 16);
        if (cell.x >= size.x || cell.y >= size.y) continue;
        for (int i = 0; i < ${count}; i++) {
            vec4 t = state_at(i, cell);
            if (any(bad(t)) || any(greaterThan(abs(t), vec4(limit)))) found.z = 1.0f;
        }
        float value = state_at(channel / 4, cell)[channel % 4];
        found.x = min(found.x, value);
        found.y = max(found.y, value);
        found.w = max(found.w, change_at(cell));
    }
}
`;
}

// Changes the cells within `radius` of a segment, on the torus. mode 0: set; 1: add noise; 2: set half of them.
function brushShader(count) {
  return `${HEAD}${each(count, (i) => `uniform sampler2D state${i};`)}
uniform vec4 stroke;       // x, y of both ends, in cells
uniform float radius;
uniform int mode;
uniform uint draw;         // a number of its own for each stroke
uniform vec4 value[${count}];
uniform vec4 touched[${count}]; // 1 for the channels that change
${each(count, (i) => `layout(location = ${i}) out vec4 next${i};`)}

uint mix32(uint h)
{
    h ^= h >> 16;
    h *= 0x7feb352du;
    h ^= h >> 15;
    h *= 0x846ca68bu;
    return h ^ (h >> 16);
}

vec4 painted(vec4 old, int i, bool inside, uint cell)
{
    if (!inside) return old;
    vec4 to = value[i];
    if (mode == 1) {
        uvec4 numbers = uvec4(4 * i + 1, 4 * i + 2, 4 * i + 3, 4 * i + 4) * 0x9e3779b9u + cell;
        uvec4 drawn = uvec4(mix32(numbers.x), mix32(numbers.y), mix32(numbers.z), mix32(numbers.w));
        to = old + value[i] * (vec4(drawn >> 8) * (2.0f / 16777216.0f) - 1.0f);
    }
    return mix(old, to, touched[i]);
}

void main()
{
    ivec2 here = ivec2(gl_FragCoord.xy);
    vec2 size = vec2(textureSize(state0, 0));
    vec2 away = vec2(here) + 0.5f - stroke.xy;
    vec2 along = stroke.zw - stroke.xy;
    vec2 middle = 0.5f * along;
    away -= size * round((away - middle) / size);
    float part = dot(along, along) > 0.0f ? min(max(dot(away, along) / dot(along, along), 0.0f), 1.0f) : 0.0f;
    uint cell = mix32(mix32(mix32(draw) ^ uint(here.y)) ^ uint(here.x));
    bool inside = length(away - part * along) <= radius && (mode != 2 || cell < 0x80000000u);
${each(count, (i) => `    next${i} = painted(texelFetch(state${i}, here, 0), ${i}, inside, cell);`)}
}
`;
}
