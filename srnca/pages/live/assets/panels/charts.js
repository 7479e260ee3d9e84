// Line charts as SVG: axes with round ticks, lines with a legend, vertical marks. Colours are those of the page.
const charts = (() => {
  const NAME = "http://www.w3.org/2000/svg", WIDTH = 360, LEFT = 60, RIGHT = 10, TOP = 10, BOTTOM = 34;

  function node(tag, attributes, text) {
    const made = document.createElementNS(NAME, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function steps(low, high, wanted) {
    const rough = (high - low) / wanted, size = 10 ** Math.floor(Math.log10(rough));
    const step = size * [1, 2, 5, 10].find((factor) => factor * size >= rough);
    const found = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) found.push(parts.digits(i * step, 10));
    return found;
  }

  // Ticks of a logarithmic axis: powers of ten, or 1, 2, 5 of them where there are few.
  function powers(low, high) {
    const decades = Math.log10(high / low), every = Math.max(1, Math.ceil(decades / 5)), found = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e += 1) {
      for (const factor of decades < 2.5 ? [1, 2, 5] : [1]) {
        const value = factor * 10 ** e;
        if (e % every === 0 && value >= low * 0.999 && value <= high * 1.001) found.push(value);
      }
    }
    return found;
  }

  function label(value) {
    if (value !== 0 && (Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3)) {
      const [mantissa, exponent] = value.toExponential(1).split("e");
      const raised = [...String(Number(exponent))].map((c) => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
      return `${Number(mantissa) === 1 ? "" : `${Number(mantissa)}·`}10${raised}`;
    }
    return String(parts.digits(value, 6)).replace("-", "−");
  }

  function axis(span, log) {
    const [low, high] = log ? span.map(Math.log) : span;
    return (value) => ((log ? Math.log(value) : value) - low) / (high - low || 1);
  }

  // A chart in `element`. draw({x: {label, span, log}, y: {…}, lines: [{name, points, kind}], marks: [{x, text}],
  // shapes: [{path (place) → path data, kind}]}); `kind` is a class of panels.css.
  function chart(element, description, height = 200) {
    const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${height}`, class: "chart", role: "img", "aria-label": description });
    element.append(svg);
    const inner = [WIDTH - LEFT - RIGHT, height - TOP - BOTTOM];

    function draw({ x, y, lines = [], marks = [], shapes = [], summary = "" }) {
      svg.replaceChildren();
      svg.setAttribute("aria-label", `${description}. ${summary}`);
      const across = axis(x.span, x.log), down = axis(y.span, y.log);
      const px = (value) => LEFT + across(value) * inner[0], py = (value) => TOP + (1 - down(value)) * inner[1];
      const clip = `clip-${description.replace(/\W+/g, "-")}`;
      const box = node("clipPath", { id: clip });
      box.append(node("rect", { x: LEFT, y: TOP, width: inner[0], height: inner[1] }));
      svg.append(box);
      for (const value of x.log ? powers(...x.span) : steps(...x.span, 6)) {
        svg.append(node("line", { x1: px(value), x2: px(value), y1: TOP, y2: TOP + inner[1], class: "grid" }));
        svg.append(node("text", { x: px(value), y: TOP + inner[1] + 14, class: "tick-x" }, label(value)));
      }
      for (const value of y.log ? powers(...y.span) : steps(...y.span, 4)) {
        svg.append(node("line", { x1: LEFT, x2: LEFT + inner[0], y1: py(value), y2: py(value), class: value === 0 ? "zero" : "grid" }));
        svg.append(node("text", { x: LEFT - 5, y: py(value) + 3.5, class: "tick-y" }, label(value)));
      }
      svg.append(node("text", { x: LEFT + inner[0] / 2, y: height - 4, class: "axis" }, x.label));
      svg.append(node("text", { x: 11, y: TOP + inner[1] / 2, class: "axis", transform: `rotate(-90 11 ${TOP + inner[1] / 2})` }, y.label));
      const plot = node("g", { "clip-path": `url(#${clip})` });
      for (const { path, kind } of shapes) plot.append(node("path", { d: path(px, py), class: kind }));
      for (const { points, kind } of lines) {
        const seen = points.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b) && (!x.log || a > 0) && (!y.log || b > 0));
        const d = seen.map(([a, b], i) => `${i ? "L" : "M"}${px(a).toFixed(1)} ${py(b).toFixed(1)}`).join("");
        plot.append(node("path", { d, class: `line ${kind}` }));
      }
      for (const mark of marks) {
        if (!(across(mark.x) >= 0 && across(mark.x) <= 1)) continue;
        plot.append(node("line", { x1: px(mark.x), x2: px(mark.x), y1: TOP, y2: TOP + inner[1], class: "mark" }));
        const right = across(mark.x) > 0.6;
        plot.append(node("text", { x: px(mark.x) + (right ? -4 : 4), y: TOP + 11, class: right ? "mark-text end" : "mark-text" }, mark.text));
      }
      svg.append(plot);
    }
    return { svg, draw };
  }

  function legend(entries) {
    const items = entries.map(({ name, kind }) => {
      const line = node("svg", { viewBox: "0 0 20 8", class: "key", "aria-hidden": "true" });
      line.append(node("path", { d: "M1 4H19", class: `line ${kind}` }));
      return parts.make("span", { class: "legend-entry" }, line, name);
    });
    return parts.make("div", { class: "legend" }, ...items);
  }

  // The least and the largest of numbers, with a margin; never empty.
  function spanOf(values, margin = 0.05) {
    let low = Infinity, high = -Infinity;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (low > high) return [0, 1];
    const pad = (high - low) * margin || Math.max(Math.abs(high) * margin, 1e-6);
    return [low - pad, high + pad];
  }

  return { chart, legend, spanOf };
})();

// What panels draw above the picture: each draws all of its marks again, in one pass for each frame.
const marks = (() => {
  const drawers = new Map();
  let page = null, waiting = false;

  function draw() {
    waiting = false;
    const { overlay } = page, context = overlay.getContext("2d");
    context.clearRect(0, 0, overlay.width, overlay.height);
    for (const drawer of drawers.values()) drawer(context);
  }

  function redraw() {
    if (page === null || waiting) return;
    waiting = true;
    requestAnimationFrame(draw);
  }

  // Call `drawer(context)` at each frame from now on.
  function add(name, drawer, of) {
    if (page === null) {
      page = of;
      page.on("frame", redraw);
    }
    drawers.set(name, drawer);
  }

  return { add, redraw };
})();
