// The plane of codes of the adversarial auto-encoder: the code of a digit, and what each place of the plane decodes to.
//
// The state: x, the pixels of the digit as text of 0 and 1; z1 and z2, the place that is decoded.

function codesWidget(root, data) {
  const D = data.shape[0] * data.shape[1];
  const {reach} = data;
  const read = (layers) => layers.map(({W, b}) => ({W: roundedNumbersOf(W), b: roundedNumbersOf(b)}));
  const relu = (a) => Math.max(a, 0);
  const [encoder, decoder] = [network(read(data.encoder), relu), network(read(data.decoder), relu)];
  const state = keptState("codes", {x: digitOfCanvas(D, data.image), z1: "0", z2: "0"});
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const plane = find("plane");
  const inside = (value) => Math.min(reach, Math.max(-reach, Number.isFinite(value) ? value : 0));
  const cross = () => [inside(Number(state.z1)), inside(Number(state.z2))];

  function change(changes) {
    Object.assign(state, changes);
    keepState("codes", state);
    show();
  }

  function show() {
    if (!isImage(state.x, D)) state.x = digitOfCanvas(D, data.image);
    const x = pixelsOf(state.x);
    const code = encoder(x);
    const again = decoder(code);
    for (const [name, value] of [["code1", code[0]], ["code2", code[1]], ["loss", -logLikelihood(again, x)]]) {
      find(name).textContent = value.toFixed(3).replace("-", "−");
      find(name).dataset.value = value;
    }
    setSlider(find("z1"), cross()[0]);
    setSlider(find("z2"), cross()[1]);
    drawImage(find("seen"), x, data.shape);
    drawImage(find("again"), again.map(sigmoid), data.shape);
    drawImage(find("decoded"), decoder(cross()).map(sigmoid), data.shape);
    drawPlane(code);
  }

  function drawPlane(code) {
    const pen = plane.getContext("2d");
    const placed = ([z1, z2]) => [inside(z1) + reach, reach - inside(z2)].map((v) => (v * plane.width) / (2 * reach));
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, plane.width, plane.height);
    pen.font = "600 17px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const [z1, z2, label] of data.codes) {
      pen.fillStyle = data.colours[label % data.colours.length];
      pen.fillText(data.names[label], ...placed([z1, z2]));
    }
    const [ringX, ringY] = placed(code);
    const [crossX, crossY] = placed(cross());
    for (const [colour, width] of [["#fff", 9], ["#111", 4]]) {  // black with a white border is seen above all colours
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.arc(ringX, ringY, 16, 0, 2 * Math.PI);
      pen.stroke();
      pen.beginPath();
      pen.moveTo(crossX - 14, crossY); pen.lineTo(crossX + 14, crossY);
      pen.moveTo(crossX, crossY - 14); pen.lineTo(crossX, crossY + 14);
      pen.stroke();
    }
  }

  function dragged(event) {
    const box = plane.getBoundingClientRect();
    const along = (x, size) => inside((2 * reach * x) / size - reach);
    change({
      z1: along(event.clientX - box.left, box.width).toFixed(3),
      z2: (-along(event.clientY - box.top, box.height)).toFixed(3),
    });
  }
  let dragging = false;
  plane.addEventListener("pointerdown", (event) => { dragging = true; event.preventDefault(); dragged(event); });
  plane.addEventListener("pointermove", (event) => { if (dragging) dragged(event); });
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, () => { dragging = false; });
  for (const name of ["z1", "z2"]) find(name).addEventListener("input", (event) => change({[name]: event.target.value}));
  window.addEventListener("hashchange", () => { Object.assign(state, keptState("codes", state)); show(); });
  onDigit(D, (x) => { state.x = x; show(); });
  root.hidden = false;
  show();
}
