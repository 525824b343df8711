// The GAN on a line. First p_G is a normal distribution that you drag: D*, 2 JSD and V(D*, G) follow. Then p_G is made by
// a network, and two small networks play: D-steps alone, G-steps alone, or both, as in `minigen.gan.Game`.
//
// The state: who makes p_G, "normal" or "network"; mean and width of the normal distribution; loss of the generator;
// seed of all draws of the game; moves that were played, such as "b25d10": 25 rounds, then 10 steps of D.

// A network of one input and one output. values holds the outputs of all layers for a batch: values[0] is the input.
class Net {
  constructor(layers, activation) {
    this.layers = layers.map(({W, b, n}) => ({W: W.slice(), b: b.slice(), n, m: b.length}));
    this.activation = activation;  // {f, slope}: slope is the derivative, as a function of the output f
    this.moments = null;
  }

  forward(batch) {
    const values = [batch];
    const count = batch.length;
    this.layers.forEach(({W, b, n, m}, k) => {
      const y = new Float64Array(count * m);
      const last = k === this.layers.length - 1;
      for (let r = 0; r < count; r++) {
        for (let j = 0; j < m; j++) {
          let sum = b[j];
          for (let i = 0; i < n; i++) sum += values[k][r * n + i] * W[i * m + j];
          y[r * m + j] = last ? sum : this.activation.f(sum);
        }
      }
      values.push(y);
    });
    return values;
  }

  // The gradients by all weights, and by the input, for the gradient `g` by the output.
  backward(values, g) {
    const gradients = [];
    for (let k = this.layers.length - 1; k >= 0; k--) {
      const {W, n, m} = this.layers[k];
      const [x, count] = [values[k], g.length / m];
      const [gW, gb, gx] = [new Float64Array(n * m), new Float64Array(m), new Float64Array(count * n)];
      for (let r = 0; r < count; r++) {
        for (let j = 0; j < m; j++) {
          const slope = g[r * m + j];
          gb[j] += slope;
          for (let i = 0; i < n; i++) {
            gW[i * m + j] += x[r * n + i] * slope;
            gx[r * n + i] += W[i * m + j] * slope;
          }
        }
      }
      gradients.unshift({W: gW, b: gb});
      g = k > 0 ? gx.map((slope, r) => slope * this.activation.slope(x[r])) : gx;
    }
    return {gradients, input: g};
  }

  // One step of Adam, with the same bias corrections as minigen.training.Adam.
  step(gradients, rate, beta1 = 0.5, beta2 = 0.999) {
    const zeros = () => gradients.map(({W, b}) => ({W: new Float64Array(W.length), b: new Float64Array(b.length)}));
    this.moments ??= {t: 0, m: zeros(), s: zeros()};
    const {m, s} = this.moments;
    const t = ++this.moments.t;
    gradients.forEach((layer, k) => {
      for (const name of ["W", "b"]) {
        layer[name].forEach((g, i) => {
          m[k][name][i] = beta1 * m[k][name][i] + (1 - beta1) * g;
          s[k][name][i] = beta2 * s[k][name][i] + (1 - beta2) * g * g;
          const mean = m[k][name][i] / (1 - beta1 ** t);
          const root = Math.sqrt(s[k][name][i] / (1 - beta2 ** t));
          this.layers[k][name][i] -= (rate * mean) / (root + 1e-8);
        });
      }
    });
  }
}

const TANH = {f: Math.tanh, slope: (y) => 1 - y * y};
const LEAKY = {f: (a) => Math.max(a, 0.2 * a), slope: (y) => (y > 0 ? 1 : 0.2)};

// The gradient of −E[ln D(x)] − E[ln(1 − D(G(z)))] by the weights of D.
function discriminatorGradients(D, real, fake) {
  const batch = Float64Array.of(...real, ...fake);
  const values = D.forward(batch);
  const logits = values[values.length - 1];
  return D.backward(values, logits.map((l, r) => (sigmoid(l) - (r < real.length ? 1 : 0)) / real.length)).gradients;
}

// The gradient of E[ln(1 − D(G(z)))], or of −E[ln D(G(z))] if non-saturating, by the weights of G.
function generatorGradients(G, D, z, loss) {
  const made = G.forward(z);
  const judged = D.forward(made[made.length - 1]);
  const logits = judged[judged.length - 1];
  const slope = loss === "minimax" ? (l) => -sigmoid(l) : (l) => sigmoid(l) - 1;
  return G.backward(made, D.backward(judged, logits.map((l) => slope(l) / z.length)).input).gradients;
}

// -- the theory, in cells of a line

const density = (x, m, s) => Math.exp(logNormal(x, m, s));
const normalise = (p) => { const total = p.reduce((a, b) => a + b, 0); return p.map((a) => a / total); };

function klOf(p, q) {
  return p.reduce((sum, a, i) => (a > 0 ? sum + a * Math.log(a / q[i]) : sum), 0);
}

// The probability of p_G in each cell: the mass of each interval of z is spread evenly between G at its two ends.
function pushForward(x, masses, low, width, count) {
  const p = new Float64Array(count);
  masses.forEach((mass, k) => {
    const [a, b] = [Math.min(x[k], x[k + 1]), Math.max(x[k], x[k + 1])].map((v) => (v - low) / width);
    const [from, to] = [Math.floor(a), Math.floor(b)].map((c) => Math.min(count - 1, Math.max(0, c)));
    if (from === to) p[from] += mass;
    else for (let c = from; c <= to; c++) {
      const inside = Math.min(b, c === count - 1 ? Infinity : c + 1) - Math.max(a, c === 0 ? -Infinity : c);
      p[c] += (mass * inside) / (b - a);
    }
  });
  return p;
}

function gameWidget(root, data) {
  const [LOW, HIGH, COUNT] = [-6, 6, 480];
  const WIDTH = (HIGH - LOW) / COUNT;
  const X = Float64Array.from({length: COUNT}, (_, k) => LOW + WIDTH * (k + 0.5));
  const pData = normalise(X.map((x) => data.weights.reduce(
    (sum, w, c) => sum + w * density(x, data.means[c], data.deviations[c]), 0)));
  const Z = Float64Array.from({length: 1201}, (_, k) => -6 + 0.01 * k);
  const zMasses = normalise(Z.slice(1).map((z) => density(z - 0.005, 0, 1)));
  const read = (layers) => layers.map((layer) => {
    const [W, b] = [numbersOf(layer.W), numbersOf(layer.b)];
    return {W, b, n: W.length / b.length};
  });
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const state = keptState("game", {who: "normal", mean: "-1.5", width: "0.8", loss: "non-saturating", seed: "0", moves: ""});
  let game;

  function newGame() {
    const random = randomFrom(Number(state.seed));
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const real = () => {
      const c = random() < data.weights[0] ? 0 : 1;
      return data.means[c] + data.deviations[c] * normal();
    };
    const batch = (draw) => Float64Array.from({length: data.batch}, draw);
    game = {G: new Net(read(data.generator), TANH), D: new Net(read(data.discriminator), LEAKY), stopped: "", rounds: 0};
    game.discriminatorStep = () => {
      const made = game.G.forward(batch(normal));
      game.D.step(discriminatorGradients(game.D, batch(real), made[made.length - 1]), data.rates[1]);
    };
    game.generatorStep = () => game.G.step(generatorGradients(game.G, game.D, batch(normal), state.loss), data.rates[0]);
    game.play = (kind) => {
      const steps = {d: ["d"], g: ["g"], b: [..."d".repeat(data.steps), "g"]}[kind] ?? [];
      for (const step of steps) (step === "d" ? game.discriminatorStep : game.generatorStep)();
    };
    root.game = game;  // for the console, and for the tests
  }

  // Play the moves of the state from the start, so that the same seed and moves make the same game.
  function replay() {
    newGame();
    for (const [, kind, count] of state.moves.matchAll(/([dgb])(\d{1,3})/g)) {
      for (let k = 0; k < Number(count); k++) game.play(kind);
    }
  }

  function play(kind, count) {
    if (game.stopped) return;
    for (let k = 0; k < count; k++) game.play(kind);
    const weights = [game.G, game.D].flatMap((net) => net.layers.flatMap(({W, b}) => [...W, ...b]));
    if (!weights.every(Number.isFinite)) {
      game.stopped = say("The game stopped: a weight is not finite, because the steps were too large. Begin again.");
    }
    const last = state.moves.match(/([dgb])(\d+)$/);
    const joined = last && last[1] === kind && Number(last[2]) + count < 1000
      ? state.moves.slice(0, last.index) + kind + (Number(last[2]) + count)
      : state.moves + kind + count;
    change({moves: joined});
  }

  const last = (values) => values[values.length - 1];

  // p_G, the learned D (null if there is none), and all numbers below the picture.
  function now() {
    const normal = state.who === "normal";
    const pG = normal
      ? normalise(X.map((x) => density(x, Number(state.mean), Number(state.width))))
      : pushForward(last(game.G.forward(Z)), zMasses, LOW, WIDTH, COUNT);
    const mean = pData.map((p, i) => (p + pG[i]) / 2);
    const [left, right] = [klOf(pData, mean), klOf(pG, mean)];
    const numbers = {value: NaN, best: left + right - Math.log(4), jsd: left + right, left, right};
    if (normal) return {pG, D: null, numbers};
    const logits = last(game.D.forward(X));
    const fakes = last(game.D.forward(last(game.G.forward(Z.slice(1).map((z) => z - 0.005)))));
    numbers.value = pData.reduce((sum, p, i) => sum - p * softplus(-logits[i]), 0)
      + zMasses.reduce((sum, p, i) => sum - p * softplus(fakes[i]), 0);
    return {pG, D: logits.map(sigmoid), numbers};
  }

  function change(changes) {
    Object.assign(state, changes);
    keepState("game", state);
    show();
  }

  function show() {
    const {pG, D, numbers} = now();
    for (const [name, value] of Object.entries(numbers)) {
      find(name).textContent = Number.isFinite(value) ? value.toFixed(4).replace("-", "−") : "–";
      find(name).dataset.value = value;
    }
    for (const name of ["mean", "width"]) setSlider(find(name), state[name]);
    for (const input of root.querySelectorAll("input[type=radio]")) input.checked = state[input.name] === input.value;
    find("drag").hidden = state.who !== "normal";
    find("table").hidden = state.who === "normal";
    find("said").textContent = game.stopped || said(numbers, D);
    draw(pG, D);
    showFinding(root, state);
  }

  function said({jsd, best, value}, D) {
    if (jsd < 1e-3) return say("p_G is nearly p_data: D* is ½ everywhere, and V(D*, G) is −log 4, its smallest value.");
    if (!D) return say("The further p_G is from p_data, the better D* can tell them apart, and the higher is V(D*, G).");
    return value > best - 0.05
      ? say("The learned D is nearly as good as D*: V(D, G) is just below V(D*, G).")
      : say("The learned D is far from D*: V(D, G) is below V(D*, G). Let D take steps alone and watch V rise.");
  }

  function draw(pG, D) {
    const canvas = find("line");
    const pen = canvas.getContext("2d");
    const [w, h] = [canvas.width, canvas.height];
    const x = (k) => ((X[k] + 4) / 8) * w;
    const ink = getComputedStyle(root).color;
    pen.clearRect(0, 0, w, h);
    const curve = (values, colour, scale, fill = false, dashed = false) => {
      pen.beginPath();
      pen.setLineDash(dashed ? [10, 8] : []);
      values.forEach((v, k) => {
        if (Number.isFinite(v)) pen[Number.isFinite(values[k - 1]) ? "lineTo" : "moveTo"](x(k), h - 4 - scale * v * (h - 12));
      });
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = 3;
      if (fill) {
        pen.lineTo(w, h); pen.lineTo(0, h); pen.globalAlpha = 0.25; pen.fill(); pen.globalAlpha = 1;
      } else pen.stroke();
    };
    const scale = 1 / WIDTH;
    curve(pData, "#888", scale, true);
    curve(pG, "#b3452f", scale);
    curve(pData.map((p, k) => (p + pG[k] > 1e-6 ? p / (p + pG[k]) : NaN)), "#1b7a43", 1, false, true);
    if (D) curve(D, "#2850a0", 1);
    pen.setLineDash([2, 6]);
    pen.strokeStyle = ink;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(0, h - 4 - 0.5 * (h - 12)); pen.lineTo(w, h - 4 - 0.5 * (h - 12));
    pen.stroke();
  }

  const dragged = (event) => {
    const box = find("line").getBoundingClientRect();
    change({mean: Math.min(4, Math.max(-4, (8 * (event.clientX - box.left)) / box.width - 4)).toFixed(3)});
  };
  let dragging = false;
  find("line").addEventListener("pointerdown", (event) => {
    if (state.who !== "normal") return;
    dragging = true;
    event.preventDefault();
    dragged(event);
  });
  find("line").addEventListener("pointermove", (event) => { if (dragging) dragged(event); });
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { dragging = false; });
  for (const name of ["mean", "width"]) find(name).addEventListener("input", (event) => change({[name]: event.target.value}));
  for (const input of root.querySelectorAll("input[type=radio]")) {
    input.addEventListener("change", () => {
      if (input.name === "loss") { Object.assign(state, {moves: "", loss: input.value}); newGame(); }
      change({[input.name]: input.value});
    });
  }
  find("d").addEventListener("click", () => play("d", 10));
  find("g").addEventListener("click", () => play("g", 10));
  find("both").addEventListener("click", () => play("b", 10));
  find("again").addEventListener("click", () => { state.moves = ""; newGame(); change({}); });
  let timer = null;
  find("slow").addEventListener("click", () => {
    if (timer) { clearInterval(timer); timer = null; } else timer = setInterval(() => play("b", 1), 100);
    find("slow").setAttribute("aria-pressed", timer !== null);
  });
  window.addEventListener("hashchange", () => { Object.assign(state, keptState("game", state)); replay(); show(); });
  root.gradients = {discriminatorGradients, generatorGradients};
  replay();
  root.hidden = false;
  show();
}
