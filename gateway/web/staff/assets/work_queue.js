// Numbers and ages of the work queue stay true while it is open. What wasn't there when the page was made is told by a
// line on top: nothing moves under the pointer.

import { listenToCounts } from "./live.js";

const news = document.getElementById("news");

listenToCounts(({ lists, desks }) => {
  const rows = new Map([...document.querySelectorAll("[data-task]")].map((row) => [row.dataset.task, row]));
  for (const [name, row] of rows) {
    const now = lists[name] ?? { count: "0", age: "", late: false };
    row.querySelector("[data-count]").textContent = now.count;
    row.querySelector("[data-age]").textContent = now.age;
    row.querySelector("[data-late]").hidden = !now.late;
  }
  for (const total of document.querySelectorAll("[data-desk]")) {
    total.textContent = desks[total.dataset.desk] ?? "";
  }
  if (Object.keys(lists).some((name) => !rows.has(name))) news.hidden = false;
});
