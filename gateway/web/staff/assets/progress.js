// A job goes on while somebody looks at it. Without this file the page has to be loaded again.

const PAUSE_MS = 2_000;

async function follow() {
  for (;;) {
    const shown = document.getElementById("progress");
    if (shown === null || !("running" in shown.dataset)) return;
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    if (document.hidden || shown.contains(document.activeElement)) continue;
    let answer;
    try {
      answer = await fetch(location.href);
    } catch {
      continue; // the network is away: the next time may be better
    }
    if (answer.status === 403 || answer.redirected) return;
    if (!answer.ok) continue;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const newer = page.getElementById("progress");
    if (newer !== null) shown.replaceWith(document.importNode(newer, true));
  }
}

follow();
