// Requests that come onto the list while it is looked at are told by a line on top: nothing moves under the pointer, and
// who wants to see them follows its link. The list is read again when the counts of the work queue have changed.

import { listenToCounts } from "./live.js";

const PAUSE_MS = 5_000;
const news = document.getElementById("news");
const list = document.getElementById("list");
const number = new Intl.NumberFormat(document.documentElement.lang);
let waiting = false;

const listIds = (place) => [...place.querySelectorAll("[data-request]")].map((row) => row.dataset.request);

/** Of a list of several pages only how many there are can be compared: rows move on from the next page. */
function countNew(now) {
  if (now.dataset.more || list.dataset.more) return Number(now.dataset.total) - Number(list.dataset.total);
  const shown = new Set(listIds(list));
  return listIds(now).filter((id) => !shown.has(id)).length;
}

async function look() {
  waiting = false;
  let answer;
  try {
    answer = await fetch(news.dataset.path);
  } catch {
    return; // the network is away: the next change may be told
  }
  if (!answer.ok) return;
  const now = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("list");
  const count = now === null ? 0 : countNew(now);
  news.hidden = !(count > 0);
  news.querySelector("a").textContent = news.dataset.text.replace("{number}", number.format(count));
}

if (news !== null) {
  listenToCounts(() => {
    if (waiting || document.hidden) return;
    waiting = true;
    setTimeout(look, PAUSE_MS);
  });
}
