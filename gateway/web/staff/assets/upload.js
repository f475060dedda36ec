// Forms for files: each file is sent by itself, with a line that shows how far it is and what became of it. Files can be
// dropped on the form. Without this file the form sends all of them at once.

const KINDS = { good: "good", look: "look", late: "failed" };

for (const form of document.querySelectorAll("form[data-upload]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sendFiles(form);
  });
  form.addEventListener("dragover", (event) => {
    if (event.dataTransfer.types.includes("Files")) event.preventDefault();
  });
  form.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length === 0) return;
    event.preventDefault();
    form.elements.file.files = event.dataTransfer.files;
  });
}

// While files are on their way, leaving the page would lose them.
let sending = 0;
window.addEventListener("beforeunload", (event) => {
  if (sending > 0) event.preventDefault();
});

async function sendFiles(form) {
  const files = Array.from(form.elements.file.files);
  const button = form.querySelector("button[type=submit]");
  if (files.length === 0 || button.disabled) return;
  const list = addList(form);
  const lines = files.map((file) => addLine(list, file.name, form.dataset.waiting));
  button.disabled = true;
  sending += 1;
  for (const [index, file] of files.entries()) {
    const isLast = index === files.length - 1;
    finishLine(lines[index], await sendFile(form, file, isLast, lines[index]));
  }
  sending -= 1;
  button.disabled = false;
  form.elements.file.value = "";
  addLink(form, list);
}

// One request with all that the form says besides. Only the last file of one request makes its copy whole.
function sendFile(form, file, isLast, line) {
  const fields = new FormData(form);
  fields.delete("file");
  fields.append("file", file);
  if (!isLast && fields.get("request")) fields.delete("whole");
  return new Promise((resolve) => {
    const sent = new XMLHttpRequest();
    const failed = (text) => resolve({ kind: "late", text });
    sent.open("POST", form.action);
    sent.setRequestHeader("Accept", "application/json");
    sent.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) line.progress.value = event.loaded / event.total;
    });
    sent.addEventListener("error", () => failed(form.dataset.broken));
    sent.addEventListener("load", () => {
      if (sent.getResponseHeader("Content-Type")?.startsWith("application/json")) resolve(JSON.parse(sent.responseText));
      else failed(sent.status === 403 ? form.dataset.signedOut : form.dataset.broken);
    });
    sent.send(fields);
  });
}

// --- what is seen ---------------------------------------------------------------------------------------------

function addList(form) {
  form.parentElement.querySelector(".uploads")?.remove();
  const list = document.createElement("ol");
  list.className = "uploads";
  list.setAttribute("aria-live", "polite");
  form.after(list);
  return list;
}

function addLine(list, name, waiting) {
  const item = document.createElement("li");
  const words = document.createElement("span");
  words.dir = "auto";
  words.textContent = name;
  const progress = document.createElement("progress");
  progress.value = 0;
  progress.setAttribute("aria-label", `${name}: ${waiting}`);
  item.append(makeShape("clock"), words, progress);
  list.append(item);
  return { item, words, progress };
}

function finishLine(line, outcome) {
  line.progress.remove();
  line.item.className = `is-${outcome.kind}`;
  line.item.querySelector("svg").replaceWith(makeShape(KINDS[outcome.kind]));
  line.words.textContent = outcome.text;
}

function addLink(form, list) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = window.location.pathname + window.location.search;
  link.textContent = form.dataset.show;
  item.append(link);
  list.append(item);
  link.focus();
}

function makeShape(name) {
  const space = "http://www.w3.org/2000/svg";
  const shape = document.createElementNS(space, "svg");
  shape.setAttribute("class", "shape");
  shape.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#${name}`);
  shape.append(use);
  return shape;
}
