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

// What is wrong is read out, and what is first in it is one key away.
const summary = document.getElementById("summary");
if (summary !== null) summary.focus();
