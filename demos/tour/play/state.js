// The state of a thing to touch: one plain object of texts, which also stands in the address of the page, as in
// index.html#canvas?x=ff00&model=NADE. So a link opens the page in this state, and "back" and "reload" keep it.

function keptState(name, defaults) {
  const kept = new URLSearchParams(location.hash.split(name + "?")[1] ?? "");
  const state = {...defaults};
  for (const key of Object.keys(defaults)) {
    if (kept.has(key)) state[key] = kept.get(key);
  }
  return state;
}

function keepState(name, state) {
  history.replaceState(null, "", `#${name}?${new URLSearchParams(state)}`);
}

// The digit of the canvas, for the rest of the page: pixels as text of 0 and 1. It stands at the root of the document,
// because each thing to touch has a script of its own.
function publishDigit(x) {
  if (document.documentElement.dataset.digit === x) return;
  document.documentElement.dataset.digit = x;
  document.dispatchEvent(new Event("digit"));
}

// The digit of the canvas, or `other` if there is no canvas, or if its images do not have D pixels.
function digitOfCanvas(D, other) {
  const x = document.documentElement.dataset.digit;
  return x?.length === D ? x : other;
}

// Call f with each digit of D pixels that the canvas publishes from now on.
function onDigit(D, f) {
  document.addEventListener("digit", () => {
    const x = digitOfCanvas(D, null);
    if (x) f(x);
  });
}

// Whether a text is an image of D binary pixels.
const isImage = (text, D) => new RegExp(`^[01]{${D}}$`).test(text);

const pixelsOf = (text) => Array.from(text, Number);

// x moved to the right by one pixel; the first column is blank.
const shiftedImage = (x, columns) => pixelsOf(x).map((_, i) => (i % columns === 0 ? 0 : x[i - 1])).join("");

// Draw pixels, from 0 (white) to 1 (black), on a canvas of HTML.
function drawImage(canvas, pixels, [rows, columns]) {
  const pen = canvas.getContext("2d");
  const [width, height] = [canvas.width / columns, canvas.height / rows];
  pixels.forEach((p, i) => {
    const grey = Math.round(255 * (1 - p));
    pen.fillStyle = `rgb(${grey} ${grey} ${grey})`;
    pen.fillRect((i % columns) * width, Math.floor(i / columns) * height, width, height);
  });
}

// Mark the link of the preset whose state is shown now, and show its finding. If the reader has changed the state, the
// finding is hidden but keeps its room: nothing below moves while something is dragged.
function showFinding(root, state) {
  const links = [...root.querySelectorAll(".presets a")];
  const texts = (link) => [...new URLSearchParams(link.hash.split("?")[1])];
  const shown = links.find((link) => texts(link).every(([key, text]) => state[key] === text));
  for (const link of links) link.setAttribute("aria-current", link === shown);
  const finding = root.querySelector('[data-part="finding"]');
  finding.style.visibility = shown ? "visible" : "hidden";
  if (shown) finding.textContent = shown.dataset.finding;
}

// Set a slider, and show its value beside its label.
function setSlider(slider, value) {
  slider.value = value;
  slider.closest("label").querySelector("output").textContent = Number(value).toFixed(2).replace("-", "−");
}

// A generator of random numbers in [0, 1) from a seed, so that the same seed draws the same image (mulberry32).
function randomFrom(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// The bytes that Python wrote in base64.
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;

// The numbers of an array that Python wrote as float32 in base64.
const numbersOf = (text) => Float64Array.from(new Float32Array(bytesOf(text)));

// The numbers of an array that Python wrote as whole numbers of 16 bits, each times a step.
function roundedNumbersOf({numbers, step}) {
  return Float64Array.from(new Int16Array(bytesOf(numbers)), (number) => number * step);
}
