// Requests of a list chosen without loading the page anew. Without this file the links in the bar do the same.

const form = document.getElementById("choose");
const count = document.getElementById("selected-count");

if (form !== null && count !== null) {
  const boxes = [...form.querySelectorAll("input[name=one]")];
  const whole = form.querySelector("input[name=scope]");
  const number = new Intl.NumberFormat(document.documentElement.lang);

  const show = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    for (const box of boxes) box.closest("tr").classList.toggle("picked", box.checked);
    if (whole === null || whole.disabled) count.textContent = number.format(chosen);
  };

  // Whoever takes one away from "all that match" means this page from then on.
  form.addEventListener("change", (event) => {
    if (whole !== null && event.target.name === "one" && !event.target.checked) whole.disabled = true;
    show();
  });

  const choose = (checked) => (event) => {
    event.preventDefault();
    if (whole !== null) whole.disabled = true;
    for (const box of boxes) box.checked = checked;
    show();
  };
  document.getElementById("select-page")?.addEventListener("click", choose(true));
  document.getElementById("select-none")?.addEventListener("click", choose(false));

  // From one box to another with Shift: all between them.
  let last = null;
  form.addEventListener("click", (event) => {
    const at = boxes.indexOf(event.target);
    if (at < 0) return;
    if (event.shiftKey && last !== null) {
      const [from, to] = [Math.min(at, last), Math.max(at, last)];
      for (const box of boxes.slice(from, to + 1)) box.checked = event.target.checked;
      show();
    }
    last = at;
  });
  window.addEventListener("pageshow", show);
}
