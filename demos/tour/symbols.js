// A symbol lights up in the formula, in the code and in the pictures of its section while it is pointed at or focused. A
// click or the Enter key keeps it lit.
//
// Elements of a formula and of the list of symbols have data-symbol, the number of the symbol in its section. A name in
// the code belongs to the symbol that has the name in data-names, and a part of a picture to the one with its data-tex.

for (const section of document.querySelectorAll("section")) {
  const listed = [...section.querySelectorAll(".symbols [data-symbol]")];
  for (const item of listed) {
    const names = item.dataset.names.split(" ");
    for (const word of section.querySelectorAll("pre .n, pre .nf")) {
      if (names.includes(word.textContent) && !word.dataset.symbol) word.dataset.symbol = item.dataset.symbol;
    }
    for (const part of section.querySelectorAll("figure [data-tex]")) {
      if (part.dataset.tex === item.dataset.tex) part.dataset.symbol = item.dataset.symbol;
    }
    item.tabIndex = 0;
    item.setAttribute("role", "button");
    item.setAttribute("aria-pressed", "false");
  }
  let kept = null;
  const light = (symbol) => {
    for (const part of section.querySelectorAll("[data-symbol]")) {
      part.classList.toggle("lit", part.dataset.symbol === symbol);
    }
  };
  const symbolOf = (event) => event.target.closest("[data-symbol]")?.dataset.symbol ?? kept;
  for (const kind of ["pointerover", "focusin"]) section.addEventListener(kind, (event) => light(symbolOf(event)));
  for (const kind of ["pointerleave", "focusout"]) section.addEventListener(kind, () => light(kept));
  const keep = (item) => {
    kept = kept === item.dataset.symbol ? null : item.dataset.symbol;
    for (const other of listed) other.setAttribute("aria-pressed", String(other.dataset.symbol === kept));
    light(kept);
  };
  for (const item of listed) {
    item.addEventListener("click", () => keep(item));
    item.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      keep(item);
    });
  }
}
