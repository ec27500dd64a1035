// The page of flood staff: each request has a key and a place of its own, and waits on the phone while the line is down.
"use strict";

const page = document.querySelector(".phone");
const said = document.getElementById("position-said");
const waitingLine = document.getElementById("waiting");
// While somebody is on duty their place is told this often.
const LIVE_MS = 60000;
const AGAIN_MS = 15000;
const STORE = "requests";

function fresh(form) {
  const key = form.elements.namedItem("key");
  if (key && window.crypto.randomUUID) key.value = window.crypto.randomUUID();
}

function located(form, then, failed) {
  if (!("geolocation" in navigator)) { failed(); return; }
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => {
      form.elements.namedItem("lon").value = coords.longitude.toFixed(6);
      form.elements.namedItem("lat").value = coords.latitude.toFixed(6);
      form.elements.namedItem("accuracy").value = coords.accuracy.toFixed(1);
      then();
    },
    failed,
    { enableHighAccuracy: true, timeout: 15000, maximumAge: 10000 },
  );
}

// What could not be sent is kept in the browser's own database: it outlives a closed page, photos included.
function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open("jingwei-duty", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

async function inStore(mode, act) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const asked = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onerror = () => reject(transaction.error);
    });
  } finally { database.close(); }
}

const keep = (request) => inStore("readwrite", (store) => store.add(request));
const kept = () => inStore("readonly", (store) => store.getAll());
// A phone may be shared: what one person did is never sent in the name of another.
const own = async () => (await kept()).filter(({ person }) => person === page.dataset.person);
const drop = (id) => inStore("readwrite", (store) => store.delete(id));

function bodyOf(request, token) {
  const body = new FormData();
  for (const [name, value] of request.entries) body.append(name, name === "csrf_token" ? token : value);
  return body;
}

// A page that was open for hours holds a token that has run out: the page is asked for a new one.
async function currentToken() {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return null;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  return found.querySelector("input[name=csrf_token]")?.value ?? null;
}

function post(action, body) {
  return fetch(action, { method: "POST", body, headers: { Accept: "application/json" } });
}

async function told(answer) {
  try {
    const body = await answer.json();
    const faults = Object.values(body.fields ?? body.errors ?? {});
    return faults.length ? faults.flat().join(" ") : body.message ?? String(answer.status);
  } catch { return String(answer.status); }
}

// What can be done once only is not offered again while it waits.
function markQueued(requests) {
  const queued = new Set(requests.map(({ action }) => action));
  for (const form of document.querySelectorAll(".phone form[data-once]")) {
    const button = form.querySelector("button");
    button.dataset.usual ??= button.textContent;
    button.disabled = queued.has(form.action);
    button.textContent = button.disabled ? page.dataset.queued : button.dataset.usual;
  }
}

async function showWaiting() {
  const requests = await own();
  const count = requests.length;
  waitingLine.hidden = count === 0;
  waitingLine.querySelector("span").textContent = page.dataset.waiting.replace("{n}", String(count));
  markQueued(requests);
  return count;
}

let sending = false;

// What the server has done, or will never do however often it is asked. Anything else is tried again: nothing is lost
// because a session ran out.
const answered = (answer) => !answer.redirected && (answer.ok || [404, 409, 413, 422].includes(answer.status));

// In the order they were made; each is dropped only once the server has answered it.
async function sendKept() {
  if (sending) return;
  sending = true;
  try {
    const requests = await own();
    if (requests.length === 0) return;
    const token = await currentToken();
    if (token === null) return;
    let sent = 0;
    for (const request of requests) {
      const answer = await post(request.action, bodyOf(request, token));
      if (!answered(answer)) break;
      await drop(request.id);
      if (answer.ok) sent += 1;
      else said.textContent = `${request.what}：${await told(answer)}`;
    }
    if ((await showWaiting()) === 0 && sent === requests.length) location.reload();
  } catch { /* The line is still down: they are tried again. */ } finally {
    sending = false;
    await showWaiting();
  }
}

async function hand(form, button) {
  const body = new FormData(form);
  try {
    // Behind what waits already, or orders would be done before they are taken.
    if ((await own()).length > 0) throw new TypeError("behind others");
    const answer = await post(form.action, body);
    if (!answered(answer)) throw new TypeError(String(answer.status));
    if (answer.ok) { location.reload(); return; }
    said.textContent = await told(answer);
    said.scrollIntoView({ block: "nearest" });
    if (answer.status === 409) fresh(form);
    button.disabled = false;
  } catch {
    await keep({ person: page.dataset.person, action: form.action, entries: [...body.entries()], what: button.textContent.trim() });
    button.disabled = false;
    await showWaiting();
    form.reset();
    fresh(form);
  }
}

for (const form of document.querySelectorAll(".phone form")) {
  // The key is of what is in the form now: sent again as it is, it is the same request.
  form.addEventListener("change", () => fresh(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    const needs = "position" in form.dataset && !form.elements.namedItem("lon").value;
    if (!needs) { hand(form, button); return; }
    located(form, () => hand(form, button), () => {
      if (form.dataset.position === "optional") { hand(form, button); return; }
      said.textContent = page.dataset.failed;
      button.disabled = false;
    });
  });
}

// The shell says that forms must be sent again: here they are kept.
document.getElementById("offline").textContent = page.dataset.offline;

if (waitingLine) {
  waitingLine.querySelector("button").addEventListener("click", sendKept);
  window.addEventListener("online", sendKept);
  window.setInterval(sendKept, AGAIN_MS);
  showWaiting().then((count) => { if (count) sendKept(); });
}

const live = document.querySelector("form[data-live]");
if (live) {
  window.setInterval(() => {
    located(live, () => {
      fresh(live);
      post(live.action, new FormData(live)).catch(() => {});
      live.elements.namedItem("lon").value = "";
    }, () => {});
  }, LIVE_MS);
}
