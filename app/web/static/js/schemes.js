// A change of a line's way of counting shows the fields of the new one: the server draws the form again.
"use strict";

const form = document.getElementById("scheme");
if (form) {
  form.classList.add("scripted");
  form.addEventListener("change", (event) => {
    if (!event.target.matches("[data-refresh]")) return;
    const button = event.target.closest("fieldset").querySelector("button.refresh");
    if (button) form.requestSubmit(button);
  });
}
