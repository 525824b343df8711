// Functions that the things to touch share, and the models of the canvas. Each model of the canvas predicts pixel i from the
// pixels before it: logit i is ln p(xᵢ = 1) / p(xᵢ = 0).

const sigmoid = (a) => 1 / (1 + Math.exp(-a));
const softplus = (a) => Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));

// ln N(z; m, s²)
const logNormal = (z, m, s) => -0.5 * Math.log(2 * Math.PI) - Math.log(s) - 0.5 * ((z - m) / s) ** 2;

// A network of linear layers with the activation f between them.
function network(layers, f) {
  return (input) => layers.reduce((x, {W, b}, k) => {
    const y = Float64Array.from(b);
    for (let i = 0; i < x.length; i++) for (let j = 0; j < y.length; j++) y[j] += x[i] * W[i * y.length + j];
    return k < layers.length - 1 ? y.map(f) : y;
  }, Float64Array.from(input));
}

// ln p(x|z) of binary pixels, whose logits a decoder computes.
const logLikelihood = (logits, x) => logits.reduce((sum, l, i) => sum + x[i] * l - softplus(l), 0);

// Walk over the pixels of x and return all logits. pick(i, p), if given, chooses pixel i, which is 1 with probability p,
// before the pixels after it are predicted.
function walk(model, x, pick) {
  const predict = {linear, nade, raster}[model.kind](model);
  const logits = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    logits[i] = predict(i, x);
    if (pick) x[i] = pick(i, sigmoid(logits[i]));
  }
  return logits;
}

// Independent pixels, the Markov chain and AR: logit i = bᵢ + Σ_{j<i} wᵢⱼ xⱼ. Independent pixels have no weights; a chain
// has one for each pixel, that of the pixel before; AR has all.
function linear({b, W}) {
  return (i, x) => {
    let logit = b[i];
    if (W) for (let j = 0; j < i; j++) logit += W[i * b.length + j] * x[j];
    return logit;
  };
}

// NADE: logit i = bᵢ + Vᵢ · σ(a), where a = c + Σ_{j<i} xⱼ Wⱼ gains the row of a pixel when the walk leaves the pixel.
function nade({W, V, b, c}) {
  const H = c.length;
  const a = Float64Array.from(c);
  return (i, x) => {
    if (i > 0 && x[i - 1]) for (let k = 0; k < H; k++) a[k] += W[(i - 1) * H + k];
    let logit = b[i];
    for (let k = 0; k < H; k++) logit += V[i * H + k] * sigmoid(a[k]);
    return logit;
  };
}

// Pixel-RNN as a raster LSTM: logit i = h · w + bias, where step i reads the pixel before, and 0 at the first pixel. The
// columns of W, U and b are of o, i, f and g, and the state begins at h0 and c0, which are learned.
function raster({W, U, b, h0, c0, w, bias}) {
  const H = h0.length;
  let [h, c] = [h0, c0];
  return (t, x) => {
    const before = t > 0 ? x[t - 1] : 0;
    const a = b.map((begin, k) => begin + before * W[k]);
    for (let j = 0; j < H; j++) for (let k = 0; k < 4 * H; k++) a[k] += h[j] * U[j * 4 * H + k];
    const gate = (k) => a.subarray(k * H, (k + 1) * H);
    const [o, i, f] = [0, 1, 2].map((k) => gate(k).map(sigmoid));
    const g = gate(3).map(Math.tanh);
    c = c.map((kept, k) => f[k] * kept + i[k] * g[k]);
    h = c.map((cell, k) => o[k] * Math.tanh(cell));
    return h.reduce((sum, shown, k) => sum + shown * w[k], bias[0]);
  };
}

// ln p(x) = Σᵢ ln p(xᵢ | x_<ᵢ), in nats.
function logProb(model, x) {
  const logits = walk(model, x);
  return logits.reduce((sum, logit, i) => sum + x[i] * logit - softplus(logit), 0);
}

// How far each p(xⱼ = 1 | x_<ⱼ) moves if pixel i is flipped: 0 for the pixels before i, and for all that do not see i.
function influence(model, x, i) {
  const flipped = x.slice();
  flipped[i] = 1 - x[i];
  const [before, after] = [walk(model, x), walk(model, flipped)];
  return before.map((logit, j) => sigmoid(after[j]) - sigmoid(logit));
}
