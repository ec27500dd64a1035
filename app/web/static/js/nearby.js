// Before a case is saved: what is open near its place, so that one thing is not reported twice.
"use strict";

const near = document.getElementById("nearby");

if (near) {
  const fields = ["class_code", "lon", "lat"].map((id) => document.getElementById(id));
  let asked = 0;
  let waiting = null;

  const look = async () => {
    const [classCode, lon, lat] = fields.map((field) => field.value.trim());
    const turn = ++asked;
    if (!classCode || !lon || !lat) {
      near.replaceChildren();
      return;
    }
    try {
      const answer = await fetch(`${near.dataset.address}?${new URLSearchParams({ class_code: classCode, lon, lat })}`);
      // A later question was asked meanwhile, or the session ended: this answer is not for now.
      if (turn !== asked || answer.redirected) return;
      near.innerHTML = answer.ok ? await answer.text() : "";
    } catch {
      near.replaceChildren();
    }
  };

  for (const field of fields) {
    field.addEventListener("change", () => {
      clearTimeout(waiting);
      waiting = setTimeout(look, 150);
    });
  }
  look();
}
