// A joint table of three pixels: drag a probability, choose an assumption, and see what the assumption loses.
//
// The state: p, the 8 probabilities up to a factor, cell 4x + 2y + z at its place; assumed, the name of an assumption.

const [X, Y, Z] = [4, 2, 1];  // the bit of each pixel in the number of a cell

const ratio = (a, b) => (b > 0 ? a / b : 0);

// In each of the 8 cells, the probability of its values of the pixels in `bits`: all other pixels are summed out.
function marginal(p, bits) {
  return p.map((_, cell) => p.reduce((sum, q, other) => ((cell ^ other) & bits ? sum : sum + q), 0));
}

function marginals(p) {
  const of = {x: X, y: Y, z: Z, xy: X | Y, yz: Y | Z, xz: X | Z};
  return Object.fromEntries(Object.entries(of).map(([name, bits]) => [name, marginal(p, bits)]));
}

// Per assumption, the distribution with it that has the least KL(p ‖ assumed): its factors are those of p.
function assumedOf(p) {
  const {x, y, z, xy, yz, xz} = marginals(p);
  return {
    none: p,
    chain: p.map((_, k) => xy[k] * ratio(yz[k], y[k])),  // P(x, y) P(z|y)
    given: p.map((_, k) => xz[k] * ratio(yz[k], z[k])),  // P(x, z) P(y|z)
    independent: p.map((_, k) => x[k] * y[k] * z[k]),
  };
}

// Σ p ln f in nats, for a sum that is never negative but by rounding.
function nats(p, f) {
  return Math.max(0, p.reduce((sum, a, k) => (a > 0 ? sum + a * Math.log(f(k)) : sum), 0));
}

// p with the value of one cell; the other cells keep their proportions, or are equal if they were all 0.
function withCell(p, cell, value) {
  const rest = 1 - p[cell];
  return p.map((q, k) => (k === cell ? value : rest > 1e-9 ? (q * (1 - value)) / rest : (1 - value) / 7));
}

function jointWidget(root, data) {
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const state = keptState("joint", data);
  const cells = Array.from({length: 8}, (_, k) => find(`p${k}`));
  const decimals = (value) => (Number.isFinite(value) ? value.toFixed(4) : "–");
  const put = (name, value, computed = "") => {
    find(name).textContent = computed ? `${computed} = ${decimals(value)}` : decimals(value);
    find(name).dataset.value = value;
  };

  // The table of the state; that at the start if the address does not hold 8 numbers, which can be scaled to sum 1.
  function table() {
    const numbers = state.p.split(" ").map(Number);
    const total = numbers.reduce((a, b) => a + b, 0);
    const good = numbers.length === 8 && numbers.every((a) => a >= 0) && total > 0 && total < Infinity;
    if (!good) state.p = data.p;
    return good ? numbers.map((a) => a / total) : table();
  }

  function change(changes) {
    Object.assign(state, changes);
    keepState("joint", state);
    show();
  }

  function show() {
    const p = table();
    const all = assumedOf(p);
    if (!all[state.assumed]) state.assumed = data.assumed;
    const assumed = all[state.assumed];
    cells.forEach((cell, k) => {
      cell.style.setProperty("--share", p[k]);
      cell.style.setProperty("--assumed", assumed[k]);
      cell.setAttribute("aria-valuenow", p[k].toFixed(3));
      find(`value${k}`).textContent = p[k].toFixed(3);
      find(`assumed${k}`).textContent = assumed[k].toFixed(3);
      find(`assumed${k}`).dataset.value = assumed[k];
    });
    for (const [name, q] of Object.entries(all)) put(name, nats(p, (k) => p[k] / q[k]));  // KL(p ‖ q)
    const {x, y, z, xy, yz, xz} = marginals(p);
    put("xy", nats(p, (k) => xy[k] / (x[k] * y[k])));
    put("yz", nats(p, (k) => yz[k] / (y[k] * z[k])));
    put("xz", nats(p, (k) => xz[k] / (x[k] * z[k])));
    conditionals(p);
    for (const input of root.querySelectorAll("input[type=radio]")) input.checked = state.assumed === input.value;
    showFinding(root, state);
  }

  // P(x = 1|y, z) beside P(x = 1|z), and Bayes' rule for P(x = 1|y = 1) in both ways. A condition of probability 0 has none.
  function conditionals(p) {
    const {x, y, z, xy, yz, xz} = marginals(p);
    for (const [name, k] of Object.entries({"00": 0, "10": Y, "01": Z, "11": Y | Z})) {
      put(`both${name}`, p[X | k] / yz[k]);
      put(`one${name}`, xz[X | k] / z[k]);
    }
    const [both, one, other] = [xy[X | Y], x[X], y[Y]];
    put("counted", both / other, `${decimals(both)} / ${decimals(other)}`);
    put("turned", ((both / one) * one) / other, `${decimals(both / one)} · ${decimals(one)} / ${decimals(other)}`);
  }

  const set = (k, value) => {
    const p = withCell(table(), k, Math.min(1, Math.max(0, value)));
    change({p: p.map((q) => Number(q.toFixed(6))).join(" ")});
  };
  let held = null;
  const drag = (event) => {
    const box = cells[held].getBoundingClientRect();
    set(held, (box.bottom - event.clientY) / box.height);
  };
  cells.forEach((cell, k) => {
    cell.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      cell.focus({preventScroll: true});
      held = k;
      drag(event);
    });
    cell.addEventListener("keydown", (event) => {
      const now = table()[k];
      const to = {ArrowUp: now + 0.01, ArrowRight: now + 0.01, ArrowDown: now - 0.01, ArrowLeft: now - 0.01,
                  PageUp: now + 0.1, PageDown: now - 0.1, Home: 0, End: 1}[event.key];
      if (to === undefined) return;
      event.preventDefault();
      set(k, to);
    });
  });
  window.addEventListener("pointermove", (event) => { if (held !== null) drag(event); });
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { held = null; });
  for (const input of root.querySelectorAll("input[type=radio]")) {
    input.addEventListener("change", () => change({assumed: input.value}));
  }
  window.addEventListener("hashchange", () => { Object.assign(state, keptState("joint", state)); show(); });
  root.hidden = false;
  show();
}
