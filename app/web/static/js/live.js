// What others do while the inbox is open: counted in a line above it, marked in its rows. The list stays put.
"use strict";

const livePlace = document.getElementById("desk");
const news = document.getElementById("desk-news");
const told = { new: new Set(), mine: new Set(), taken: new Set(), gone: new Set(), red: new Set() };
const AGAIN_MS = 60_000;
let source = null;

function markChange({ kind, item, who }) {
  const row = livePlace.querySelector(`tr[data-item="${Number(item)}"]`);
  const text = { taken: livePlace.dataset.rowTaken, gone: livePlace.dataset.rowGone, red: livePlace.dataset.rowRed }[kind];
  if (!row || !text) return;
  const said = text.replace("{who}", who || livePlace.dataset.someone);
  // Both are of desk.js, which stands before this on the page.
  if (kind === "red") markRow(row, said);
  else markGone(row, said);
}

function hear(event) {
  const change = JSON.parse(event.data);
  if (!told[change.kind] || (change.kind === "mine" && ownClaims.has(String(change.item)))) return;
  told[change.kind].add(change.item);
  markChange(change);
  const words = { new: "newsNew", mine: "newsMine", taken: "newsTaken", gone: "newsGone", red: "newsRed" };
  const parts = Object.entries(told).filter(([, items]) => items.size > 0);
  news.firstElementChild.textContent = parts.map(([kind, items]) => livePlace.dataset[words[kind]].replace("{n}", items.size)).join(" · ");
  news.hidden = false;
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(livePlace.dataset.events);
  source.addEventListener("message", hear);
  // The browser reconnects by itself unless it was refused: as many as may listen do.
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return;
    source = null;
    setTimeout(listen, AGAIN_MS);
  });
}

if (livePlace.dataset.events) {
  listen();
  // A page nobody looks at holds no thread of the server.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) listen();
    else if (source) {
      source.close();
      source = null;
    }
  });
}
