// One canvas, several models: paint an image and see its probability, what each model expected, and what a pixel changes.
//
// The state: x, the pixels as text of 0 and 1; model, whose map is shown; look, "expected" or "influence"; pixel, the
// one that is flipped; row, from which "complete" draws; seed, of the next drawing.

function canvasWidget(root, data) {
  const [rows, columns] = data.shape;
  const D = rows * columns;
  const models = data.models.map((m) => ({
    ...m, ...Object.fromEntries(Object.entries(m.weights).map(([name, text]) => [name, numbersOf(text)])),
  }));
  const usual = models.find((model) => model.kind === "nade") ?? models[0];
  const state = keptState("canvas", {
    x: data.digits[0], model: usual.name, look: "expected", pixel: "0", row: String(rows / 2), seed: "1",
  });
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const chosen = () => models.find((model) => model.name === state.model) ?? usual;
  const pixels = () => pixelsOf(state.x);
  const placeOf = (i) => ({row: 1 + Math.floor(i / columns), column: 1 + (i % columns)});

  const cells = (parent, tag) => Array.from({length: D}, (_, i) => {
    const cell = document.createElement(tag);
    parent.append(cell);
    return cell;
  });
  for (const name of ["paint", "map"]) find(name).style.setProperty("--columns", columns);
  const painted = cells(find("paint"), "button");
  const mapped = cells(find("map"), "span");

  function change(changes) {
    Object.assign(state, changes);
    keepState("canvas", state);
    show();
  }

  function show() {
    if (!isImage(state.x, D)) state.x = data.digits[0];
    const x = pixels();
    painted.forEach((cell, i) => {
      cell.setAttribute("aria-pressed", x[i] === 1);
      cell.setAttribute("aria-label", say("row {row}, column {column}", placeOf(i)));
      cell.tabIndex = i === Number(state.pixel) ? 0 : -1;
    });
    const looking = state.look === "influence";
    const values = looking ? influence(chosen(), x, Number(state.pixel)) : walk(chosen(), x).map(sigmoid);
    mapped.forEach((cell, i) => {
      cell.style.setProperty("--shade", Math.abs(values[i]).toFixed(3));
      cell.className = looking && values[i] < 0 ? "less" : "more";
      cell.title = say("row {row}, column {column}", placeOf(i)) + ": " + values[i].toFixed(3);
    });
    find("map-caption").textContent = looking
      ? say("If you flip the pixel in row {row}, column {column}, {moved} predictions of {model} move.",
            {...placeOf(state.pixel), model: chosen().name, moved: values.filter((v) => Math.abs(v) > 5e-4).length})
      : say("What {model} expected at each pixel, given the pixels before it: p(xᵢ = 1 | x_<ᵢ). Dark is ink.",
            {model: chosen().name});
    find("bars").replaceChildren(...models.map(bar));
    for (const input of root.querySelectorAll("input[type=radio]")) input.checked = state[input.name] === input.value;
    find("row").value = state.row;
    showFinding(root, state);
    publishDigit(state.x);
  }

  // A row of the table: −ln p(x) under one model, and how many of the test digits are less probable.
  function bar(model) {
    const nll = -logProb(model, pixels());
    const scores = data.scores[model.name];
    const below = scores.filter((score) => score > nll + 5e-4).length;  // the scores are rounded to 3 decimals
    const line = document.createElement("div");
    line.className = "bar";
    line.dataset.nll = nll;
    line.dataset.model = model.name;
    line.style.setProperty("--share", Math.min(1, nll / (2 * scores[scores.length >> 1])));
    line.innerHTML = "<b></b><i></i><span></span>";
    line.children[0].textContent = model.name;
    line.children[2].textContent = say("{nll} nats; less probable: {below} of {all} test digits",
                                       {nll: nll.toFixed(2), below, all: scores.length});
    return line;
  }

  const set = (i, value) => change({x: state.x.slice(0, i) + value + state.x.slice(i + 1), pixel: String(i)});
  const at = (event) => painted.indexOf(document.elementFromPoint(event.clientX, event.clientY));
  let ink = null;
  find("paint").addEventListener("pointerdown", (event) => {
    const i = at(event);
    if (i < 0) return;
    event.preventDefault();
    painted[i].focus({preventScroll: true});
    ink = 1 - Number(state.x[i]);
    set(i, ink);
  });
  window.addEventListener("pointerup", () => { ink = null; });
  window.addEventListener("pointercancel", () => { ink = null; });
  find("paint").addEventListener("pointermove", (event) => {
    const i = ink === null ? -1 : at(event);
    if (i >= 0 && Number(state.x[i]) !== ink) set(i, ink);
  });
  find("paint").addEventListener("keydown", (event) => {
    const i = Number(state.pixel);
    const to = {ArrowLeft: i - 1, ArrowRight: i + 1, ArrowUp: i - columns, ArrowDown: i + columns}[event.key];
    if (to >= 0 && to < D) {
      change({pixel: String(to)});
      painted[to].focus();
    } else if (event.key === " " || event.key === "Enter") {
      set(i, 1 - Number(state.x[i]));
    } else if (to === undefined) {
      return;
    }
    event.preventDefault();
  });

  // Draw the pixels from row `first` on from the chosen model; the next drawing has the next seed.
  function draw(first) {
    const x = pixels();
    const random = randomFrom(Number(state.seed));
    walk(chosen(), x, (i, p) => (i < first * columns ? x[i] : Number(random() < p)));
    change({x: x.join(""), seed: String(Number(state.seed) + 1)});
  }

  const actions = {
    blank: () => change({x: "0".repeat(D)}),
    shift: () => change({x: shiftedImage(state.x, columns)}),
    draw: () => draw(0),
    complete: () => draw(Number(state.row)),
  };
  for (const [name, action] of Object.entries(actions)) find(name).addEventListener("click", action);
  find("digit").addEventListener("change", (event) => change({x: data.digits[Number(event.target.value)]}));
  find("row").addEventListener("change", (event) => change({row: event.target.value}));
  for (const input of root.querySelectorAll("input[type=radio]")) {
    input.addEventListener("change", () => change({[input.name]: input.value}));
  }
  window.addEventListener("hashchange", () => {
    Object.assign(state, keptState("canvas", state));
    show();
  });
  show();
  root.hidden = false;
}
