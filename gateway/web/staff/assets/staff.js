// Everything works without this file; it only saves steps.

// A form that makes something is sent once, however often its button is pressed. The server makes sure of it anyway.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
  });
}
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
});

// A button that names how many volumes are chosen follows the choice.
for (const button of document.querySelectorAll("button[data-counts]")) {
  const texts = JSON.parse(button.dataset.counts);
  const showCount = () => {
    button.textContent = texts[button.form.querySelectorAll('.volumes input[value="arrived"]:checked').length];
  };
  button.form.addEventListener("change", showCount);
  showCount();
}

// A menu that lies over the page closes when the focus goes on, which it would cover, and by Escape.
for (const menu of document.querySelectorAll("details.more")) {
  const drop = menu.querySelector(".drop");
  menu.addEventListener("focusout", (event) => {
    const goesOn = event.relatedTarget !== null && !menu.contains(event.relatedTarget);
    if (goesOn && getComputedStyle(drop).position === "absolute") menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// What is wrong is read out, and what is first in it is one key away.
const summary = document.getElementById("summary");
if (summary !== null) summary.focus();
