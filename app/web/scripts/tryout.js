// A draft tried out: where its tokens stand and what they passed; the table below says the same in words.
import { Diagram } from "./parts/diagram.js";

const READABLE = 0.6;
const room = document.getElementById("trial");
const diagram = new Diagram(document.getElementById("canvas"), room.dataset.diagrams);
const standing = room.dataset.standing.split(";").filter(Boolean).map((one) => one.split(" "));
const passed = [...document.querySelectorAll("#path tr[data-element]")].map((row) => row.dataset);
const buttons = [...room.querySelectorAll("button[data-file]")];

async function draw(file) {
  await diagram.show(file, READABLE);
  diagram.overlays.clear();
  // Each element carries the number of the last time it was passed.
  const numbers = new Map();
  for (const { element, file: drawn, number } of passed) {
    if (drawn === file && diagram.element(element)) numbers.set(element, number);
  }
  const here = standing.filter(([element, drawn]) => drawn === file && diagram.element(element)).map(([element]) => element);
  for (const [element, number] of numbers) {
    if (here.includes(element)) continue;
    diagram.canvas.addMarker(element, "trial-done");
    diagram.label(element, number, "trial-mark", { top: -14, left: -10 });
  }
  for (const element of here) {
    diagram.canvas.addMarker(element, "trial-here");
    diagram.label(element, "▶", "trial-mark here", { top: -14, left: -10 });
  }
  const last = here.at(-1) ?? [...numbers.keys()].at(-1);
  if (last) diagram.reveal(last);
}

function open(button) {
  for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
  draw(button.dataset.file).catch(() => {
    document.getElementById("canvas").textContent = room.dataset.failed;
  });
}

for (const button of buttons) {
  button.querySelector(".here").hidden = !standing.some(([, file]) => file === button.dataset.file);
  button.addEventListener("click", () => open(button));
}
// The deepest token is the one that is worked on; when all is over, the diagram that ended.
const first = standing.at(-1)?.[1] ?? passed.at(-1)?.file;
open(buttons.find((one) => one.dataset.file === first) ?? buttons[0]);
