// Draw the figures of the table on the diagrams: as numbers, and as how thick an outline is.
import { Diagram } from "./parts/diagram.js";

const LEVELS = 5;
const READABLE = 0.6;
const room = document.getElementById("heat");
const rows = [...(room?.querySelectorAll("tr[data-element]") ?? [])].map((row) => ({ ...row.dataset }));

async function draw(diagram, file) {
  await diagram.show(file, READABLE);
  const here = rows.filter((row) => row.file === file && diagram.element(row.element));
  const weight = (row) => Number(row.passed) + Number(row.standing);
  const most = Math.max(1, ...rows.map(weight));
  diagram.overlays.clear();
  for (const row of here) {
    const level = Math.max(1, Math.ceil((weight(row) / most) * LEVELS));
    diagram.canvas.addMarker(row.element, `heat-${level}`);
    const said = room.dataset.label.replace("{standing}", row.standing).replace("{passed}", row.passed);
    diagram.label(row.element, said, "heat-number", { bottom: 4, left: -6 });
  }
}

if (room) {
  const diagram = new Diagram(document.getElementById("canvas"), room.dataset.diagrams);
  const buttons = [...room.querySelectorAll("button[data-file]")];
  const open = (button) => {
    buttons.forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
    draw(diagram, button.dataset.file).catch(() => {
      document.getElementById("canvas").textContent = room.dataset.failed;
    });
  };
  buttons.forEach((button) => button.addEventListener("click", () => open(button)));
  open(buttons[0]);
}
