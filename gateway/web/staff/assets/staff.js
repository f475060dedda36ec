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

// What is wrong is read out, and what is first in it is one key away.
const summary = document.getElementById("summary");
if (summary !== null) summary.focus();
