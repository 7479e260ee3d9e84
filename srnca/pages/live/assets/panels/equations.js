// The equations: a click on a term knocks it out, numbers are dragged or typed, parameters and presets of known models.
panels.equations = (element, page) => {
  const { make, text } = parts;
  const data = page.payload.equations;
  element.classList.add("equations");
  if (data.reason) {
    element.append(make("p", { class: "reason", text: data.reason }));
    return;
  }
  const terms = new Map(), constants = new Map();
  const undo = make("button", { type: "button", text: "Undo", onclick: () => page.undo() || page.say?.("Nothing to undo") });
  const reset = make("button", { type: "button", text: "As found", title: "All numbers and terms as they were found", onclick: () => page.resetEdits() });
  element.append(make("div", { class: "panel-bar" }, undo, reset));
  const another = make("p", { class: "reason", hidden: true, text: "Another rule of the front is running. Equations and scales are those of this page’s own rule; an edit goes back to it." });
  element.append(another);
  const parameters = data.parameters && makeParameters(page, data.parameters, page.payload.presets);
  if (parameters) element.append(parameters.root);
  element.append(make("p", { class: "hint", text: "Click a term to leave it out. Drag a number, or click it to type." }));
  const list = make("div", { class: "equation-list" });
  element.append(list);
  const editor = makeEditor(page, data.errors, constants);
  element.append(editor.root);
  const changes = make("ul", { class: "changes", "aria-label": "Changes" });
  element.append(changes);
  for (const channel of data.channels) list.append(makeChannel(channel));
  page.on("edit", show);
  for (const event of ["front", "edit"]) page.on(event, () => { another.hidden = page.front === null; });
  show();

  function makeChannel(channel) {
    const block = make("section", { class: "equation", "aria-label": `update of ${channel.name}` });
    const head = make("div", { class: "equation-head" });
    head.innerHTML = channel.head;
    head.append(" =");
    block.append(head);
    for (const group of channel.groups) {
      const row = make("div", { class: "term-group", role: "group", "aria-label": `${group.name} of ${channel.name}` });
      row.append(make("span", { class: "group-name", text: group.name }));
      row.append(make("div", { class: "terms" }, ...group.terms.map(makeTerm)));
      block.append(row);
    }
    return block;
  }

  function makeTerm(term) {
    const toggle = () => page.setGates({ [term.id]: page.gates[term.id] === false });
    const sign = make("button", { type: "button", class: "sign", role: "switch", "aria-label": `term ${term.text}`, text: term.sign, onclick: toggle });
    const body = make("span", { class: "term-body" });
    body.innerHTML = term.math;
    body.addEventListener("click", (event) => event.target.closest(".constant") || toggle());
    for (const number of body.querySelectorAll(".constant")) connect(number, term);
    const root = make("span", { class: "term", title: "Click to leave this term out, or to put it back" }, sign, body);
    terms.set(term.id, { root, sign, text: term.text });
    return root;
  }

  function connect(number, term) {
    const { name, sign } = number.dataset;
    const found = page.found[name];
    const set = (value) => page.setConstants({ [name]: parts.digits(value, 6) });
    for (const [key, value] of Object.entries({ tabindex: "0", role: "slider", "aria-label": `number ${name} in ${term.text}` })) number.setAttribute(key, value);
    constants.set(name, { number, term, sign: Number(sign) });
    const unit = Math.abs(found) || 1;
    let drag = null;
    number.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      number.focus();
      drag = { x: event.clientX, value: page.constants[name], moved: false };
      number.setPointerCapture(event.pointerId);
    });
    number.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const dx = event.clientX - drag.x;
      drag.moved ||= Math.abs(dx) > 3;
      if (drag.moved) set(drag.value + Number(sign) * dx * unit * (event.shiftKey ? 0.0005 : 0.005));
    });
    const end = () => {
      if (drag && !drag.moved) editor.open(name, true);
      drag = null;
    };
    number.addEventListener("pointerup", end);
    number.addEventListener("pointercancel", () => { drag = null; });
    number.addEventListener("focus", () => editor.open(name, false));
    number.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
      if (step) set(page.constants[name] + Number(sign) * step * unit * (event.shiftKey ? 0.001 : 0.01));
      else if (event.key === "Enter" || /^[0-9.-]$/.test(event.key)) editor.open(name, true);
      else if (event.key === "Escape" || event.key === "Delete") set(found);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  function show() {
    for (const [id, { root, sign }] of terms) {
      const on = page.gates[id] !== false;
      root.classList.toggle("out", !on);
      sign.setAttribute("aria-checked", String(on));
    }
    for (const [name, { number, sign }] of constants) {
      const value = page.constants[name];
      if (number.dataset.shown !== String(value)) {
        number.innerHTML = parts.mathml(value * sign);
        number.dataset.shown = String(value);
      }
      number.classList.toggle("changed", value !== page.found[name]);
      number.setAttribute("aria-valuenow", value);
      number.setAttribute("aria-valuetext", text(value * sign));
    }
    editor.show();
    parameters?.show();
    showChanges();
  }

  function showChanges() {
    const back = (what, action, label) => make("li", {}, make("span", { text: what }), make("button", { type: "button", text: "×", "aria-label": `undo: ${label}`, onclick: action }));
    const rows = [];
    for (const [name, { sign, term }] of constants) {
      if (page.constants[name] === page.found[name]) continue;
      const what = `${text(page.found[name] * sign)} → ${text(page.constants[name] * sign)} in ${term.text}`;
      rows.push(back(what, () => page.setConstants({ [name]: page.found[name] }), what));
    }
    for (const [id, term] of terms) {
      if (page.gates[id] === false) rows.push(back(`left out: ${term.text}`, () => page.setGates({ [id]: true }), `left out ${term.text}`));
    }
    changes.replaceChildren(...rows);
    undo.disabled = page.canUndo === false;
    reset.disabled = rows.length === 0;
  }
};

// The number under the hand: a slider with a tick at the value that was found, and a field to type in.
function makeEditor(page, errors, constants) {
  const { make, text } = parts;
  const root = make("div", { class: "editor", role: "group", "aria-label": "The chosen number", hidden: true });
  let name = null, slider = null;

  function open(chosen, typing) {
    if (name !== chosen) {
      constants.get(name)?.number.classList.remove("chosen");
      name = chosen;
      const { sign, term, number } = constants.get(name);
      number.classList.add("chosen");
      const found = page.found[name] * sign, error = errors[name] ?? null;
      const reach = Math.max(Math.abs(found), 4 * (error ?? 0)) || 1;
      slider = parts.slider({
        label: name, title: `number ${name}, in ${term.text}`, found, error, low: found - reach, high: found + reach,
        changed: (value) => page.setConstants({ [name]: parts.digits(value * sign, 7) }),
      });
      const back = make("button", { type: "button", text: `found ${text(found)}${error === null ? "" : ` ± ${text(error, 2)}`}`, title: "Back to the value that was found", onclick: () => page.setConstants({ [name]: page.found[name] }) });
      root.replaceChildren(make("div", { class: "editor-head" }, make("span", { text: `in ${term.text}` }), back), slider.root);
      root.hidden = false;
    }
    show();
    if (typing) slider.focus();
  }

  function show() {
    if (name !== null) slider.set(page.constants[name] * constants.get(name).sign);
  }

  return { root, open, show };
}

// Sliders for the parameters of a known model, which the numbers of the equations follow, and a menu of its presets.
function makeParameters(page, { model, parameters, constants }, presets) {
  const { make } = parts;
  const root = make("section", { class: "parameters", "aria-label": `Parameters of ${model}` });
  const chosen = presets?.chosen ?? presets?.own ?? "";
  const menu = make("select", { "aria-label": "Preset" });
  const about = make("p", { class: "hint" });
  if (presets) {
    menu.append(make("option", { value: "", text: "own numbers", disabled: presets.own !== null }));
    for (const [name, seen] of presets.names) menu.append(make("option", { value: name, text: name, title: seen }));
    menu.addEventListener("change", () => page.openPreset(menu.value === (presets.own ?? "") ? null : menu.value));
    root.append(make("label", { class: "preset" }, make("span", { text: "Preset" }), menu), about);
  }
  const values = Object.fromEntries(parameters.map((p) => [p.name, p.value]));
  const formulas = Object.entries(constants), sliders = new Map();
  for (const { name, meaning, value, range, fixed } of parameters) {
    const slider = parts.slider({ label: name, title: fixed ?? meaning, found: value, low: range[0], high: range[1], changed: (next) => move(name, next) });
    if (fixed) slider.enable(false);
    else sliders.set(name, slider);
    root.append(slider.root);
  }
  const note = make("p", { class: "hint", hidden: true, text: "The numbers were changed one by one and no longer follow from the parameters." });
  root.append(note);

  const given = (at) => Object.fromEntries(formulas.map(([name, program]) => [name, programs.value(program, at)]));

  function move(name, value) {
    values[name] = value;
    page.setConstants(given(values));
  }

  const near = (a, b) => Math.abs(a - b) <= 1e-6 * Math.max(Math.abs(a), Math.abs(b), 1e-12);
  const follows = () => Object.entries(given(values)).every(([name, value]) => near(value, page.constants[name]));

  // The parameters from which the present numbers follow, by Gauss and Newton; they stay where there are none.
  function infer() {
    const names = [...sliders.keys()], at = { ...values };
    for (let round = 0; round < 12 && names.length; round += 1) {
      const now = given(at), rest = formulas.map(([name]) => page.constants[name] - now[name]);
      const columns = names.map((name) => {
        const h = 1e-6 * Math.max(Math.abs(at[name]), 1e-3), moved = given({ ...at, [name]: at[name] + h });
        return formulas.map(([own]) => (moved[own] - now[own]) / h);
      });
      const square = columns.map((a) => columns.map((b) => a.reduce((sum, x, i) => sum + x * b[i], 0)));
      const step = waves.solve(square, columns.map((a) => a.reduce((sum, x, i) => sum + x * rest[i], 0)));
      if (step === null || !step.every(Number.isFinite)) return;
      names.forEach((name, i) => { at[name] += step[i]; });
    }
    const before = { ...values };
    Object.assign(values, at);
    if (!follows()) Object.assign(values, before);
    else for (const name of names) values[name] = parts.digits(values[name], 9);
  }

  function show() {
    if (!follows()) infer();
    note.hidden = follows();
    for (const [name, slider] of sliders) slider.set(values[name]);
    const asFound = Object.keys(page.found).every((name) => page.constants[name] === page.found[name]);
    menu.value = asFound ? chosen : "";
    about.textContent = (asFound && presets?.names.find(([name]) => name === chosen)?.[1]) || "";
  }

  return { root, show };
}
