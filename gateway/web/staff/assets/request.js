// Says every 20 seconds that this request is open, as long as somebody looks at it, and shows who else has it open.
// The line is there from the start, so nothing moves when its words come and go.

const PAUSE_MS = 20_000;
const line = document.getElementById("readers");
let timer = 0;

async function showReaders() {
  if (document.hidden) return;
  let answer;
  try {
    answer = await fetch(line.dataset.path, { headers: { Accept: "application/json" } });
  } catch {
    return; // the network is away: the next time may be better
  }
  if (answer.status === 401) {
    stopAsking();
    line.textContent = line.dataset.signedOut;
    return;
  }
  if (!answer.ok || !timer) return; // one that was asked before the session ended may be late
  const { text } = await answer.json();
  if (line.textContent !== text) line.textContent = text;
}

// The session has ended: nothing that is sent from here counts until somebody signs in again.
function stopAsking() {
  clearInterval(timer);
  timer = 0;
  document.removeEventListener("visibilitychange", showReaders);
}

timer = setInterval(showReaders, PAUSE_MS);
showReaders();
document.addEventListener("visibilitychange", showReaders);
