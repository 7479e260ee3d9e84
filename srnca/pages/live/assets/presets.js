// The presets of a known model: each is a payload of its own, which takes the place of the page's when it is opened.

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

// The payload that the address asks for, and a sentence where it cannot be had.
async function choosePreset(payload) {
  const name = new URLSearchParams(location.hash.slice(1)).get("preset");
  const { presets } = payload;
  if (name === null || (presets && name === presets.own)) return [payload, null];
  if (!presets?.names.some(([one]) => one === name)) return [payload, "The link names a preset that this page does not have."];
  if (!globalThis.DecompressionStream) return [payload, "This browser is too old to open the presets of a page."];
  const chosen = (await unpack(presets.packed))[name];
  return [{ ...payload, ...chosen, presets: { ...presets, chosen: name } }, null];
}

// Open a preset, or the page's own rule (null): equations, numbers, first state, size, seed.
function openPreset(app, name) {
  const parts = { ...(name !== null && { preset: name }), ...(app.half && { half: 1 }), ...(!app.playing && { paused: 1 }) };
  location.hash = new URLSearchParams(parts).toString() || "own";
}

// What the page says in words, where a preset other than its own was opened.
function showWords({ title, about, facts, presets }) {
  if (!presets?.chosen) return;
  document.title = element("title").textContent = element("title").title = title;
  Object.assign(element("about"), { textContent: about, hidden: false });
  element("picture").setAttribute("aria-label", `The pattern of ${title}, as it runs`);
  element("facts").replaceChildren(...facts.flatMap(([name, text]) => [parts.make("dt", { text: name }), parts.make("dd", { text })]));
}
