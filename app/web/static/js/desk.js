// The item beside the list: opened, completed and followed by the next one without leaving the inbox.
// Without it, or on a narrow screen, every link leads to the item's own page.
"use strict";

const desk = document.getElementById("desk");
const pane = document.getElementById("pane");
const wide = window.matchMedia("(min-width: 1200px)");
const deskSaid = document.getElementById("desk-said");
// What this page claims is no news to it.
const ownClaims = new Set();

const itemRows = () => Array.from(desk.querySelectorAll("tbody tr[data-item]"));
const rowOf = (id) => itemRows().find((row) => row.dataset.item === String(id));
const openedId = () => pane.querySelector("[data-opened]")?.dataset.opened;
const isLeft = (row) => !row.dataset.gone;

function firstField() {
  const asked = pane.querySelector(".faults") || pane.querySelector("#answers .field:not([hidden]) :is(input:not([type=hidden], [type=file], .narrowing), select, textarea)");
  return asked || pane;
}

function showPane(html, { focus = true } = {}) {
  pane.innerHTML = html;
  desk.classList.add("opened");
  pane.scrollTop = 0;
  pane.dispatchEvent(new Event("pane-shown", { bubbles: true }));
  mark();
  if (focus) firstField().focus({ preventScroll: false });
}

function mark() {
  const id = openedId();
  for (const row of itemRows()) {
    row.toggleAttribute("aria-selected", false);
    if (row.dataset.item === id) row.setAttribute("aria-selected", "true");
  }
  rowOf(id)?.scrollIntoView({ block: "nearest" });
}

function addressWith(id) {
  const address = new URL(location.href);
  address.searchParams.delete("begin");
  if (id) address.searchParams.set("item", id);
  else address.searchParams.delete("item");
  return address.pathname + address.search;
}

function inPane(address) {
  const url = new URL(address, location.href);
  url.searchParams.set("pane", "1");
  return url.href;
}

async function openItem(row, push = true) {
  let answer;
  try {
    answer = await fetch(inPane(row.dataset.open));
  } catch {
    say(desk.dataset.lost, { stays: true });
    return;
  }
  // A session that ended, or a page of another kind: let the browser go there.
  if (answer.redirected) { location.assign(row.dataset.open); return; }
  showPane(await answer.text());
  if (push) history.pushState({ item: row.dataset.item }, "", addressWith(row.dataset.item));
}

// What was done is said for a moment; what went wrong stays until something else is said.
const MOMENT_MS = 8_000;
let fading = 0;
function say(text, { stays = false } = {}) {
  clearTimeout(fading);
  deskSaid.textContent = text;
  deskSaid.classList.toggle("visually-hidden", !text);
  if (text && !stays) fading = setTimeout(say, MOMENT_MS, "");
}

// The row that comes after one: below it, else the first that is left.
function nextRow(row) {
  const all = itemRows();
  const at = all.indexOf(row);
  return all.slice(at + 1).find(isLeft) || all.slice(0, Math.max(at, 0)).find(isLeft) || null;
}

function closePane() {
  pane.replaceChildren();
  desk.classList.remove("opened");
  history.pushState({}, "", addressWith(null));
}

async function leave(id, text) {
  const row = rowOf(id);
  const next = row ? nextRow(row) : null;
  row?.remove();
  forget(id);
  say(text);
  if (next) {
    countAgain();
    await openItem(next);
    return;
  }
  // The list is empty: what the database has by now, with focus in its first item.
  const address = new URL(addressWith(null), location.href);
  address.searchParams.delete("after");
  address.searchParams.set("begin", "1");
  location.assign(address.href);
}

function forget(id) {
  localStorage.removeItem(`jingwei-draft:${desk.dataset.person}:${id}`);
}

// One mark a row: the latest news of it. live.js marks by it too.
function markRow(row, text, look = "tag warn") {
  const cell = row.cells[row.cells.length - 1];
  let said = cell.querySelector(".told");
  if (!said) {
    said = document.createElement("span");
    cell.prepend(said);
  }
  said.className = `${look} told`;
  said.textContent = text;
  return said;
}

function markGone(row, text) {
  row.dataset.gone = "1";
  markRow(row, text);
}

// What was taken or done shows in the tabs at once; without an answer they stay as they are.
async function countAgain() {
  const tabs = document.getElementById("desk-tabs");
  try {
    const answer = await fetch(tabs.dataset.counts, { headers: { Accept: "application/json" } });
    if (!answer.ok || answer.redirected) return;
    const counts = await answer.json();
    for (const place of tabs.querySelectorAll("[data-tab]")) place.textContent = counts[place.dataset.tab];
  } catch {
    // The page itself says when the connection is lost.
  }
}

// Not form.action: a button of that name stands before it.
const actionOf = (form) => form.getAttribute("action");

async function send(form, button) {
  const body = new FormData(form, button);
  const claimed = /\/items\/(\d+)\/claim$/.exec(actionOf(form));
  if (claimed) ownClaims.add(claimed[1]);
  let answer;
  try {
    answer = await fetch(inPane(actionOf(form)), { method: "POST", body, headers: { Accept: "text/html, application/json;q=0.5" } });
  } catch {
    say(desk.dataset.lost, { stays: true });
    return;
  } finally {
    delete form.dataset.sent;
  }
  if (answer.redirected) { location.assign(answer.url); return; }
  if (answer.headers.get("Content-Type")?.startsWith("application/json")) {
    const told = await answer.json();
    await leave(told.left, told.said);
    return;
  }
  const text = await answer.text();
  // A page of its own, such as "this page has expired": what was typed must not go with it.
  if (/^\s*<!doctype/i.test(text)) {
    const page = new DOMParser().parseFromString(text, "text/html");
    say(page.querySelector("main")?.innerText.trim() || String(answer.status), { stays: true });
    deskSaid.setAttribute("tabindex", "-1");
    deskSaid.focus();
    return;
  }
  showPane(text, { focus: true });
  const row = rowOf(openedId());
  if (answer.status === 409 || answer.status === 403) {
    if (row) markGone(row, desk.dataset.taken);
    pane.focus();
  } else if (row && actionOf(form).endsWith("/claim")) {
    say(desk.dataset.mine);
    // In the place of the button that is of no more use, so that no row grows.
    row.querySelector("form")?.replaceWith(markRow(row, desk.dataset.mine, "tag"));
    countAgain();
  }
}

desk.addEventListener("submit", (event) => {
  const form = event.target;
  const ofPane = pane.contains(form);
  const claims = actionOf(form).endsWith("/claim");
  if (!ofPane && !(claims && wide.matches)) return;
  if (event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.sending) return;
  form.dataset.sending = "1";
  send(form, event.submitter).finally(() => { delete form.dataset.sending; });
});

desk.addEventListener("click", (event) => {
  if (!wide.matches || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const link = event.target.closest("tr[data-item] a[data-key=e], tr[data-item] a[data-open-item]");
  if (!link) return;
  event.preventDefault();
  openItem(link.closest("tr"));
});

const writes = (target) => target.closest("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])") !== null;

function currentRow() {
  return itemRows().find((row) => row.contains(document.activeElement)) || rowOf(openedId());
}

function step(by) {
  const all = Array.from(desk.querySelectorAll("tbody tr"));
  if (all.length === 0) return;
  const at = all.indexOf(currentRow());
  const row = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  row.querySelector("a")?.focus();
  row.scrollIntoView({ block: "nearest" });
}

function submitOpened() {
  const button = pane.querySelector("#answers button.primary");
  if (!button) return false;
  button.form.requestSubmit(button);
  return true;
}

// 1 to 9 choose an answer of the first question that has choices to tick.
function choose(number) {
  const here = document.activeElement.closest("#answers fieldset") || pane.querySelector("#answers .field:not([hidden]) fieldset");
  const choice = here?.querySelectorAll("input[type=radio], input[type=checkbox]")[number - 1];
  if (!choice) return false;
  choice.focus();
  choice.click();
  return true;
}

function ofList(key, row) {
  if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (key === "Enter" && row && !pane.contains(document.activeElement) && document.activeElement.matches("a[data-open-item]")) openItem(row);
  else return false;
  return true;
}

function ofItem(key, row) {
  if (/^[1-9]$/.test(key)) return choose(Number(key));
  if (key === "c") {
    const button = (row && !pane.contains(document.activeElement) ? row : pane).querySelector("[data-key=c]");
    if (button) button.form.requestSubmit(button);
    return Boolean(button);
  }
  if (key === "n") {
    const next = row ? nextRow(row) : itemRows().find(isLeft);
    if (next) openItem(next);
    return Boolean(next);
  }
  if (key !== "e") return false;
  const focused = itemRows().find((one) => one.contains(document.activeElement));
  if (focused && focused.dataset.item !== openedId()) {
    openItem(focused);
    return true;
  }
  return submitOpened();
}

// Before the keys of every page: on the desk a radio button is no place where one types.
document.addEventListener("keydown", (event) => {
  if (!wide.matches || document.querySelector("dialog[open]")) return;
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && pane.contains(event.target)) {
    if (submitOpened()) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || writes(event.target)) return;
  const row = currentRow();
  if (!ofList(event.key, row) && !ofItem(event.key, row)) return;
  event.preventDefault();
  event.stopPropagation();
}, true);

window.addEventListener("popstate", () => {
  const id = new URL(location.href).searchParams.get("item");
  const row = id && rowOf(id);
  if (row) openItem(row, false);
  else if (!id) {
    pane.replaceChildren();
    desk.classList.remove("opened");
  } else location.reload();
});

function begin() {
  const asked = new URL(location.href).searchParams;
  // Handed in on the item's own page, which led here.
  const sent = sessionStorage.getItem("jingwei-sent");
  if (sent && document.querySelector(".flash.success")) localStorage.removeItem(sent);
  sessionStorage.removeItem("jingwei-sent");
  if (!wide.matches) {
    // The pane has no room here; the item has a page of its own.
    if (openedId() && asked.get("item")) location.replace(`/items/${openedId()}`);
    return;
  }
  if (openedId()) {
    mark();
    firstField().focus();
  } else if (asked.has("begin")) {
    const first = itemRows().find(isLeft);
    if (first) openItem(first);
  }
}

begin();
