// j and k go through the list, x selects, / searches. Never while something is typed, and off for who wants it off.

const KEPT = "illgate-keys";
const turn = document.getElementById("keys-on");
let on = localStorage.getItem(KEPT) !== "off";
if (turn !== null) {
  turn.checked = on;
  turn.addEventListener("change", () => {
    on = turn.checked;
    localStorage.setItem(KEPT, on ? "on" : "off");
  });
}

const works = [...document.querySelectorAll(".list .work")];

const here = () => works.findIndex((work) => work.closest("tr").contains(document.activeElement));

const acts = {
  j: () => works[Math.min(here() + 1, works.length - 1)]?.focus(),
  k: () => works[Math.max(here() - 1, 0)]?.focus(),
  x: () => works[here()]?.closest("tr").querySelector("input[name=one]")?.click(),
  "/": () => document.getElementById("q")?.focus(),
};

const isTyping = (place) => place.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  const act = acts[event.key];
  if (!on || act === undefined || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
  event.preventDefault();
  act();
});
