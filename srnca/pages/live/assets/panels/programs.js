// The page's calculator: runs the postfix programs of the payload on columns of numbers, or with derivatives.
// The guards of 1/x, √x and exp(x) are those of the simulators.
const programs = (() => {
  const FLOOR = 1e-9, CEILING = 80, NEAR = 1e-7, SMALL = 0.01;
  const reciprocal = (x) => 1 / (Math.abs(x) < FLOOR ? (x < 0 ? -FLOOR : FLOOR) : x);
  const ONE = {
    "|": Math.abs,
    "%tanh": Math.tanh,
    "%exp": (x) => Math.exp(Math.min(x, CEILING)),
    "%sin": Math.sin,
    "%cos": Math.cos,
    "%sqrt": (x) => Math.sqrt(Math.max(x, 0)),
    "%relu": (x) => Math.max(x, 0),
    "~": (x) => -x,
  };
  const TWO = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a * reciprocal(b),
    ">": Math.max,
    "<": Math.min,
  };

  function power(x, exponent) {
    if (exponent === 0.5) return Math.sqrt(Math.max(x, 0));
    if (exponent < 0) return reciprocal(power(x, -exponent));
    let value = 1;
    for (let i = 0; i < exponent; i += 1) value *= x;
    return value;
  }

  // An item as {kind, …}: "number", "name", "power", "one" or "two" (with its count of arguments).
  const known = new Map();
  function parse(item) {
    if (typeof item === "number") return { kind: "number", value: item };
    let found = known.get(item);
    if (found) return found;
    if (/^[A-Za-z_]/.test(item)) found = { kind: "name", name: item };
    else if (item[0] === "^") found = { kind: "power", exponent: Number(item.slice(1)) };
    else {
      const [, head, count] = /^(%[a-z]+|.)(\d+)$/.exec(item);
      found = ONE[head] ? { kind: "one", head } : { kind: "two", head, count: Number(count) };
    }
    known.set(item, found);
    return found;
  }

  function walk(program, algebra) {
    const stack = [];
    for (const item of program) {
      const p = parse(item);
      if (p.kind === "number") stack.push(algebra.number(p.value));
      else if (p.kind === "name") stack.push(algebra.name(p.name));
      else if (p.kind === "power") stack.push(algebra.power(stack.pop(), p.exponent));
      else if (p.kind === "one") stack.push(algebra.one(p.head, stack.pop()));
      else {
        const args = stack.splice(stack.length - p.count);
        stack.push(args.reduce((a, b) => algebra.two(p.head, a, b)));
      }
    }
    return stack[0];
  }

  // The value for plain numbers: `values` name → number.
  function value(program, values) {
    return walk(program, {
      number: (x) => x,
      name: (name) => values[name],
      power,
      one: (head, a) => ONE[head](a),
      two: (head, a, b) => TWO[head](a, b),
    });
  }

  // The values of n points: `columns` name → array of n, or number. Gives an array of n.
  function column(program, columns, n) {
    const each = (f, a, b) => {
      if (typeof a === "number" && (b === undefined || typeof b === "number")) return f(a, b);
      const out = new Float64Array(n), left = typeof a === "number", right = typeof b === "number";
      if (b === undefined) for (let i = 0; i < n; i += 1) out[i] = f(a[i]);
      else for (let i = 0; i < n; i += 1) out[i] = f(left ? a : a[i], right ? b : b[i]);
      return out;
    };
    const found = walk(program, {
      number: (x) => x,
      name: (name) => columns[name],
      power: (a, exponent) => each((x) => power(x, exponent), a),
      one: (head, a) => each(ONE[head], a),
      two: (head, a, b) => each(TWO[head], a, b),
    });
    return typeof found === "number" ? new Float64Array(n).fill(found) : found;
  }

  // Value and derivatives: `values` name → number, `unit` name → its index among `count` variables.
  // size: of the terms that add up to the value. rough: whether |x|, max, min or √x has a kink there (the slope is then
  // the middle of both sides). pole: whether something is divided by 0.
  function jet(program, values, unit, count) {
    const flat = (x) => ({ x, size: Math.abs(x), d: new Float64Array(count), rough: false, pole: false });
    const near = (a) => Math.abs(a.x) <= NEAR * Math.max(a.size, SMALL);
    const through = (a, x, low, high = low) => {
      const d = a.d.map((slope) => ((low + high) / 2) * slope);
      return { x, size: Math.abs(x), d, rough: a.rough || (low !== high && a.d.some((s) => s !== 0)), pole: a.pole };
    };
    const add = (a, b, sign = 1) => ({
      x: a.x + sign * b.x,
      size: a.size + b.size,
      d: a.d.map((slope, i) => slope + sign * b.d[i]),
      rough: a.rough || b.rough,
      pole: a.pole || b.pole,
    });
    const times = (a, b) => ({
      x: a.x * b.x,
      size: a.size * b.size,
      d: a.d.map((slope, i) => a.x * b.d[i] + b.x * slope),
      rough: a.rough || b.rough,
      pole: a.pole || b.pole,
    });
    const inverse = (a) => {
      const x = reciprocal(a.x), floored = Math.abs(a.x) < FLOOR;
      return { ...through(a, x, floored ? 0 : -x * x), pole: a.pole || floored };
    };
    const root = (a) => {
      const x = Math.sqrt(Math.max(a.x, 0));
      return near(a) ? through(a, x, 0, 1 / Math.sqrt(NEAR)) : through(a, x, a.x > 0 ? 0.5 / x : 0);
    };
    const larger = (a, b) => {
      const difference = add(a, b, -1);
      if (!near(difference)) return a.x > b.x ? a : b;
      const rough = a.rough || b.rough || difference.d.some((s) => s !== 0);
      const d = a.d.map((slope, i) => (slope + b.d[i]) / 2);
      return { x: Math.max(a.x, b.x), size: Math.max(a.size, b.size), d, rough, pole: a.pole || b.pole };
    };
    const negative = (a) => ({ ...a, x: -a.x, d: a.d.map((slope) => -slope) });
    const raise = (a, exponent) => {
      if (exponent === 0.5) return root(a);
      if (exponent < 0) return inverse(raise(a, -exponent));
      const slope = exponent ? exponent * power(a.x, exponent - 1) : 0;
      return { ...through(a, power(a.x, exponent), slope), size: a.size ** exponent };
    };
    const ones = {
      "|": (a) => (near(a) ? through(a, Math.abs(a.x), -1, 1) : through(a, Math.abs(a.x), Math.sign(a.x))),
      "%tanh": (a) => through(a, Math.tanh(a.x), 1 - Math.tanh(a.x) ** 2),
      "%exp": (a) => through(a, ONE["%exp"](a.x), a.x < CEILING ? Math.exp(a.x) : 0),
      "%sin": (a) => through(a, Math.sin(a.x), Math.cos(a.x)),
      "%cos": (a) => through(a, Math.cos(a.x), -Math.sin(a.x)),
      "%sqrt": root,
      "%relu": (a) => (near(a) ? through(a, Math.max(a.x, 0), 0, 1) : through(a, Math.max(a.x, 0), a.x > 0 ? 1 : 0)),
      "~": negative,
    };
    const twos = {
      "+": (a, b) => add(a, b),
      "-": (a, b) => add(a, b, -1),
      "*": times,
      "/": (a, b) => times(a, inverse(b)),
      ">": larger,
      "<": (a, b) => negative(larger(negative(a), negative(b))),
    };
    return walk(program, {
      number: flat,
      name: (name) => {
        const found = flat(values[name]);
        if (name in unit) found.d[unit[name]] = 1;
        return found;
      },
      power: raise,
      one: (head, a) => ones[head](a),
      two: (head, a, b) => twos[head](a, b),
    });
  }

  return { value, column, jet };
})();
