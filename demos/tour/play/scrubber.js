// A training of this run with a slider over its moments: a drawing, and the values that were measured at the moment.
//
// The state: moment, the number of a moment, from 0.

// Numbers that Python packed as 16-bit integers; -32768 is NaN.
function unpacked(text, top) {
  return Float64Array.from(new Int16Array(bytesOf(text)), (code) => (code === -32768 ? NaN : (code * top) / 32767));
}

// Paint a part [x, y, width, height] of the sheet, which holds opacities, in a colour on the part `to` of a drawing.
function stamp(pen, sheet, [x, y, w, h], to, colour, smooth) {
  const part = document.createElement("canvas");
  [part.width, part.height] = [w, h];
  const own = part.getContext("2d");
  own.drawImage(sheet, x, y, w, h, 0, 0, w, h);
  own.globalCompositeOperation = "source-in";
  own.fillStyle = colour;
  own.fillRect(0, 0, w, h);
  pen.imageSmoothingEnabled = smooth;
  pen.drawImage(part, ...to);
}

// The colours of the page. ofClass(k) is lighter on a dark page.
function coloursOf(canvas, classes = []) {
  const style = getComputedStyle(canvas);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const light = matchMedia("(prefers-color-scheme: dark)").matches ? 0.45 : 0;
  const lighter = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) * (1 - light) + 255 * light);
  return {
    ink: of("ink"), faint: of("faint"), red: of("accent"), green: of("good"), blue: of("blue"),
    ofClass: (k) => `rgb(${lighter(classes[k % classes.length]).join(" ")})`,
  };
}

// The names of both axes, and numbers along them. right and up are functions from a number to its pixel.
function drawAxes(pen, w, h, colours, [nameX, nameY], {numbersX = [], right, numbersY = [], up} = {}) {
  const written = (number) => String(number).replace("-", "−");
  pen.fillStyle = colours.faint;
  pen.textAlign = "center";
  for (const x of numbersX) pen.fillText(written(x), right(x), h - 4);
  pen.fillText(nameX, w - 10, h - 4);
  pen.textAlign = "left";
  for (const y of numbersY) pen.fillText(written(y), 3, up(y) + 4);
  pen.fillText(nameY, 3, 12);
}

// Each scene takes its data and returns a function that draws moment k on a canvas of w × h pixels, and returns a
// sentence about what the drawing leaves out, or "".
const SCENES = {
  // p_data, p_G, D and D* over x, and lines from z to G(z).
  curves(scene) {
    const data = unpacked(scene.data, scene.top);
    const [made, learned, best] = ["made", "learned", "best"].map((name) => unpacked(scene[name], scene.top));
    const places = unpacked(scene.x, 2 * scene.reach);
    return (pen, w, h, k, colours) => {
      const bottom = h - 70;
      const right = (x) => ((x + scene.reach) / (2 * scene.reach)) * w;
      const up = (y) => bottom - (y / scene.top) * (bottom - 8);
      const at = (i) => ((i + 0.5) / scene.count) * w;
      const trace = (values) => {
        pen.beginPath();
        values.forEach((v, i) => {
          if (!isNaN(v)) pen[isNaN(values[i - 1] ?? NaN) ? "moveTo" : "lineTo"](at(i), up(v));
        });
      };
      const line = (values, colour, width, dashes = []) => {
        trace(values);
        pen.setLineDash(dashes);
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.stroke();
        pen.setLineDash([]);
      };
      const now = (values) => values.subarray(k * scene.count, (k + 1) * scene.count);
      trace(data);
      pen.lineTo(at(scene.count - 1), bottom);
      pen.lineTo(at(0), bottom);
      pen.fillStyle = colours.faint;
      pen.globalAlpha = 0.35;
      pen.fill();
      pen.globalAlpha = 1;
      line(now(best), colours.green, 2, [7, 5]);
      line(now(learned), colours.blue, 2);
      line(now(made), colours.red, 2.5);
      pen.lineWidth = 1;
      pen.strokeStyle = colours.red;
      pen.globalAlpha = 0.7;
      pen.beginPath();
      scene.z.forEach((z, j) => {
        pen.moveTo(right(z), h - 20);
        pen.lineTo(right(places[k * scene.z.length + j]), bottom + 8);
      });
      pen.stroke();
      pen.globalAlpha = 1;
      pen.fillStyle = colours.ink;
      pen.textAlign = "left";
      pen.fillText("x = G(z)", 3, bottom + 18);
      pen.fillText("z", 3, h - 22);
      drawAxes(pen, w, h, colours, ["", ""], {numbersX: [-3, -2, -1, 0, 1, 2, 3], right, numbersY: [0.5, 1], up});
      return "";
    };
  },

  // Points in a square of the plane, with a class each or without, above a map, circles or fixed points.
  points(scene, sheet) {
    const top = 1.5 * scene.half;
    const points = unpacked(scene.points, top);
    const below = scene.below ? unpacked(scene.below, top) : [];
    return (pen, w, h, k, colours) => {
      const scale = w / (2 * scene.half);
      const place = (x, y) => [w / 2 + x * scale, h / 2 - y * scale];  // from the centre of the square
      const dot = (values, i, radius) => {
        pen.beginPath();
        pen.arc(...place(values[i], values[i + 1]), radius, 0, 2 * Math.PI);
        pen.fill();
      };
      if (sheet) {
        pen.globalAlpha = 0.3;
        stamp(pen, sheet, [0, k * scene.side, scene.side, scene.side], [0, 0, w, h], colours.ink, true);
      }
      pen.fillStyle = colours.faint;
      pen.globalAlpha = 0.5;
      for (let i = 0; i < below.length; i += 2) dot(below, i, 1.5);
      pen.globalAlpha = 1;
      pen.strokeStyle = colours.ink;
      for (const [x, y] of scene.circles?.at ?? []) {
        pen.beginPath();
        pen.arc(...place(x - scene.centre[0], y - scene.centre[1]), scene.circles.radius * scale, 0, 2 * Math.PI);
        pen.stroke();
      }
      let outside = 0;
      pen.textAlign = "center";
      for (let j = 0; j < scene.count; j++) {
        const i = 2 * (k * scene.count + j);
        const label = scene.labels?.[j] ?? -1;
        if (!(Math.max(Math.abs(points[i]), Math.abs(points[i + 1])) <= scene.half)) outside += 1;
        pen.fillStyle = scene.names?.length ? colours.ofClass(label) : colours.red;
        if (scene.names?.[label]?.length <= 2) {
          const [x, y] = place(points[i], points[i + 1]);
          pen.fillText(scene.names[label], x, y + 4);
        } else dot(points, i, 1.8);
      }
      drawAxes(pen, w, h, colours, scene.axes);
      if (!outside) return "";
      return say("{outside} of {count} points lie outside of the drawing.", {outside, count: scene.count});
    };
  },

  // Images side by side: black on white, as all images of the page.
  images({rows, columns}, sheet) {
    return (pen, w, h, k) => {
      pen.fillStyle = "#fff";
      pen.fillRect(0, 0, w, h);
      stamp(pen, sheet, [0, k * rows, columns, rows], [0, 0, w, h], "#000", false);
      return "";
    };
  },

  // Posteriors in the plane of z, shaded, and q(z|x) at one and two standard deviations, a colour for each image.
  posteriors(scene, sheet) {
    const q = unpacked(scene.q, 2 * scene.reach);
    return (pen, w, h, k, colours) => {
      const right = (z) => ((z + scene.reach) / (2 * scene.reach)) * w;
      const up = (z) => h - right(z);
      for (let n = 0; n < scene.count; n++) {
        pen.globalAlpha = 0.6;
        const part = [n * scene.side, k * scene.side, scene.side, scene.side];
        stamp(pen, sheet, part, [0, 0, w, h], colours.ofClass(n), true);
        pen.globalAlpha = 1;
        const [mean, one, two] = [0, 1, 2].map((j) => q.subarray(2 * ((3 * k + j) * scene.count + n)));
        pen.strokeStyle = colours.ofClass(n);
        pen.lineWidth = 2;
        for (const times of [1, 2]) {
          const on = (t, i) => mean[i] + times * (Math.cos(t) * (one[i] - mean[i]) + Math.sin(t) * (two[i] - mean[i]));
          pen.beginPath();
          for (let t = 0; t <= 6.3; t += 0.1) pen.lineTo(right(on(t, 0)), up(on(t, 1)));
          pen.stroke();
        }
        drawDigit(pen, scene.digits[n], scene.shape, 6 + n * 36, 20, 28, colours.ofClass(n));
      }
      drawAxes(pen, w, h, colours, ["z₁", "z₂"], {numbersX: [-2, 0, 2], right, numbersY: [-2, 0, 2], up});
      return "";
    };
  },
};

// A small binary image in a colour.
function drawDigit(pen, pixels, [rows, columns], x, y, size, colour) {
  pen.fillStyle = colour;
  Array.from(pixels).forEach((pixel, i) => {
    if (pixel === "1") pen.fillRect(x + (i % columns) * size / columns, y + Math.floor(i / columns) * size / rows,
                                    size / columns + 0.5, size / rows + 0.5);
  });
}

// The line of a value over the moments, a dotted line at its limit, and a dot at moment k, as SVG.
function lineOf({heights, limit}, k) {
  const at = (i, height) => `${(1000 * i) / Math.max(1, heights.length - 1)} ${(95 - 90 * height).toFixed(2)}`;
  const begins = (i) => (heights[i - 1] ?? null) === null;
  const steps = heights.map((y, i) => (y === null ? "" : `${begins(i) ? "M" : "L"}${at(i, y)}`));
  const dotted = limit === null ? "" : `<path class="limit" d="M${at(0, limit)}H1000"/>`;
  const dot = heights[k] === null ? "" : `<path class="dot" d="M${at(k, heights[k])}h0"/>`;
  return `${dotted}<path d="${steps.join("")}"/>${dot}`;
}

function scrubberWidget(root, data) {
  const find = (name) => root.querySelector(`[data-part="${name}"]`);
  const canvas = find("drawing");
  const sheet = find("sheet");
  const scene = SCENES[data.kind](data.scene, sheet);
  const last = data.epochs.length - 1;
  const state = keptState(root.id, {moment: String(last)});
  const moment = () => Math.min(last, Math.max(0, Math.round(Number(state.moment)) || 0));
  let timer = null;

  function show() {
    const k = moment();
    const epoch = data.epochs[k];
    const name = epoch
      ? say("after epoch {epoch} of {last}", {epoch, last: data.epochs[last]}) : say("before the training");
    find("moment").textContent = name;
    find("slider").value = k;
    find("slider").closest("label").querySelector("output").textContent = `${k} / ${last}`;
    find("slider").setAttribute("aria-valuetext", name);
    for (const value of data.values) {
      const number = value.numbers[k];
      find(`value-${value.key}`).textContent = number === null
        ? say("no value at this moment") : number.toFixed(value.digits).replace("-", "−");
      find(`line-${value.key}`).innerHTML = lineOf(value, k);
    }
    draw(k);
  }

  // Draw in the pixels of the screen, so that lines are sharp and letters are 12 pixels high at any width.
  function draw(k) {
    if (sheet && !sheet.complete) return;
    const [w, h, dense] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio];
    [canvas.width, canvas.height] = [w * dense, h * dense];
    const pen = canvas.getContext("2d");
    pen.scale(dense, dense);
    pen.font = "12px system-ui, sans-serif";
    find("said").textContent = scene(pen, w, h, k, coloursOf(canvas, data.scene.colours));
  }

  function change(k) {
    state.moment = String(Math.min(last, Math.max(0, k)));
    show();
    if (!timer) keepState(root.id, state);
  }

  function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => (moment() < last ? change(moment() + 1) : play(false)), 150) : null;
    find("play").textContent = on ? say("Pause") : say("Play");
    if (on && moment() === last) change(0);
    if (!on) keepState(root.id, state);
  }

  function stopAt(k) {
    if (timer) play(false);
    change(k);
  }

  find("play").addEventListener("click", () => play(!timer));
  find("slider").addEventListener("input", (event) => stopAt(Number(event.target.value)));
  root.addEventListener("keydown", (event) => {
    const to = {ArrowLeft: moment() - 1, ArrowDown: moment() - 1, ArrowRight: moment() + 1, ArrowUp: moment() + 1,
                Home: 0, End: last}[event.key];
    if (to === undefined) return;
    event.preventDefault();
    stopAt(to);
  });
  window.addEventListener("hashchange", () => { Object.assign(state, keptState(root.id, state)); show(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  sheet?.addEventListener("load", show);
  root.hidden = false;
  new ResizeObserver(() => draw(moment())).observe(canvas);
  show();
}
