// Questions of a form that are shown, or must be answered, by what is answered to others.
// The server holds every answer against the same conditions again.
"use strict";

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

function answersOf(form) {
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

function showQuestions(form) {
  const answers = answersOf(form);
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

// A form that wants nothing but this says so; a work item's form has a script of its own.
for (const asking of document.querySelectorAll("form[data-asks]")) {
  asking.addEventListener("input", () => showQuestions(asking));
  showQuestions(asking);
}
