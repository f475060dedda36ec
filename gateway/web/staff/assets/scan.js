// Scan pages: the field is emptied at once, codes wait in a queue and are sent one after the other, in order. Without
// this file the form has a field for many codes and says afterwards what became of each.

const RETRY_SECONDS = [1, 2, 4, 8, 10];
const ANSWER_SECONDS = 30;
const MAX_TRIES_WITHOUT_ANSWER = 20;
const AWAY = [502, 503, 504];

const form = document.getElementById("scan");
const log = document.getElementById("log");
const pile = document.getElementById("pile");
const trouble = document.getElementById("trouble");
const counts = { done: 0, look: 0, failed: 0 };
const queue = [];
const slips = []; // links of slips that wait for the printer
const early = document.getElementById("code").value.split("\n");
let busy = false;
let unfinished = null; // a number whose item is to be scanned next: its request, its line, its place on the pile
let signedOut = false;
let sounds = null;
const runBatches = {}; // by kind of paper: number of the batch that slips of this run come into
let isPrinting = false;
let frame = null;
const field = replaceField(document.getElementById("code"));

// One line for one code, instead of many lines.
function replaceField(many) {
  const one = document.createElement("input");
  for (const name of ["id", "name", "autocomplete", "autocapitalize", "spellcheck"]) {
    one.setAttribute(name, many.getAttribute(name));
  }
  one.type = "text";
  document.getElementById("code-label").textContent = many.dataset.label;
  one.value = early.pop(); // what was typed before this file was here
  many.replaceWith(one);
  one.focus();
  return one;
}

function makeKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function parseHtml(text) {
  return new DOMParser().parseFromString(text, "text/html").body.firstElementChild;
}

// --- the queue ------------------------------------------------------------------------------------------------

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const code = field.value.trim();
  field.value = "";
  field.focus();
  wakeSounds();
  if (code !== "") addScan(new FormData(form), code);
});

// A choice or a second code of the pile goes into the same queue.
pile.addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData(event.target, event.submitter);
  event.target.closest("li").remove();
  showPile();
  field.focus();
  addScan(fields, fields.get("code"));
});

pile.addEventListener("click", (event) => {
  if (!event.target.matches("[data-dismiss]")) return;
  const hand = event.target.closest("li");
  if (unfinished?.hand === hand) unfinished = null;
  hand.remove();
  showPile();
  field.focus();
});

function addScan(fields, code) {
  fields.set("code", code);
  fields.set("key", makeKey());
  fields.set("slips", readSlipChoice());
  const line = makeWaitingLine(code);
  log.prepend(line);
  queue.push({ fields, line, tries: 0 });
  showCounts();
  sendQueue();
}

function makeWaitingLine(code) {
  const line = document.createElement("li");
  const now = new Date();
  const shape = document.querySelector("#queue svg").cloneNode(true);
  const parts = ["span", "time", "span", "div", "span"].map((name) => document.createElement(name));
  parts[0].className = parts[1].className = "soft";
  parts[0].append(shape);
  parts[1].textContent = now.toTimeString().slice(0, 8);
  parts[2].className = "code";
  parts[2].textContent = code;
  parts[3].className = "soft";
  parts[3].textContent = log.dataset.waiting;
  line.dataset.outcome = "waiting";
  line.append(...parts);
  return line;
}

async function sendQueue() {
  if (busy) return;
  busy = true;
  while (queue.length > 0 && !signedOut) {
    const scan = queue[0];
    if (!scan.fields.has("request") && !scan.fields.has("after")) scan.fields.set("after", unfinished?.request ?? "");
    scan.fields.set("batches", Object.values(runBatches).join(" "));
    const answer = await sendScan(scan);
    if (answer !== null) {
      queue.shift();
      showAnswer(scan, answer);
    } else if (scan.tries >= MAX_TRIES_WITHOUT_ANSWER) {
      queue.shift();
      showLost(scan);
    }
    showCounts();
  }
  busy = false;
}

// null: there was no answer; what was scanned waits for the next try, under the same key.
async function sendScan(scan) {
  try {
    const response = await fetch(form.dataset.path, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(scan.fields),
      signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
    });
    if (response.headers.get("Content-Type")?.startsWith("application/json")) {
      trouble.hidden = true;
      return await response.json();
    }
    if (response.status === 401 || response.status === 403) {
      signedOut = true;
      showTrouble(trouble.dataset.signedOut);
      return null;
    }
    if (!AWAY.includes(response.status)) {
      scan.tries = MAX_TRIES_WITHOUT_ANSWER; // a fault that another try would meet too
      return null;
    }
  } catch {
    // no network: the same as no answer
  }
  scan.tries += 1;
  showTrouble(trouble.dataset.away);
  const seconds = RETRY_SECONDS[Math.min(scan.tries, RETRY_SECONDS.length) - 1];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return null;
}

// Who has signed in again has a new token; what waits is sent with it.
async function goOnSignedIn() {
  const response = await fetch(form.dataset.path).catch(() => null);
  if (response === null || response.redirected || !response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const token = page.querySelector("#scan input[name=csrf]").value;
  for (const one of document.querySelectorAll("input[name=csrf]")) one.value = token;
  for (const scan of queue) scan.fields.set("csrf", token);
  signedOut = false;
  trouble.hidden = true;
  sendQueue();
}

// --- what is shown --------------------------------------------------------------------------------------------

function showAnswer(scan, answer) {
  const line = parseHtml(answer.line);
  scan.line.replaceWith(line);
  finishPair(answer);
  const last = parseHtml(answer.last);
  const failed = answer.outcome === "failed";
  document.getElementById("last").replaceChildren(last);
  document.getElementById("alarm").textContent = failed ? last.textContent : "";
  if (answer.hand) {
    const hand = parseHtml(answer.hand);
    pile.append(hand);
    if (hand.querySelector("input[name=item]")) unfinished = { request: answer.request, line, hand };
  }
  showPile();
  if (answer.paper) addToRun(answer.paper);
  if (answer.slip) takeSlip(line.querySelector("a.slip-link"), answer.slip);
  counts[answer.outcome] += 1;
  playSound(answer.outcome);
}

// A number and the item that belongs to it are one line, whichever way the item came in.
function finishPair(answer) {
  if (unfinished !== null && answer.request === unfinished.request) {
    unfinished.line.remove();
    unfinished.hand.remove();
    counts.look -= 1;
  }
  unfinished = null;
}

function showLost(scan) {
  pile.append(makeLostHand(scan));
  showPile();
  scan.line.dataset.outcome = "failed";
  scan.line.children[3].textContent = log.dataset.lost;
  scan.line.children[3].className = "is-late";
  counts.failed += 1;
  playSound("failed");
}

// Sent again under the same key, so that it is one scan if the gateway had heard it.
function makeLostHand(scan) {
  const hand = document.getElementById("lost-hand").content.firstElementChild.cloneNode(true);
  hand.querySelector(".code").textContent = scan.line.querySelector(".code").textContent;
  hand.querySelector("[data-repeat]").addEventListener("click", () => {
    hand.remove();
    showPile();
    field.focus();
    counts.failed -= 1;
    const line = makeWaitingLine(hand.querySelector(".code").textContent);
    scan.line.replaceWith(line);
    queue.push({ fields: scan.fields, line, tries: 0 });
    sendQueue();
  });
  return hand;
}

function showCounts() {
  for (const [name, count] of Object.entries(counts)) document.getElementById(`count-${name}`).textContent = count;
  document.getElementById("count-waiting").textContent = queue.length;
}

function showPile() {
  document.getElementById("pile-empty").hidden = pile.children.length > 0;
}

function showTrouble(text) {
  if (trouble.hidden || trouble.textContent !== text) trouble.textContent = text;
  trouble.hidden = false;
}

log.addEventListener("submit", async (event) => {
  if (!event.target.classList.contains("undo")) return;
  event.preventDefault();
  const undo = event.target;
  field.focus();
  const response = await fetch(undo.action, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(new FormData(undo)),
  }).catch(() => null);
  const isDone = response !== null && response.headers.get("Content-Type")?.startsWith("application/json");
  if (!isDone) {
    showTrouble(trouble.dataset.away);
    return;
  }
  const words = document.createElement("span");
  words.className = "soft";
  words.textContent = (await response.json()).text;
  undo.replaceWith(words);
});

// --- slips ----------------------------------------------------------------------------------------------------

function readSlipChoice() {
  return document.querySelector("#slips input:checked")?.value ?? "";
}

document.getElementById("slips")?.addEventListener("change", () => {
  field.focus();
});

// What was done in this run can be printed together, as often as one likes. All of it is one field: a form has few.
function addToRun(request) {
  const run = document.getElementById("print-run");
  if (run === null) return;
  const ids = run.querySelector("input[name=run]");
  const known = ids.value.split(" ");
  if (!known.includes(request)) ids.value = [...known, request].join(" ").trim();
  run.hidden = false;
}

function takeSlip(link, slip) {
  if (!slip.print) return;
  runBatches[slip.kind] = slip.batch;
  const all = document.querySelector(`#run-slips a[data-kind=${slip.kind}]`);
  all.href = all.dataset.root + slip.batch;
  all.hidden = false;
  addSlip(link);
}

// The link of a line prints its slip once more.
log.addEventListener("click", (event) => {
  const link = event.target.closest("a.slip-link");
  if (link === null || link.target !== "" || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  field.focus();
  addSlip(link);
});

function addSlip(link) {
  slips.push(link);
  printSlips();
}

// One after the other, whatever is scanned meanwhile.
async function printSlips() {
  if (isPrinting) return;
  isPrinting = true;
  while (slips.length > 0) {
    const link = slips[0];
    try {
      await printPage(link.href);
    } catch {
      showUnprinted(link); // the page didn't come: signed out, or no network
    }
    slips.shift();
  }
  isPrinting = false;
}

async function printPage(address) {
  const isTyping = document.activeElement === field;
  const next = document.createElement("iframe");
  next.className = "unseen";
  next.title = log.dataset.slip;
  next.tabIndex = -1;
  next.setAttribute("aria-hidden", "true");
  const loaded = new Promise((resolve) => next.addEventListener("load", resolve, { once: true }));
  next.src = address;
  frame?.remove();
  frame = next;
  document.body.append(frame);
  await loaded;
  const page = frame.contentWindow;
  if (page.document.querySelector(".slip") === null) throw new Error("no slip");
  let isOpen = false;
  page.addEventListener("beforeprint", () => (isOpen = true));
  const printed = new Promise((resolve) => page.addEventListener("afterprint", resolve, { once: true }));
  page.print();
  if (isOpen) await printed;
  if (isTyping) field.focus();
}

function showUnprinted(link) {
  link.textContent = log.dataset.slipFailed;
  link.target = "_blank";
  link.classList.add("is-late");
  playSound("failed");
}

// --- the field keeps the focus --------------------------------------------------------------------------------

function isElsewhere(element) {
  return element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select") && element !== field;
}

document.addEventListener("keydown", (event) => {
  if (event.key === "F2") {
    event.preventDefault();
    field.focus();
    if (signedOut) goOnSignedIn();
    return;
  }
  const isTyping = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && event.key !== " ";
  if (isTyping && !isElsewhere(document.activeElement)) field.focus();
});

function showReadiness() {
  const ready = document.hasFocus() && !isElsewhere(document.activeElement);
  document.getElementById("ready").hidden = !ready;
  document.getElementById("not-ready").hidden = ready;
}
for (const name of ["focusin", "focusout"]) document.addEventListener(name, () => setTimeout(showReadiness));
window.addEventListener("blur", showReadiness);
window.addEventListener("focus", () => {
  if (!isElsewhere(document.activeElement)) field.focus();
  showReadiness();
});
window.addEventListener("beforeunload", (event) => {
  if (queue.length > 0 || slips.length > 0) event.preventDefault();
});

// --- sounds ---------------------------------------------------------------------------------------------------

const TONES = { done: [[880, 0.08]], look: [[660, 0.1], [880, 0.12]], failed: [[220, 0.18], [165, 0.3]] };

function wakeSounds() {
  if (document.getElementById("sound").checked) sounds ??= new AudioContext();
}

function playSound(outcome) {
  if (sounds === null || !document.getElementById("sound").checked) return;
  let at = sounds.currentTime;
  for (const [pitch, seconds] of TONES[outcome]) {
    const tone = new OscillatorNode(sounds, { frequency: pitch });
    const volume = new GainNode(sounds, { gain: 0.2 });
    tone.connect(volume).connect(sounds.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
}

document.getElementById("queue").hidden = false;
for (const name of Object.keys(counts)) counts[name] = Number(document.getElementById(`count-${name}`).textContent);
for (const code of early.filter((one) => one.trim() !== "")) addScan(new FormData(form), code.trim());
showReadiness();
