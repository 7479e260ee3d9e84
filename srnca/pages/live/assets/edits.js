// What a person has changed: values of constants, terms that are knocked out; one stack to undo them.

const LARGEST = 1e30; // of a number in a rule
const ONE_DRAG = 700; // ms: changes of the same constants within this time are one step of undo

class Edits {
  // changed(names) is called after every change, with the names of the constants and ids of the terms.
  constructor(payload, changed) {
    this.found = Object.freeze({ ...payload.constants });
    this.constants = { ...payload.constants };
    this.terms = payload.terms.map((term) => term.id);
    this.gates = Object.fromEntries(this.terms.map((id) => [id, true]));
    this.changed = changed;
    this.past = [];
    this.last = ["", 0];
  }

  setConstants(values) {
    for (const [name, value] of Object.entries(values)) {
      if (!Object.hasOwn(this.found, name)) throw new RangeError(`there is no constant ${name}`);
      if (!Number.isFinite(value) || Math.abs(value) > LARGEST) throw new RangeError(`${name} cannot be ${value}`);
    }
    this.change({ ...this.constants, ...values }, this.gates, Object.keys(values));
  }

  setGates(values) {
    for (const id of Object.keys(values)) {
      if (!Object.hasOwn(this.gates, id)) throw new RangeError(`there is no term ${id}`);
    }
    const gates = Object.fromEntries(this.terms.map((id) => [id, Boolean(values[id] ?? this.gates[id])]));
    this.change(this.constants, gates, Object.keys(values));
  }

  change(constants, gates, names) {
    const key = names.join();
    const now = performance.now();
    if (this.last[0] !== key || now - this.last[1] > ONE_DRAG) {
      this.past.push([{ ...this.constants }, { ...this.gates }]);
    }
    this.last = [key, now];
    this.assign(constants, gates, names);
  }

  assign(constants, gates, names) {
    Object.assign(this.constants, constants);
    Object.assign(this.gates, gates);
    this.changed(names);
  }

  undo() {
    const before = this.past.pop();
    if (!before) return false;
    this.last = ["", 0];
    this.assign(...before, this.differing(...before));
    return true;
  }

  reset() {
    const gates = Object.fromEntries(this.terms.map((id) => [id, true]));
    const names = this.differing(this.found, gates);
    if (names.length) this.change({ ...this.found }, gates, names);
  }

  differing(constants, gates) {
    const names = Object.keys(constants).filter((name) => constants[name] !== this.constants[name]);
    return [...names, ...this.terms.filter((id) => gates[id] !== this.gates[id])];
  }

  get edited() {
    return Object.keys(this.found).filter((name) => this.constants[name] !== this.found[name]);
  }

  get knockedOut() {
    return this.terms.filter((id) => !this.gates[id]);
  }

  // As parts of a link: {set: "u.0:0.05,v.1:-0.2", off: "u.2"}, each only where there is something to say.
  link() {
    const set = this.edited.map((name) => `${name}:${this.constants[name]}`).join();
    const off = this.knockedOut.join();
    return { ...(set && { set }), ...(off && { off }) };
  }

  // From the parts of a link. What the rule does not have is left out; says whether all was known.
  load(set, off) {
    const constants = { ...this.found };
    let known = true;
    for (const part of (set || "").split(",").filter(Boolean)) {
      const [name, text] = part.split(":");
      const value = Number(text);
      const valid = Object.hasOwn(this.found, name) && text && Math.abs(value) <= LARGEST;
      if (valid) constants[name] = value;
      known &&= Boolean(valid);
    }
    const gone = (off || "").split(",").filter(Boolean);
    const gates = Object.fromEntries(this.terms.map((id) => [id, !gone.includes(id)]));
    const names = this.differing(constants, gates);
    if (names.length) this.change(constants, gates, names);
    return known && gone.every((id) => Object.hasOwn(this.gates, id));
  }

  // The rule as data for rule.json, with the edits applied.
  applied(rule) {
    const copy = structuredClone(rule);
    if (!this.edited.length && !this.knockedOut.length) return copy;
    for (const channel of copy.channels) copy.updates[channel] = this.appliedTo(copy.updates[channel], channel);
    const { parameters, preset, ...provenance } = copy.provenance;
    copy.provenance = { ...provenance, edited: { constants: this.edited.length, terms: this.knockedOut } };
    return copy;
  }

  appliedTo(update, channel) {
    let count = 0;
    const walk = (tree) => {
      if (typeof tree === "string") return tree;
      if (!Array.isArray(tree) || tree[0] === "Rational") {
        const name = `${channel}.${count++}`;
        return this.constants[name] === this.found[name] ? tree : this.constants[name];
      }
      return tree[0] === "Power" ? ["Power", walk(tree[1]), tree[2]] : [tree[0], ...tree.slice(1).map(walk)];
    };
    const whole = walk(update);
    const terms = Array.isArray(whole) && whole[0] === "Add" ? whole.slice(1) : [whole];
    const left = terms.filter((_, k) => this.gates[`${channel}.${k}`] !== false);
    return left.length === terms.length ? whole : left.length > 1 ? ["Add", ...left] : left.length ? left[0] : 0;
  }
}
