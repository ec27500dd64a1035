// A work item's form: questions that depend on others, options that follow a choice, drafts.
// The server holds every answer against the same conditions again.
"use strict";

const form = document.getElementById("answers");

const worked = {
  "name": ([name], answers) => answers[name] ?? null,
  "value": ([value]) => value,
  "list": (parts, answers) => parts.map((part) => work(part, answers)),
  "not": ([part], answers) => !truth(work(part, answers)),
  "and": (parts, answers) => parts.every((part) => truth(work(part, answers))),
  "or": (parts, answers) => parts.some((part) => truth(work(part, answers))),
  "==": ([a, b], answers) => work(a, answers) === work(b, answers),
  "!=": ([a, b], answers) => work(a, answers) !== work(b, answers),
  "<": ([a, b], answers) => work(a, answers) < work(b, answers),
  "<=": ([a, b], answers) => work(a, answers) <= work(b, answers),
  ">": ([a, b], answers) => work(a, answers) > work(b, answers),
  ">=": ([a, b], answers) => work(a, answers) >= work(b, answers),
  "in": ([a, b], answers) => (work(b, answers) || []).includes(work(a, answers)),
  "not in": ([a, b], answers) => !(work(b, answers) || []).includes(work(a, answers)),
};

function work([what, ...parts], answers) {
  return worked[what](parts, answers);
}

function truth(value) {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function answersNow() {
  const answers = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value === "string") answers[name] = value === "" ? null : value;
  }
  for (const box of form.querySelectorAll("input[type=checkbox]")) answers[box.name] = box.checked;
  for (const input of form.querySelectorAll("input[inputmode=decimal]")) {
    answers[input.name] = input.value.trim() === "" ? null : Number(input.value);
  }
  return answers;
}

function showQuestions() {
  const answers = answersNow();
  for (const field of form.querySelectorAll("[data-hide-when]")) {
    field.hidden = truth(work(JSON.parse(field.dataset.hideWhen), answers));
  }
  for (const field of form.querySelectorAll("[data-require-when]")) {
    const required = truth(work(JSON.parse(field.dataset.requireWhen), answers));
    field.querySelector(".optional").hidden = required;
    const input = field.querySelector("input:not(.narrowing), select, textarea");
    input.toggleAttribute("aria-required", false);
    if (required) input.setAttribute("aria-required", "true");
  }
}

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

async function saveDraft() {
  const said = document.getElementById("draft-said");
  const body = new FormData(form);
  body.delete("photos");
  try {
    const answer = await fetch(form.dataset.draft, { method: "POST", body, headers: { Accept: "application/json" } });
    // A session that ended leads to the sign-in page, which is no draft saved.
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    said.textContent = `${form.dataset.saved} ${(await answer.json()).saved_at}`;
    said.classList.remove("fault");
  } catch {
    said.textContent = form.dataset.unsaved;
    said.classList.add("fault");
  }
}

if (form) {
  const dependent = form.querySelectorAll("[data-depends-on]");
  for (const field of dependent) field.dataset.filledFor = form.elements[field.dataset.dependsOn].value;
  form.addEventListener("input", (event) => {
    if (event.target.type === "file" || event.target.classList.contains("narrowing")) return;
    showQuestions();
    for (const field of dependent) {
      if (event.target.name === field.dataset.dependsOn) refill(field);
    }
    clearTimeout(waiting);
    waiting = setTimeout(saveDraft, 1500);
  });
  form.addEventListener("submit", () => clearTimeout(waiting));
  showQuestions();
}
