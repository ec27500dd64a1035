// A box above a long select that narrows its options. Without it the select is whole.
"use strict";

function narrow(select, words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = select.value;
  select.replaceChildren();
  for (const { option, group } of select.everything) {
    const text = `${group} ${option.text} ${option.value}`.toLowerCase();
    const kept = option.value === "" || option.value === chosen || wanted.every((word) => text.includes(word));
    if (!kept) continue;
    if (!group) select.append(option);
    else {
      let box = select.lastElementChild;
      if (!box || box.label !== group) {
        box = document.createElement("optgroup");
        box.label = group;
        select.append(box);
      }
      box.append(option);
    }
  }
  select.value = chosen;
}

function remember(select) {
  select.everything = Array.from(select.options, (option) => ({
    option,
    group: option.parentElement.label || "",
  }));
}

function addBoxes(root) {
  for (const select of root.querySelectorAll("select[data-searchable]")) addBox(select);
}

function addBox(select) {
  remember(select);
  const box = document.createElement("input");
  box.type = "search";
  box.className = "narrowing";
  box.placeholder = select.dataset.searchable;
  box.setAttribute("aria-label", select.dataset.searchable);
  box.setAttribute("aria-controls", select.id);
  // The box is no answer: it has no name and Enter must not send the form.
  box.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
  box.addEventListener("input", () => narrow(select, box.value));
  select.before(box);
}

// Whoever fills a select anew says so, and what the box remembers is renewed.
document.addEventListener("refilled", (event) => {
  if (event.target.dataset.searchable) remember(event.target);
});

document.addEventListener("pane-shown", (event) => addBoxes(event.target));
addBoxes(document);
