// Keys on lists, and a notice when the connection is lost. Pages work without it.
"use strict";

const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

const rows = () => Array.from(document.querySelectorAll("table[data-keys] tbody tr"));

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  const link = next.querySelector("a, button");
  if (link) link.focus();
}

function press(key) {
  const row = rows().find((one) => one.contains(document.activeElement));
  const target = (row || document).querySelector(`[data-key="${key}"]`);
  if (target) target.click();
  return target !== null;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "?") document.getElementById("keys").showModal();
  else if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (!search) return;
    search.focus();
    search.select();
  } else if (!/^[a-z]$/.test(event.key) || !press(event.key)) return;
  event.preventDefault();
});

const offline = document.getElementById("offline");
const showConnection = () => { offline.hidden = navigator.onLine; };
window.addEventListener("offline", showConnection);
window.addEventListener("online", showConnection);
showConnection();

// A part that renews itself is refused once nobody is signed in: what it showed stays, and its age is said.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful) document.getElementById("signed-out").hidden = true;
  else if (detail.xhr?.status === 401) document.getElementById("signed-out").hidden = false;
});

// A second click must not send the form twice; the server would refuse it, the clerk would worry.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.dataset.sent) event.preventDefault();
  else form.dataset.sent = "1";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

const faults = document.getElementById("faults");
if (faults) faults.focus();
