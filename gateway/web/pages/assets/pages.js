"use strict";
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

// What belongs to a copy or to a loan alone is shown with that choice.
for (const form of document.querySelectorAll("form[data-request]")) {
  const show = () => {
    const chosen = form.querySelector("input[name=service]:checked");
    for (const part of form.querySelectorAll("[data-for]")) {
      part.hidden = chosen !== null && part.dataset.for !== chosen.value;
    }
  };
  form.addEventListener("change", show);
  show();
}

// Of the blank form, the fields that say something about such a thing. A field with a value stays.
const PARTS = ["component_title", "component_author", "pages"];
const RUNS = ["volume", "issue", "issn", "pmid", "doi"];
const BOOKS = ["edition", "publisher", "place", "isbn"];
const WITHOUT = {
  book: [...PARTS, ...RUNS],
  chapter: ["issue", "issn", "pmid"],
  article: [...BOOKS],
  journal: [...PARTS, ...BOOKS, "author", "pmid", "doi"],
  thesis: [...PARTS, "volume", "issue", "issn", "pmid", "edition"],
  newspaper: [...BOOKS, "pmid", "doi"],
};
for (const form of document.querySelectorAll("form[data-citation]")) {
  const type = form.querySelector("#type");
  const show = () => {
    const without = WITHOUT[type.value] || [];
    for (const field of form.querySelectorAll("[data-field]")) {
      const input = field.querySelector("input");
      field.hidden = input !== null && !input.value && without.includes(field.dataset.field);
    }
  };
  type.addEventListener("change", show);
  show();
}

// What is wrong is read out, and what is first in it is one key away.
const summary = document.getElementById("summary");
if (summary !== null) summary.focus();
