// Drag q over the true posterior: ELBO and KL(q ‖ p(z|x)) move, and their sum ln p(x) does not.
//
// The state: image, the number of a test image, or the pixels of the canvas as text of 0 and 1; the means m1, m2 and the standard deviations s1, s2 of q(z|x).

const REACH = 5;  // the plane of z is shown and integrated from -REACH to REACH on each axis
const SIDE = 100;  // cells of the plane on each axis

const logPrior = ([z1, z2]) => logNormal(z1, 0, 1) + logNormal(z2, 0, 1);
const logQ = (q, [z1, z2]) => logNormal(z1, q.m1, q.s1) + logNormal(z2, q.m2, q.s2);

// The midpoints of `count` equal cells from -reach to reach on two axes.
function mesh(reach, count) {
  const along = Array.from({length: count}, (_, k) => -reach + (2 * reach / count) * (k + 0.5));
  return along.flatMap((z1) => along.map((z2) => [z1, z2]));
}

// ln p(x, z) at every node of the plane, ln p(x) = ln ∫ p(x, z) dz, and ln p(z|x) = ln p(x, z) − ln p(x).
function posteriorOf(decoded, nodes, x) {
  const joint = nodes.map((z, k) => logLikelihood(decoded[k], x) + logPrior(z));
  const top = Math.max(...joint);
  const cell = (2 * REACH / SIDE) ** 2;
  const evidence = top + Math.log(joint.reduce((sum, j) => sum + Math.exp(j - top), 0) * cell);
  return {evidence, log: joint.map((j) => j - evidence)};
}

// E_q[f(z)] by the midpoints of count² cells, z = m + s u with u within ±reach: q is normal, so little lies beyond.
function expectation(f, q, reach, count) {
  const cell = (2 * reach / count) ** 2;
  return mesh(reach, count).reduce((sum, u) => {
    const weight = Math.exp(logPrior(u)) * cell;
    return weight < 1e-13 ? sum : sum + weight * f([q.m1 + q.s1 * u[0], q.m2 + q.s2 * u[1]]);
  }, 0);
}

// The two terms of the ELBO: E_q[ln p(x|z)], and KL(q ‖ p(z)) by its formula.
function elboTerms(decoder, x, q) {
  const kl = (m, s) => 0.5 * (m * m + s * s - 1) - Math.log(s);
  return {
    reconstruction: expectation((z) => logLikelihood(decoder(z), x), q, 6.5, 36),
    fitting: kl(q.m1, q.s1) + kl(q.m2, q.s2),
  };
}

// KL(q ‖ p(z|x)) = E_q[ln q − ln p(z|x)]: an integral with nodes of its own, not ln p(x) − ELBO.
function klToPosterior(decoder, evidence, x, q) {
  const logPosterior = (z) => logLikelihood(decoder(z), x) + logPrior(z) - evidence;
  return expectation((z) => logQ(q, z) - logPosterior(z), q, 7, 43);
}

function posteriorWidget(root, data) {
  const read = (layers) => layers.map(({W, b}) => ({W: numbersOf(W), b: numbersOf(b)}));
  const [encoder, decoder] = [network(read(data.encoder), Math.tanh), network(read(data.decoder), Math.tanh)];
  const [D, CANVAS] = [data.shape[0] * data.shape[1], "canvas"];
  const nodes = mesh(REACH, SIDE);
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const plane = find("plane");
  const sliders = ["m1", "m2", "s1", "s2"];
  const bounded = (name, value) => {
    const [low, high] = name[0] === "m" ? [-REACH, REACH] : [0.01, 2];
    return Math.min(high, Math.max(low, Number.isFinite(value) ? value : 1));
  };
  // The encoder returns μ and ln σ² of both numbers in z.
  const encoderQ = (image) => {
    const [m1, m2, v1, v2] = encoder(pixelsOf(data.images[image] ?? image));
    const q = {m1, m2, s1: Math.exp(v1 / 2), s2: Math.exp(v2 / 2)};
    return Object.fromEntries(sliders.map((name) => [name, bounded(name, q[name]).toFixed(4)]));
  };
  const state = keptState("posterior", {image: "0", ...encoderQ("0")});
  let decoded = null;  // p(x|z) at all nodes does not depend on the image
  let shown = {image: null};

  function posterior() {
    decoded ??= nodes.map(decoder);
    if (shown.image !== state.image) shown = {image: state.image, ...posteriorOf(decoded, nodes, image())};
    return shown;
  }
  const image = () => pixelsOf(data.images[state.image] ?? state.image);
  const q = () => Object.fromEntries(sliders.map((name) => [name, bounded(name, Number(state[name]))]));

  function change(changes) {
    Object.assign(state, changes);
    keepState("posterior", state);
    show();
  }

  function show() {
    if (!data.images[state.image] && !isImage(state.image, D)) Object.assign(state, {image: "0", ...encoderQ("0")});
    const {reconstruction, fitting} = elboTerms(decoder, image(), q());
    const elbo = reconstruction - fitting;
    const {evidence} = posterior();
    const kl = klToPosterior(decoder, evidence, image(), q());
    const values = {evidence, elbo, kl, reconstruction, fitting, sum: elbo + kl};
    for (const [name, value] of Object.entries(values)) {
      find(name).textContent = value.toFixed(3).replace("-", "−");
      find(name).dataset.value = value;
    }
    sliders.forEach((name) => setSlider(find(name), q()[name]));
    find("image").value = data.images[state.image] ? state.image : CANVAS;
    find("image").querySelector(`[value=${CANVAS}]`).hidden = !digitOfCanvas(D, null);
    drawPlane();
    drawImage(find("seen"), image(), data.shape);
    drawImage(find("decoded"), decoder([q().m1, q().m2]).map(sigmoid), data.shape);
    showFinding(root, state);
  }

  // Shade p(z|x), and draw the lines of one and two standard deviations of q and its centre.
  function drawPlane() {
    const pen = plane.getContext("2d");
    const {log} = posterior();
    const top = Math.max(...log);
    const shades = pen.createImageData(SIDE, SIDE);
    nodes.forEach((_, k) => {
      const [column, row] = [Math.floor(k / SIDE), SIDE - 1 - (k % SIDE)];
      shades.data.set([40, 80, 160, 255 * Math.exp(log[k] - top)], 4 * (row * SIDE + column));
    });
    const small = document.createElement("canvas");
    small.width = small.height = SIDE;
    small.getContext("2d").putImageData(shades, 0, 0);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, plane.width, plane.height);
    pen.drawImage(small, 0, 0, plane.width, plane.height);
    const unit = plane.width / (2 * REACH);
    const {m1, m2, s1, s2} = q();
    pen.strokeStyle = pen.fillStyle = "#b3452f";
    pen.lineWidth = 3;
    for (const times of [1, 2]) {
      pen.beginPath();
      pen.ellipse((m1 + REACH) * unit, (REACH - m2) * unit, times * s1 * unit, times * s2 * unit, 0, 0, 2 * Math.PI);
      pen.stroke();
    }
    pen.beginPath();
    pen.arc((m1 + REACH) * unit, (REACH - m2) * unit, 6, 0, 2 * Math.PI);
    pen.fill();
  }

  function dragged(event) {
    const box = plane.getBoundingClientRect();
    const along = (x, size) => (2 * REACH * x) / size - REACH;
    change({
      m1: bounded("m1", along(event.clientX - box.left, box.width)).toFixed(3),
      m2: bounded("m2", -along(event.clientY - box.top, box.height)).toFixed(3),
    });
  }
  let dragging = false;
  plane.addEventListener("pointerdown", (event) => { dragging = true; event.preventDefault(); dragged(event); });
  plane.addEventListener("pointermove", (event) => { if (dragging) dragged(event); });
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { dragging = false; });
  for (const name of sliders) find(name).addEventListener("input", (event) => change({[name]: event.target.value}));
  find("image").addEventListener("change", (event) => {
    const image = event.target.value === CANVAS ? digitOfCanvas(D, "0") : event.target.value;
    change({image, ...encoderQ(image)});
  });
  find("encoder").addEventListener("click", () => change(encoderQ(state.image)));
  find("prior").addEventListener("click", () => change({m1: "0", m2: "0", s1: "1", s2: "1"}));
  window.addEventListener("hashchange", () => { Object.assign(state, keptState("posterior", state)); show(); });

  // The integrals take a tenth of a second, so they wait until the reader comes near.
  let near = false;
  root.hidden = false;
  new IntersectionObserver(([entry]) => {
    near = entry.isIntersecting;
    if (near) show();
  }, {rootMargin: "400px"}).observe(root);
  onDigit(D, (image) => {
    if (data.images[state.image]) return;
    Object.assign(state, {image, ...encoderQ(image)});
    if (near) show();
  });
}
