// What is on the lists, as it changes. One stream serves all windows of a browser: the window that holds the lock has it
// and tells the others (over HTTP/1.1 a browser has six connections to a host, and each stream would keep one).
// Where there are no locks or no streams, each window asks every 30 seconds while somebody looks at it.

const ROOT = document.body.dataset.root; // of one library: windows of another have a stream of their own
const STREAM = `${ROOT}/live`;
const COUNTS = `${ROOT}/live/counts`;
const PAUSE_MS = 30_000;
const CHANNEL = `illgate-live ${ROOT}`;

/** Calls `show` with {lists, desks} each time that these have changed. */
export function listenToCounts(show) {
  if (!("locks" in navigator) || !("BroadcastChannel" in window) || !("EventSource" in window)) {
    askAgain(show);
    return;
  }
  const channel = new BroadcastChannel(CHANNEL);
  channel.addEventListener("message", (event) => show(event.data));
  navigator.locks.request(CHANNEL, () => new Promise((release) => holdStream(show, channel, release)));
}

/** Until the stream is refused for good; then this window asks, and another one may try. */
function holdStream(show, channel, release) {
  const stream = new EventSource(STREAM);
  stream.addEventListener("counts", (event) => {
    const counts = JSON.parse(event.data);
    show(counts);
    channel.postMessage(counts);
  });
  stream.addEventListener("error", () => {
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    askAgain((counts) => {
      show(counts);
      channel.postMessage(counts);
    }).then(release);
  });
}

/** Resolves when nobody is signed in any more. */
async function askAgain(show) {
  for (;;) {
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
    if (document.hidden) continue;
    let answer;
    try {
      answer = await fetch(COUNTS, { headers: { Accept: "application/json" } });
    } catch {
      continue; // the network is away: the next time may be better
    }
    if (answer.status === 401 || answer.status === 403) return;
    if (answer.ok) show(await answer.json());
  }
}
