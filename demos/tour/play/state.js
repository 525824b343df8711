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

// The numbers of an array that Python wrote as float32 in base64.
function numbersOf(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return Float64Array.from(new Float32Array(bytes.buffer));
}
