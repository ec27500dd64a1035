// A work item's form: options that follow a choice, drafts. Which questions depend on others is in questions.js.
"use strict";

// The form at hand: beside a list it changes with every item opened.
let form = null;

async function refill(field) {
  const select = field.querySelector("select");
  const source = form.elements[field.dataset.dependsOn];
  const address = `${field.dataset.options}?${new URLSearchParams({ [field.dataset.dependsOn]: source.value })}`;
  const answer = await fetch(address, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const first = select.options[0];
  const chosen = select.value;
  const options = (await answer.json()).map(({ value, text }) => new Option(text, value));
  select.replaceChildren(first, ...options);
  // The numbers of one class's conditions mean nothing for another.
  select.value = field.dataset.filledFor === source.value ? chosen : "";
  field.dataset.filledFor = source.value;
  select.dispatchEvent(new Event("refilled", { bubbles: true }));
}

let waiting = null;

// What is typed, kept in this browser per person and item until the server has it for good.
const ofThisForm = () => `jingwei-draft:${form.dataset.person}:${form.dataset.item}`;
const OLDEST_MS = 14 * 24 * 3600 * 1000;

function keepHere(sent) {
  const fields = Array.from(new FormData(form)).filter(([name, value]) => typeof value === "string" && name !== "csrf_token" && name !== "photo_stage");
  try {
    localStorage.setItem(ofThisForm(), JSON.stringify({ at: Date.now(), sent, fields }));
  } catch {
    // A full or forbidden storage: the draft on the server remains.
  }
}

function keptHere() {
  try {
    return JSON.parse(localStorage.getItem(ofThisForm()));
  } catch {
    return null;
  }
}

function dropOld() {
  for (const key of Object.keys(localStorage).filter((name) => name.startsWith("jingwei-draft:"))) {
    let at = 0;
    try {
      at = JSON.parse(localStorage.getItem(key)).at;
    } catch {
      at = 0;
    }
    if (Date.now() - at > OLDEST_MS) localStorage.removeItem(key);
  }
}

function putBack(fields) {
  for (const input of form.querySelectorAll("input[type=radio], input[type=checkbox]")) {
    input.checked = fields.some(([name, value]) => name === input.name && value === input.value);
  }
  for (const [name, value] of fields) {
    const input = form.elements[name];
    if (input && input.tagName && !["radio", "checkbox", "file"].includes(input.type)) input.value = value;
  }
}

async function restore() {
  if (!form.dataset.draft) return;
  const kept = keptHere();
  // What the server has as well, or shows again with its faults, is the newer of the two.
  if (!kept || form.querySelector(".faults") || (kept.sent && form.dataset.kept)) return;
  putBack(kept.fields);
  for (const field of form.querySelectorAll("[data-depends-on]")) {
    await refill(field);
    putBack(kept.fields);
  }
  showQuestions(form);
  const said = document.getElementById("draft-said");
  said.textContent = form.dataset.restored;
}

async function saveDraft() {
  const of = form;
  const said = document.getElementById("draft-said");
  const body = new FormData(form);
  body.delete("photos");
  try {
    const answer = await fetch(form.dataset.draft, { method: "POST", body, headers: { Accept: "application/json" } });
    // A session that ended leads to the sign-in page, which is no draft saved.
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    said.textContent = `${of.dataset.saved} ${(await answer.json()).saved_at}`;
    said.classList.remove("fault");
    if (of === form && of.isConnected && keptHere()) keepHere(true);
  } catch {
    if (!of.isConnected) return;
    said.textContent = of.dataset.unsaved;
    said.classList.add("fault");
  }
}

function typed(event) {
  if (event.target.type === "file" || event.target.classList.contains("narrowing")) return;
  showQuestions(form);
  for (const field of form.querySelectorAll("[data-depends-on]")) {
    if (event.target.name === field.dataset.dependsOn) refill(field);
  }
  // A form that is tried out has no draft.
  if (!form.dataset.draft) return;
  keepHere(false);
  clearTimeout(waiting);
  waiting = setTimeout(saveDraft, 1500);
}

function takeUp(found) {
  clearTimeout(waiting);
  form = found;
  if (!form) return;
  for (const field of form.querySelectorAll("[data-depends-on]")) {
    field.dataset.filledFor = form.elements[field.dataset.dependsOn].value;
  }
  form.addEventListener("input", typed);
  form.addEventListener("submit", (event) => {
    clearTimeout(waiting);
    if (form.dataset.draft && event.submitter?.value === "complete") sessionStorage.setItem("jingwei-sent", ofThisForm());
  });
  showQuestions(form);
  restore();
}

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key !== "Enter" || event.defaultPrevented) return;
  const button = form?.contains(event.target) && form.querySelector("button.primary");
  if (!button) return;
  event.preventDefault();
  form.requestSubmit(button);
});
document.addEventListener("pane-shown", () => takeUp(document.getElementById("answers")));
dropOld();
takeUp(document.getElementById("answers"));
