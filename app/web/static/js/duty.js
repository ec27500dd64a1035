// The page of flood staff: each request has a key and a place of its own, and waits on the phone while the line is down.
"use strict";

const page = document.querySelector(".phone");
const said = document.getElementById("position-said");
const waitingPart = document.getElementById("waiting");
// While somebody is on duty their place is told this often.
const LIVE_MS = 60000;
const AGAIN_MS = 15000;
const STORE = "requests";
const POSITION = ["lon", "lat", "accuracy"];
// What a page does by itself is nothing that its person did.
const BY_ITSELF = { "X-By-Itself": "1" };

function fresh(form) {
  const key = form.elements.namedItem("key");
  if (key && window.crypto.randomUUID) key.value = window.crypto.randomUUID();
}

// form.reset() leaves hidden fields as they are: the next step is done somewhere else.
function forgetPlace(form) {
  for (const name of POSITION) {
    const field = form.elements.namedItem(name);
    if (field) field.value = "";
  }
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
// One that the server refused stays there with its words, until its person has seen to it.
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
      // A full phone aborts.
      transaction.onabort = () => reject(transaction.error);
    });
  } finally { database.close(); }
}

const keep = (request) => inStore("readwrite", (store) => store.put(request));
const kept = () => inStore("readonly", (store) => store.getAll());
const drop = (id) => inStore("readwrite", (store) => store.delete(id));
const waits = ({ refused }) => !refused;

// A phone may be shared: what one person did is never sent in the name of another. A browser that keeps nothing has
// nothing that waits.
async function own() {
  try { return (await kept()).filter(({ person }) => person === page.dataset.person); } catch { return []; }
}

function bodyOf(request) {
  const body = new FormData();
  for (const [name, value] of request.entries) body.append(name, value);
  // Whoever did it has gone on since, and cannot be asked again.
  body.append("kept", "1");
  return body;
}

function signedOut() { document.getElementById("signed-out").hidden = false; }

// A page that was open for hours holds a token that has run out: the page is asked for a new one. Null where nobody is
// signed in, or somebody else by now.
async function newToken() {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html", ...BY_ITSELF } });
  if (!answer.ok) return null;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (found.querySelector(".phone")?.dataset.person !== page.dataset.person) { signedOut(); return null; }
  const token = found.querySelector("input[name=csrf_token]").value;
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
  return token;
}

async function postOnce(action, body, headers) {
  const answer = await fetch(action, { method: "POST", body, headers: { Accept: "application/json", ...headers } });
  let told = {};
  try { told = await answer.json(); } catch { /* An error of a server in between is no JSON. */ }
  if (answer.status === 401) signedOut();
  return { status: answer.status, done: answer.ok && !answer.redirected, told };
}

async function post(action, body, headers = {}) {
  body.set("person", page.dataset.person);
  body.set("csrf_token", document.querySelector(".phone input[name=csrf_token]").value);
  const answer = await postOnce(action, body, headers);
  if (answer.told.code !== "csrf") return answer;
  const token = await newToken();
  if (token === null) return answer;
  body.set("csrf_token", token);
  return postOnce(action, body, headers);
}

// What is refused however often it is asked. A session or a token that ran out is not, nor a server in trouble.
const isRefused = ({ status, told }) => status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status) && told.code !== "csrf";

function wordsOf({ status, told }) {
  const faults = Object.values(told.fields ?? told.errors ?? {});
  return faults.length ? faults.flat().join(" ") : told.message ?? String(status);
}

const forms = () => Array.from(document.querySelectorAll(".phone form"));

// What can be done once only is not offered again while it waits, nor when it is done and the page not yet loaded anew.
function markQueued(requests) {
  const queued = new Set(requests.filter(waits).map(({ action }) => action));
  for (const form of forms().filter((one) => "once" in one.dataset)) {
    const button = form.querySelector("button");
    const said = queued.has(form.action) ? page.dataset.queued : done.has(form.action) ? page.dataset.done : null;
    button.dataset.usual ??= button.textContent;
    button.disabled = said !== null || "busy" in form.dataset;
    button.textContent = said ?? button.dataset.usual;
  }
}

const isTyped = (form) => Array.from(form.querySelectorAll("textarea, input[type=file]")).some(({ value }) => value);

// What was done, while the page still shows what was before it.
const done = new Set();

// Loading the page again would end what another form is doing and take away what is being typed: then it comes later.
// Return whether it is being loaded.
function reload() {
  if (done.size === 0 || forms().some((form) => "busy" in form.dataset || isTyped(form))) return false;
  location.reload();
  return true;
}

const textsOf = ({ entries }) => entries.filter(([name, value]) => ["text", "opinion"].includes(name) && value).map(([, value]) => value);

// The form that a request was made with, if what was typed can be typed there again.
function formOf(request) {
  const given = new Map(request.entries);
  const alike = (field) => field.type !== "hidden" || ["key", "csrf_token", ...POSITION].includes(field.name) || given.get(field.name) === field.value;
  return forms().find((form) => (
    form.action === request.action && form.querySelector("textarea") && Array.from(form.elements).every(alike)
  ));
}

// It stays kept until the form is handed in.
function putBack(request, form) {
  if (isTyped(form)) {
    say(page.dataset.occupied);
    return;
  }
  for (const [name, value] of request.entries) {
    const field = form.elements.namedItem(name);
    if (!field || field.type === "hidden") continue;
    if (!(value instanceof File)) field.value = value;
    else if (value.size > 0) {
      const files = new DataTransfer();
      files.items.add(value);
      field.files = files.files;
    }
  }
  form.dataset.from = request.id;
  form.closest("details")?.setAttribute("open", "");
  form.querySelector("textarea").focus();
}

function lineOf(request) {
  const line = document.getElementById("kept").content.cloneNode(true);
  line.querySelector("strong").textContent = request.what;
  line.querySelector(".fault").textContent = request.refused ?? "";
  line.querySelector(".hint").textContent = textsOf(request).join("\n");
  const form = request.refused && formOf(request);
  const back = line.querySelector("[data-back]");
  back.hidden = !form;
  back.addEventListener("click", () => putBack(request, form));
  const away = line.querySelector("[data-drop]");
  away.hidden = request.id === underWay;
  away.addEventListener("click", async () => {
    if (!window.confirm(page.dataset.sure.replace("{what}", request.what))) return;
    await drop(request.id);
    await showWaiting();
  });
  return line;
}

let listed = "";
// Of the request that is being sent.
let underWay = null;

async function showWaiting() {
  const requests = await own();
  const count = requests.filter(waits).length;
  const refused = requests.length - count;
  const parts = [count && page.dataset.waiting.replace("{n}", String(count)), refused && page.dataset.refused.replace("{n}", String(refused))];
  waitingPart.hidden = requests.length === 0;
  waitingPart.querySelector("span").textContent = parts.filter(Boolean).join("\n");
  waitingPart.querySelector("button").hidden = count === 0;
  // A finger may be on a button of it: it is drawn anew only when it is another.
  const now = requests.map(({ id, refused: words }) => `${id} ${words} ${id === underWay}`).join();
  if (now !== listed) waitingPart.querySelector("ul").replaceChildren(...requests.map(lineOf));
  listed = now;
  markQueued(requests);
  return count;
}

// In the order they were made; each is dropped only once the server has done it. What its person deletes meanwhile is
// not sent: the store is asked for each.
async function sendKept() {
  if (underWay !== null) return;
  underWay = 0;
  try {
    let request;
    while ((request = (await own()).find(waits))) {
      underWay = request.id;
      await showWaiting();
      const answer = await post(request.action, bodyOf(request));
      if (answer.done) {
        await drop(request.id);
        done.add(request.action);
      } else if (isRefused(answer)) await keep({ ...request, refused: wordsOf(answer) });
      else return;
    }
  } catch { /* The line is still down: they are tried again. */ } finally {
    underWay = null;
    if (!reload()) await showWaiting();
  }
}

function say(words) {
  said.textContent = words;
  said.scrollIntoView({ block: "nearest" });
}

function cleared(form) {
  said.textContent = "";
  delete form.dataset.from;
  form.reset();
  forgetPlace(form);
  fresh(form);
}

// Hand a form in; what it was filled from is then no longer kept.
async function hand(form, button) {
  const body = new FormData(form);
  const from = Number(form.dataset.from ?? 0);
  try {
    // Behind what waits already, or orders would be done before they are taken.
    if (!(await own()).some(waits)) {
      const answer = await post(form.action, body);
      if (answer.done) {
        done.add(form.action);
        cleared(form);
        if (from) await drop(from);
        return;
      }
      if (isRefused(answer)) {
        say(wordsOf(answer));
        if (answer.status === 409) fresh(form);
        forgetPlace(form);
        return;
      }
    }
  } catch { /* The line is down. */ }
  try {
    await keep({ person: page.dataset.person, action: form.action, entries: [...body.entries()], what: button.textContent.trim() });
  } catch {
    // What was typed stays, and its key: sent again it is the same request.
    say(page.dataset.unkept);
    return;
  }
  cleared(form);
  if (from) await drop(from);
}

for (const form of forms()) {
  // The key is of what is in the form now: sent again as it is, it is the same request.
  form.addEventListener("change", () => fresh(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    form.dataset.busy = "";
    // What is typed now would be taken for what was sent.
    form.inert = true;
    const free = async () => {
      form.inert = false;
      delete form.dataset.busy;
      if (reload()) return;
      button.disabled = false;
      await showWaiting();
    };
    const go = () => hand(form, button).finally(free);
    const needs = "position" in form.dataset && !form.elements.namedItem("lon").value;
    if (!needs) { go(); return; }
    located(form, go, () => {
      if (form.dataset.position === "optional") { go(); return; }
      say(page.dataset.failed);
      free();
    });
  });
}

// The shell says that forms must be sent again: here they are kept.
document.getElementById("offline").textContent = page.dataset.offline;

waitingPart.querySelector("button").addEventListener("click", sendKept);
window.addEventListener("online", sendKept);
window.setInterval(sendKept, AGAIN_MS);
// What was typed may have been taken away again.
page.addEventListener("focusout", reload);
showWaiting().then((count) => { if (count) sendKept(); });

const live = document.querySelector("form[data-live]");
if (live) {
  window.setInterval(() => {
    located(live, () => {
      fresh(live);
      post(live.action, new FormData(live), BY_ITSELF).catch(() => {});
      forgetPlace(live);
    }, () => {});
  }, LIVE_MS);
}
