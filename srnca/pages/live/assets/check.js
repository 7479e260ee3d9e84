// The badge: 20 steps in this browser, compared with those that the reference computed when the page was made.

const AGREEMENT = 1e-3; // of the largest value of a channel: devices round functions such as sin to about 1e-4

const RANKS = ["checked", "unchecked", "failed"];

// Of the rule, and of the network beside it: {state: "checked" | "failed" | "unchecked", text}, the worse of both.
async function checkPage(engine, payload) {
  const { network } = payload;
  const rule = await checkWorld(engine, payload, fillShader(payload.shader, payload.constants, {}, []));
  if (!network) return { ...rule, title: rule.text };
  const beside = await checkWorld(engine, network, network.shader);
  const text = `Rule: ${rule.text} Network: ${beside.text}`;
  const state = RANKS[Math.max(RANKS.indexOf(rule.state), RANKS.indexOf(beside.state))];
  return { state, text, title: `Rule: ${rule.state}. Network: ${beside.state}.` };
}

async function checkWorld(engine, source, shader) {
  const wanted = source.check;
  if (!wanted) return { state: "unchecked", text: "The reference diverges within the first steps: nothing to compare with." };
  const first = makeState(source.init, wanted.size, wanted.size, wanted.seed);
  if (checksum(first) !== wanted.first) {
    return { state: "failed", text: "The first state in this browser differs from that of the reference." };
  }
  if (engine.half) {
    return { state: "unchecked", text: "This device draws 16-bit floats only: good to look at, not compared with the reference." };
  }
  const world = new World(engine, source, wanted.size, wanted.size);
  await world.build(shader);
  world.reset(wanted.seed);
  world.step(wanted.steps);
  const { data } = await world.read();
  world.free();
  let worst = 0;
  wanted.values.forEach((values, c) => {
    const size = Math.max(wanted.largest[c], 1e-6);
    values.forEach((value, k) => {
      const got = data[c * wanted.size ** 2 + wanted.cells[k]];
      worst = Math.max(worst, Number.isFinite(got) ? Math.abs(got - value) / size : Infinity);
    });
  });
  const share = worst === 0 ? "no difference" : `a largest difference of ${worst.toExponential(1)} of a channel's range`;
  const facts = `${wanted.steps} steps on ${wanted.size} × ${wanted.size} cells, ${wanted.cells.length} of them compared: ${share}.`;
  return worst <= AGREEMENT
    ? { state: "checked", text: `Same first state bit for bit; ${facts}` }
    : { state: "failed", text: `This browser does not compute what the reference computes: ${facts}` };
}
