// The rule as text for ShaderToy: one buffer that computes the state, with the same first state and mask, and the image.

// A buffer sees what others drew in the same frame, so all channels are in one: tiles of four channels side by side.
function shaderToy(payload, shader, seed) {
  const count = Math.ceil(payload.channels.length / 4);
  const outputs = Array.from({ length: count }, (_, i) => `next${i}`);
  const last = `out vec4 next${count - 1};`;
  const main = shader.indexOf("void main()");
  const helpers = shader.slice(shader.indexOf(last) + last.length, main).trim();
  const step = shader.slice(main).replace("void main()", "void advance(ivec2 here)").replace("    ivec2 here = ivec2(gl_FragCoord.xy);\n", "")
    .replaceAll("textureSize(state0, 0)", "grid()");
  const tiles = count === 1 ? [1, 1] : count === 2 ? [2, 1] : [2, 2];
  const common = `const ivec2 TILES = ivec2(${tiles.join(", ")}); // four channels in each
ivec2 grid() { return ivec2(iResolution.xy) / TILES; }
vec4 state_at(int tile, ivec2 cell)
{
    return texelFetch(iChannel0, cell + grid() * ivec2(tile % TILES.x, tile / TILES.x), 0);
}`;
  const buffer = `// ---- Buffer A: its iChannel0 is Buffer A
${common}
#define seed ${seed}u
#define steps_done uint(iFrame - 1)
vec4 ${outputs.join(", ")};
${helpers}
${step}
${toyStart(payload.init, outputs, seed)}
void mainImage(out vec4 result, in vec2 pixel)
{
    ivec2 size = grid();
    ivec2 tile = ivec2(pixel) / size;
    ivec2 here = ivec2(pixel) - tile * size;
    result = vec4(0.0);
    if (tile.x >= TILES.x || tile.y >= TILES.y) return;
    if (iFrame == 0) start(here, size); else advance(here);
${outputs.map((name, i) => `    if (tile.x + TILES.x * tile.y == ${i}) result = ${name};`).join("\n")}
}
`;
  const { channel, low, gain } = payload.display;
  const index = Math.max(0, payload.channels.indexOf(channel));
  const value = `texelFetch(state${index >> 2}, cell, 0)[${index & 3}]`;
  const grey = `vec4 colour(ivec2 cell)\n{\n    return vec4((${value} - ${literal(low ?? 0)}) * ${literal(gain ?? 1)});\n}`;
  const image = `// ---- Image: its iChannel0 is Buffer A
${common}
${payload.colours || grey}
void mainImage(out vec4 result, in vec2 pixel)
{
    ivec2 size = grid();
    ivec2 cell = min(ivec2(pixel / iResolution.xy * vec2(size)), size - 1);
    result = vec4(colour(ivec2(cell.x, size.y - 1 - cell.y)).rgb, 1.0);
}
`;
  return `${buffer}\n${image}`.replace(/texelFetch\(state(\d+), (cell|ivec2\([^()]*\)), 0\)/g, "state_at($1, $2)");
}

// The first state of a cell, as makeState in hash.js has it.
function toyStart(init, outputs, seed) {
  const vec = (numbers, i) => `vec4(${[0, 1, 2, 3].map((c) => literal(numbers[4 * i + c] ?? 0)).join(", ")})`;
  const fraction = literal(init.square_fraction);
  const inside = {
    noise: "bvec4(false)",
    square: "bvec4(all(greaterThanEqual(here, low)) && all(lessThan(here, low + side)))",
    spots: "bvec4(in_spot(here, size))",
    cross: "lessThan(vec4(here.xyxy), vec4((size / 2).xyxy))",
  }[init.kind];
  const spot = `bool in_spot(ivec2 here, ivec2 size)
{
    int radius = max(1, int(floor(${fraction} * float(min(size.x, size.y)) / 2.0 + 0.5)));
    for (int k = 0; k < ${init.spots}; k++) {
        ivec2 away = abs(here - ivec2(floor(vec2(size) * vec2(drawn(ivec2(k, 0), 1), drawn(ivec2(k, 0), 0)))));
        away = min(away, size - away);
        if (away.x * away.x + away.y * away.y <= radius * radius) return true;
    }
    return false;
}
`;
  const lines = outputs.map((name, i) => `    ${name} = mix(${vec(init.background, i)}, ${vec(init.square, i)}, inside)
        + ${vec(init.amplitude, i)} * (2.0 * vec4(${[0, 1, 2, 3].map((c) => `drawn(here, ${4 * i + c})`).join(", ")}) - 1.0);`);
  return `uint mixed(uint h)
{
    h ^= h >> 16; h *= 0x7feb352du; h ^= h >> 15; h *= 0x846ca68bu;
    return h ^ (h >> 16);
}
float drawn(ivec2 cell, int channel)
{
    uint place = mixed(mixed(0x${stepKey(seed, INIT_STEP).toString(16)}u ^ uint(cell.y)) ^ uint(cell.x));
    return float(mixed(place + uint(channel + 1) * 0x9e3779b9u) >> 8) / 16777216.0;
}
${init.kind === "spots" ? spot : ""}void start(ivec2 here, ivec2 size)
{
    ivec2 side = max(ivec2(1), ivec2(floor(vec2(size) * ${fraction} + 0.5)));
    ivec2 low = (size - side) / 2;
    bvec4 inside = ${inside};
${lines.join("\n")}
}`;
}
