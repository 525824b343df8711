// The page for a projector, with ?slides in its address: one step of a section a screen, as large as the screen allows.
// PageDown and PageUp go on and back, which is what a presenter's remote control sends; Home and End jump; Escape leaves.
// The address keeps the number of the step, as in ?slides=12.

const steps = [...document.querySelectorAll("header, .step")];

function show(number) {
  const now = Math.min(steps.length - 1, Math.max(0, number));
  const part = steps[now];
  for (const shown of document.querySelectorAll(".now")) shown.classList.remove("now");
  part.classList.add("now");
  part.closest("section")?.classList.add("now");
  document.querySelector(".controls output").textContent = `${now + 1} / ${steps.length}`;
  keepQuery("slides", String(now + 1));
  fit(part);
}

// Show a step in the largest size, 2 to ½ of the usual one, in which it fits on the screen. At ½ it can be scrolled.
function fit(part) {
  const end = document.querySelector(".controls").getBoundingClientRect().top;
  for (let tenths = 20; tenths >= 5; tenths--) {
    part.style.zoom = tenths / 10;
    if (part.getBoundingClientRect().bottom <= end && part.scrollWidth <= part.clientWidth) break;
  }
  scrollTo(0, 0);
}

const number = () => Number(query().get("slides")) - 1;

function leave() {
  document.documentElement.classList.remove("slides");
  const part = steps[number()];
  for (const step of steps) step.style.zoom = "";
  controls.remove();
  keepQuery("slides", null);
  removeEventListener("keydown", pressed, true);
  removeEventListener("resize", resized);
  part.scrollIntoView();
}

function pressed(event) {
  const go = {PageDown: () => show(number() + 1), PageUp: () => show(number() - 1), Home: () => show(0),
              End: () => show(steps.length - 1), Escape: leave}[event.key];
  if (!go) return;
  event.preventDefault();
  event.stopPropagation();
  go();
}
const resized = () => fit(steps[number()]);

const controls = document.createElement("div");
controls.className = "controls";

function enter(first) {
  document.documentElement.classList.add("slides");
  const button = (text, label, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", action);
    return made;
  };
  controls.replaceChildren(
    button("‹", say("previous step"), () => show(number() - 1)), document.createElement("output"),
    button("›", say("next step"), () => show(number() + 1)), button("×", say("leave the slides"), leave));
  document.body.append(controls);
  addEventListener("keydown", pressed, true);  // before the things to touch: a slider takes PageDown, too
  addEventListener("resize", resized);
  show(first);
}

const link = document.createElement("a");
link.href = "?slides";
link.textContent = say("For a projector");
link.addEventListener("click", (event) => {
  event.preventDefault();
  enter(0);
});
document.querySelector("header")?.append(link);
if (query().has("slides")) {
  const wanted = location.hash.slice(1).split("?")[0];
  const linked = wanted ? steps.findIndex((step) => step.querySelector(`[id="${wanted}"]`)) : -1;
  enter(linked >= 0 ? linked : Math.max(0, number()));
}
