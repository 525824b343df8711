// Guess before you see: each measured value of the page is hidden until the reader has said whether it is lower than the
// expected value, equal to it, or higher. A switch at the top shows all values; the address keeps it as ?guess=off.
//
// A row with a value that can be guessed has data-answer: "lower", "equal" or "higher", computed by Python.

const rows = [...document.querySelectorAll("tr[data-answer]")];

function ask(row) {
  const answers = {lower: say("lower"), equal: say("equal"), higher: say("higher")};
  const cell = row.querySelector(".measured");
  const buttons = document.createElement("div");
  buttons.className = "guess";
  buttons.setAttribute("role", "group");
  buttons.setAttribute("aria-label", say("Is the measured value lower than the expected one, equal, or higher?"));
  for (const [answer, label] of Object.entries(answers)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.value = answer;
    button.addEventListener("click", () => reveal(row, answer));
    buttons.append(button);
  }
  cell.append(buttons);
  row.classList.add("asked");
}

function reveal(row, guess) {
  row.classList.remove("asked");
  row.querySelector(".guess")?.remove();
  row.querySelector(".guessed")?.remove();
  if (!guess) return;
  row.dataset.guess = guess;
  const said = document.createElement("small");
  said.className = "guessed";
  said.setAttribute("role", "status");
  said.textContent = guess === row.dataset.answer ? say("You guessed right.") : say("Your guess was: {guess}.", {guess: say(guess)});
  row.querySelector(".measured").append(said);
}

function guessing(on) {
  for (const row of rows) {
    reveal(row, null);
    if (on) ask(row);
  }
  keepQuery("guess", on ? null : "off");
}

if (rows.length) {
  const label = document.createElement("label");
  label.className = "switch";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.checked = query().get("guess") !== "off";
  box.addEventListener("change", () => guessing(box.checked));
  label.append(box, " ", say("Guess each measured value before you see it"));
  document.querySelector("header")?.append(label);
  if (box.checked) guessing(true);
}
