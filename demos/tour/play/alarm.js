// The anomaly score −ln p(x) of an image under NADE, its conformal p-value, and the alarm.
//
// The state: x, the pixels of the image as text of 0 and 1.

function alarmWidget(root, data) {
  const [rows, columns] = data.shape;
  const D = rows * columns;
  const canvas = document.getElementById("canvas-data");  // it holds the weights of NADE
  const embedded = canvas && JSON.parse(canvas.textContent).models.find((model) => model.kind === "nade");
  if (!embedded) return;
  const read = Object.entries(embedded.weights).map(([name, text]) => [name, numbersOf(text)]);
  const model = {kind: "nade", ...Object.fromEntries(read)};
  const state = keptState("alarm", {x: digitOfCanvas(D, data.image)});
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const put = (name, value, text) => {
    find(name).textContent = text;
    find(name).dataset.value = value;
  };

  function change(x) {
    state.x = x;
    keepState("alarm", state);
    show();
  }

  function show() {
    if (!isImage(state.x, D)) state.x = digitOfCanvas(D, data.image);
    const x = pixelsOf(state.x);
    const score = -logProb(model, x);
    const higher = data.calibration.filter((other) => other >= score - 5e-4).length;  // an equal score counts
    const p = (1 + higher) / (1 + data.calibration.length);
    put("score", score, score.toFixed(2));
    put("higher", higher, say("{higher} of {all}", {higher, all: data.calibration.length}));
    put("p", p, p.toFixed(4));
    find("said").textContent = p <= data.alpha
      ? say("Alarm: at most 5 % of the calibration digits have a score as high as {score} nats.", {score: score.toFixed(2)})
      : say("No alarm: more than 5 % of the calibration digits have a score as high as {score} nats.", {score: score.toFixed(2)});
    find("said").dataset.alarm = p <= data.alpha;
    drawImage(find("seen"), x, data.shape);
    drawScores(score);
  }

  // The histogram of the calibration scores, and the score of this image as a line. The axis begins at 0 and grows with it.
  function drawScores(score) {
    const pen = find("scores").getContext("2d");
    const {width, height} = pen.canvas;
    const end = 1.05 * Math.max(score, ...data.calibration);
    const bins = 40;
    const counts = new Array(bins).fill(0);
    for (const other of data.calibration) counts[Math.floor((other / end) * bins)]++;
    const style = getComputedStyle(root);
    const [ink, accent, bar] = ["--ink", "--accent", "--faint"].map((name) => style.getPropertyValue(name));
    const foot = height - 40;
    pen.clearRect(0, 0, width, height);
    pen.fillStyle = bar;
    counts.forEach((count, k) => {
      const high = (foot - 30) * (count / Math.max(...counts));
      pen.fillRect((k * width) / bins, foot - high, width / bins - 2, high);
    });
    pen.fillStyle = ink;
    pen.fillRect(0, foot, width, 2);
    pen.font = "24px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.fillText("0", 0, height - 10);
    pen.textAlign = "right";
    pen.fillText(say("{end} nats", {end: end.toFixed(0)}), width, height - 10);
    pen.fillStyle = accent;
    const at = (score / end) * width;
    pen.fillRect(at - 3, 0, 6, foot);
    pen.textAlign = at > width / 2 ? "right" : "left";
    pen.fillText("−ln p(x)", at + (at > width / 2 ? -12 : 12), 24);
  }

  find("shift").addEventListener("click", () => change(shiftedImage(state.x, columns)));
  find("blank").addEventListener("click", () => change("0".repeat(D)));
  find("back").addEventListener("click", () => change(digitOfCanvas(D, data.image)));
  window.addEventListener("hashchange", () => { Object.assign(state, keptState("alarm", state)); show(); });
  onDigit(D, (x) => { state.x = x; show(); });
  root.hidden = false;
  show();
}
