// Says every 20 seconds that this request is open, as long as somebody looks at it, and shows who else has it open.
// The line is there from the start, so nothing moves when its words come and go.

const PAUSE_MS = 20_000;
const line = document.getElementById("readers");

async function showReaders() {
  if (document.hidden) return;
  let answer;
  try {
    answer = await fetch(line.dataset.path, { headers: { Accept: "application/json" } });
  } catch {
    return; // the network is away: the next time may be better
  }
  if (!answer.ok) return;
  const { text } = await answer.json();
  if (line.textContent !== text) line.textContent = text;
}

showReaders();
setInterval(showReaders, PAUSE_MS);
document.addEventListener("visibilitychange", showReaders);
