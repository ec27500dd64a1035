// Give each request of a phone a key of its own, and the place where it is made.
"use strict";

const page = document.querySelector(".phone");
const said = document.getElementById("position-said");
// While somebody is on duty their place is told this often.
const LIVE_MS = 60000;

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

for (const form of document.querySelectorAll(".phone form")) {
  // The key is of what is in the form now: sent again as it is, it is the same request.
  form.addEventListener("change", () => fresh(form));
  if (!("position" in form.dataset)) continue;
  form.addEventListener("submit", (event) => {
    if (form.elements.namedItem("lon").value) return;
    event.preventDefault();
    located(form, () => form.requestSubmit(), () => {
      if (form.dataset.position === "optional") { form.submit(); return; }
      said.textContent = page.dataset.failed;
    });
  });
}

const live = document.querySelector("form[data-live]");
if (live) {
  window.setInterval(() => {
    located(live, () => {
      fresh(live);
      fetch(live.action, { method: "POST", body: new FormData(live), headers: { Accept: "application/json" } })
        .catch(() => {});
      live.elements.namedItem("lon").value = "";
    }, () => {});
  }, LIVE_MS);
}
