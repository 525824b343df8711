// The Dirac-GAN: all data are 0, G makes one number θ, and D = σ(ψ x) has one weight ψ. See minigen/analysis/dynamics.py.
//
// The state: loss, of G; pace, "simultaneous" or "alternating"; the learning rates etaG and etaD; gamma, the weight of
// R1; theta and psi at the start.

// v(θ, ψ) = (−∂L_G/∂θ, −∂L_D/∂ψ) without a penalty.
const FIELDS = {
  minimax: (t, p) => [p * sigmoid(p * t), -t * sigmoid(p * t)],
  "non-saturating": (t, p) => [p * sigmoid(-p * t), -t * sigmoid(p * t)],
  wasserstein: (t, p) => [p, -t],
};

// The two directions of the players with R1, each times its learning rate.
function move({loss, etaG, etaD, gamma}, t, p) {
  const [ofG, ofD] = FIELDS[loss](t, p);
  return [etaG * ofG, etaD * (ofD - gamma * p)];
}

// (θ, ψ) after one step.
function step(game, [t, p]) {
  const [ofG, ofD] = move(game, t, p);
  const answer = game.pace === "alternating" ? move(game, t, p + ofD)[0] : ofG;
  return [t + answer, p + ofD];
}

// All (θ, ψ) from the start on, until one of them is not finite.
function pathOf(game, steps) {
  const path = [[game.theta, game.psi]];
  for (let n = 0; n < steps; n++) {
    const next = step(game, path[n]);
    if (!next.every(Number.isFinite)) break;
    path.push(next);
  }
  return path;
}

// The eigenvalues (re, im) of the matrix of one step at the equilibrium, from its trace and its determinant.
function eigenvalues({pace, etaG, etaD, gamma}, [d, g]) {
  const product = etaG * etaD * d * g;
  const keeps = 1 - etaD * gamma;
  const trace = 1 + keeps - (pace === "alternating" ? product : 0);
  const determinant = keeps + (pace === "alternating" ? 0 : product);
  const square = trace ** 2 / 4 - determinant;
  const root = Math.sqrt(Math.abs(square));
  return square < 0 ? [[trace / 2, root], [trace / 2, -root]] : [[trace / 2 + root, 0], [trace / 2 - root, 0]];
}

function diracWidget(root, data) {
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const [plane, circle] = [find("phase"), find("circle")];
  const sliders = ["etaG", "etaD", "gamma", "theta", "psi"];
  const state = keptState("dirac", data.state);

  // The state with numbers in place of texts; what the address may not hold is that of the start.
  function game() {
    for (const name of sliders) if (state[name] === "" || !Number.isFinite(Number(state[name]))) state[name] = data.state[name];
    if (!FIELDS[state.loss]) state.loss = data.state.loss;
    return {...state, ...Object.fromEntries(sliders.map((name) => [name, Number(state[name])]))};
  }

  function change(changes) {
    Object.assign(state, changes);
    keepState("dirac", state);
    show();
  }

  function show() {
    const now = game();
    const path = pathOf(now, data.steps);
    const roots = eigenvalues(now, data.curvatures[now.loss]);
    const factor = Math.max(...roots.map(([re, im]) => Math.hypot(re, im)));
    const put = (name, value, text) => {
      find(name).textContent = text.replaceAll("-", "−");
      find(name).dataset.value = JSON.stringify(value);
    };
    const [[re, im], [other]] = roots;
    put("roots", roots, im ? `${re.toFixed(3)}\u00a0±\u00a0${im.toFixed(3)}i` : `${re.toFixed(3)}, ${other.toFixed(3)}`);
    put("factor", factor, factor.toFixed(5));
    put("before", Math.hypot(...path[0]), Math.hypot(...path[0]).toFixed(4));
    const [end, whole] = [Math.hypot(...path[path.length - 1]), path.length > data.steps];
    put("after", whole ? end : null, whole ? short(end) : "–");
    find("said").textContent = said(factor, im, path);
    root.path = path;  // for the console, and for the tests
    for (const name of sliders) setSlider(find(name), now[name]);
    for (const input of root.querySelectorAll("input[type=radio]")) input.checked = state[input.name] === input.value;
    drawPlane(now, path);
    drawCircle(roots, factor);
    showFinding(root, state);
  }

  const short = (value) => (value === 0 || (value >= 1e-3 && value < 1e4) ? value.toFixed(4) : value.toExponential(1));

  // What follows from the eigenvalues: the factor of the distance near the equilibrium, and how the players move.
  function said(factor, im, path) {
    const done = path.length - 1;
    if (done < data.steps) return say("The path stops after {done} steps: the next number is not finite.", {done});
    const steps = Math.round(Math.log(2) / Math.abs(Math.log(factor))).toLocaleString("en");
    if (Math.abs(factor - 1) < 1e-9) {
      return say("Near the equilibrium the players circle: the distance neither grows nor falls for good.");
    }
    if (factor > 1) {
      return say("Near the equilibrium the players move away from it: the distance doubles in {steps} steps.", {steps});
    }
    return im
      ? say("Near the equilibrium the players spiral into it: the distance halves in {steps} steps.", {steps})
      : say("Near the equilibrium the players approach it without circling: the distance halves in {steps} steps.", {steps});
  }

  const points = (list) => list.map(([x, y]) => `${x.toFixed(4)} ${(-y).toFixed(4)}`).join("L");

  // The directions of the players at the places of a grid: wedges of one length that point where the players go.
  function drawPlane(now, path) {
    const along = [-1.75, -1.25, -0.75, -0.25, 0.25, 0.75, 1.25, 1.75];
    const wedges = along.flatMap((t) => along.map((p) => {
      const [x, y] = move(now, t, p);
      const length = Math.hypot(x, y) || 1;
      const [a, b] = [(0.22 * x) / length, (0.22 * y) / length];
      return `M${points([[t - b / 8, p + a / 8], [t + a, p + b], [t + b / 8, p - a / 8]])}`;
    }));
    const near = path.filter((place) => Math.hypot(...place) < 1e4);
    plane.innerHTML = `<path class="axis" d="M-2 0H2M0 -2V2"/><path class="field" d="${wedges.join("")}"/>
      <path class="path" d="M${points(near)}"/><circle class="start" cx="${now.theta}" cy="${-now.psi}" r="0.06"/>`;
  }

  function drawCircle(roots, factor) {
    const reach = Math.max(1.5, 1.1 * factor);
    circle.setAttribute("viewBox", `${-reach} ${-reach} ${2 * reach} ${2 * reach}`);
    const dots = roots.map(([re, im]) => `<circle class="root" cx="${re}" cy="${-im}" r="${0.025 * reach}"/>`).join("");
    circle.innerHTML = `<path class="axis" d="M${-reach} 0H${reach}M0 ${-reach}V${reach}"/>
      <circle class="unit" r="1"/>${dots}`;
  }

  function dragged(event) {
    const box = plane.getBoundingClientRect();
    const at = (share) => Math.min(2, Math.max(-2, 4 * share - 2)).toFixed(3);
    change({theta: at((event.clientX - box.left) / box.width), psi: at((box.bottom - event.clientY) / box.height)});
  }
  let dragging = false;
  plane.addEventListener("pointerdown", (event) => { dragging = true; event.preventDefault(); dragged(event); });
  plane.addEventListener("pointermove", (event) => { if (dragging) dragged(event); });
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { dragging = false; });
  for (const name of sliders) find(name).addEventListener("input", (event) => change({[name]: event.target.value}));
  for (const input of root.querySelectorAll("input[type=radio]")) {
    input.addEventListener("change", () => change({[input.name]: input.value}));
  }
  window.addEventListener("hashchange", () => { Object.assign(state, keptState("dirac", state)); show(); });
  root.hidden = false;
  show();
}
