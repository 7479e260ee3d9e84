// The menu of what can be kept, the keys, the tabs.

function connectKeep(app, keep) {
  const menu = element("keep");
  const act = (id, action) => element(id).addEventListener("click", () => {
    menu.open = false;
    action();
  });
  act("keep-picture", () => keep.picture(Number(element("times").value)));
  act("keep-film", () => (element("keep-film").textContent = keep.film() ? "End the film" : "Film"));
  act("keep-link", () => keep.copyLink());
  act("keep-rule", () => keep.rule());
  act("keep-shader", () => keep.shader());
  act("keep-toy", () => keep.shaderToy());
  element("times").addEventListener("click", (event) => event.stopPropagation());
  document.addEventListener("pointerdown", (event) => {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

function connectKeys(app, tools, keep) {
  const letters = { l: "lesion", n: "noise", d: "damage", p: "paint", m: "move", i: "probe" };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=range]):not([type=checkbox]), select, textarea, [contenteditable]");
    if (typing || event.altKey) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      if (!app.edits.undo()) app.say("Nothing to undo");
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey) return;
    const key = event.key.toLowerCase();
    const onButton = event.target.closest("button, summary, a");
    if (key === " " && !onButton) app.setPlaying(!app.playing);
    else if (key === ".") app.step(1);
    else if (key === "r") app.reset();
    else if (key === "s") keep.picture(Number(element("times").value));
    else if (key >= "1" && key <= "9") app.setSpeed(Number(key) - 1);
    else if (key === "[" || key === "]") app.setRadius(tools.radius * (key === "[" ? 1 / 1.25 : 1.25) + (key === "[" ? -0.25 : 0.25));
    else if (key === "+" || key === "=") app.zoom(1.5);
    else if (key === "-") app.zoom(1 / 1.5);
    else if (key === "0") element("fit").click();
    else if (letters[key]) app.chooseTool(letters[key]);
    else return;
    event.preventDefault();
  });
}

function connectTabs(page, payload) {
  const aside = element("panels");
  const buttons = [];
  const select = (chosen) => {
    for (const { button, panel, name } of buttons) {
      button.setAttribute("aria-selected", String(name === chosen));
      button.tabIndex = name === chosen ? 0 : -1;
      panel.hidden = name !== chosen;
    }
    marks.redraw();
  };
  for (const [name, title] of TABS) {
    const panel = element(`panel-${name}`);
    if (name !== "about" && !panels[name]) {
      panel.remove();
      continue;
    }
    const button = document.createElement("button");
    Object.assign(button, { type: "button", id: `tab-${name}`, textContent: title });
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", panel.id);
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-selected") === "true" && aside.classList.contains("open");
      aside.classList.toggle("open", !open); // a drawer where the window is narrow
      document.body.classList.toggle("drawer", !open);
      select(name);
    });
    element("tabs").append(button);
    buttons.push({ button, panel, name });
    panels[name]?.(panel, page);
  }
  element("tabs").addEventListener("keydown", (event) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const at = buttons.findIndex(({ button }) => button === document.activeElement);
    if (!move || at < 0) return;
    const next = buttons[modulo(at + move, buttons.length)];
    select(next.name);
    next.button.focus();
    event.stopPropagation();
  });
  select(buttons[0].name);
}
