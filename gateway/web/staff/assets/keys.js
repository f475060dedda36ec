// j and k go through the list, or on a request to its neighbours in the list; x selects, / searches; n opens the next
// after an act. Never while something is typed, and off for who wants it off. Ctrl+Enter presses the button of the act
// that stands open, also from its fields.

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

const open = (selector) => document.querySelector(selector)?.click();

const acts = {
  j: () => (works.length ? works[Math.min(here() + 1, works.length - 1)]?.focus() : open("a[rel=next]")),
  k: () => (works.length ? works[Math.max(here() - 1, 0)]?.focus() : open("a[rel=prev]")),
  n: () => open("#next"),
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

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  const typedIn = document.activeElement.closest("form[data-once]");
  const seen = [...document.querySelectorAll("#act form")].find((form) => form.checkVisibility());
  const form = typedIn ?? seen;
  if (form === undefined) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button[type=submit]"));
});
