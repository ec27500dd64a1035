// Fill in the place where the person stands, where the browser can tell.
"use strict";

const button = document.getElementById("locate");

if (button && "geolocation" in navigator && window.isSecureContext) {
  button.hidden = false;
  const said = document.getElementById("locate-said");
  button.addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        document.getElementById("lon").value = coords.longitude.toFixed(6);
        document.getElementById("lat").value = coords.latitude.toFixed(6);
        document.getElementById("lat").dispatchEvent(new Event("change", { bubbles: true }));
        said.textContent = "";
      },
      () => { said.textContent = button.dataset.failed; },
      { enableHighAccuracy: true, timeout: 15000 },
    );
  });
}
