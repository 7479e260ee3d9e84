// Small parts that the panels share: elements, numbers as MathML, sliders with a tick at the value that was found.
const parts = (() => {
  function make(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "text") made.textContent = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  const digits = (value, count = 4) => Number(value.toPrecision(count));

  // A number as text, four digits, as the equations have it.
  function text(value, count = 4) {
    if (!Number.isFinite(value)) return "–";
    return String(digits(value, count)).replace("-", "−");
  }

  // A number as MathML: 1.2·10⁻⁵ where Python would print an exponent; a negative one in brackets.
  function mathml(value) {
    const size = Math.abs(digits(value)), exponent = size ? Math.floor(Math.log10(size)) : 0;
    let inner = `<mn>${size}</mn>`;
    if (exponent < -4 || exponent >= 4) {
      const mantissa = digits(size / 10 ** exponent);
      const power = `${exponent < 0 ? "<mo>−</mo>" : ""}<mn>${Math.abs(exponent)}</mn>`;
      inner = `<mn>${mantissa}</mn><mo>·</mo><msup><mn>10</mn><mrow>${power}</mrow></msup>`;
    }
    return value < 0 ? `<mo form="prefix">(−</mo>${inner}<mo form="postfix">)</mo>` : inner;
  }

  // A slider beside a number field. `found`: a tick on the track, `error`: a band around it, low, high: the range, which
  // grows when a number beyond it is typed. changed(value) is called while it moves.
  function slider({ label, title, found, error = null, low, high, changed }) {
    const range = make("input", { type: "range", "aria-label": label, step: "any" });
    const field = make("input", { type: "number", step: "any", "aria-label": `${label}, number`, class: "number" });
    const tick = make("span", { class: "tick", title: `found: ${text(found)}` });
    const band = make("span", { class: "band", title: error === null ? "" : `± ${text(error, 2)}` });
    const track = make("span", { class: "track" }, band, tick, range);
    const root = make("div", { class: "slider", title }, make("span", { class: "slider-name", text: label }), track, field);
    let span = [low, high];
    const place = (value) => Math.min(1, Math.max(0, (value - span[0]) / (span[1] - span[0])));
    const at = (value) => `calc(8px + ${place(value)} * (100% - 16px))`;
    function stretch(value) {
      if (value < span[0]) span = [value - (span[1] - value) / 4, span[1]];
      if (value > span[1]) span = [span[0], value + (value - span[0]) / 4];
      [range.min, range.max] = span;
      range.step = (span[1] - span[0]) / 400;
      tick.style.left = at(found);
      band.style.left = at(found - (error ?? 0));
      band.style.width = `calc(${place(found + (error ?? 0)) - place(found - (error ?? 0))} * (100% - 16px))`;
    }
    function set(value) {
      stretch(value);
      if (document.activeElement !== field) field.value = digits(value, 6);
      if (document.activeElement !== range || Math.abs(range.value - value) > Number(range.step)) range.value = value;
      range.setAttribute("aria-valuetext", text(value));
      root.classList.toggle("changed", Math.abs(value - found) > 1e-9 * Math.abs(found));
    }
    range.addEventListener("input", () => changed(Number(range.value)));
    field.addEventListener("change", () => {
      const value = Number(field.value);
      if (field.value.trim() !== "" && Number.isFinite(value)) changed(value);
      else field.value = "";
    });
    root.addEventListener("keydown", (event) => event.stopPropagation()); // digits and arrows belong to the field
    const enable = (on) => { range.disabled = field.disabled = !on; };
    set(found);
    return { root, set, enable, focus: () => field.select() || field.focus() };
  }

  const visible = (element) => element.offsetParent !== null;

  // Call `action` whenever `element` comes into view, as when its tab is chosen.
  function whenShown(element, action) {
    new ResizeObserver(() => visible(element) && action()).observe(element);
  }

  return { make, text, digits, mathml, slider, visible, whenShown };
})();
