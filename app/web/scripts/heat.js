// Draw the figures of the table on the diagrams: as numbers, and as how thick an outline is.
import { Diagram } from "./parts/diagram.js";

const LEVELS = 5;
// Below this zoom the words would cover the neighbours: the numbers stand alone.
const WORDS_FROM = 0.55;
const room = document.getElementById("heat");
const lines = [...(room?.querySelectorAll("tr[data-element]") ?? [])];
const rows = lines.map((row) => ({ ...row.dataset }));
let file = null;
let times = false;
let worded = null;

const filled = (pattern, row) => pattern.replace(/\{(\w+)\}/g, (whole, name) => row[name] ?? whole);
const countsOf = (row) => filled(room.dataset.label, row);
const timesOf = (row) => filled(room.dataset.times, row);

function textOf(row, diagram) {
  if (times) return `${row.median} / ${row.p90}`;
  return diagram.canvas.zoom() < WORDS_FROM ? `${row.standing} · ${row.passed}` : countsOf(row);
}

function label(diagram) {
  const here = rows.filter((row) => row.file === file && diagram.element(row.element));
  worded = diagram.canvas.zoom() >= WORDS_FROM;
  diagram.overlays.clear();
  for (const row of here) {
    const whole = `${countsOf(row)} · ${timesOf(row)}`;
    diagram.label(row.element, textOf(row, diagram), "heat-number", { bottom: 4, left: -6 }, whole);
  }
  return here;
}

async function draw(diagram, shown) {
  await diagram.show(shown);
  file = shown;
  const weight = (row) => Number(row.passed) + Number(row.standing);
  const most = Math.max(1, ...rows.map(weight));
  for (const row of label(diagram)) {
    diagram.canvas.addMarker(row.element, `heat-${Math.max(1, Math.ceil((weight(row) / most) * LEVELS))}`);
  }
}

function choose(diagram, id) {
  const row = rows.find((one) => one.element === id);
  if (!row) return;
  document.getElementById("said").textContent = `${row.name}: ${countsOf(row)} · ${timesOf(row)}`;
  for (const line of lines) line.toggleAttribute("data-chosen", line.dataset.element === id);
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
  const turn = room.querySelector("button[data-times]");
  turn.addEventListener("click", () => {
    times = !times;
    turn.setAttribute("aria-pressed", String(times));
    label(diagram);
  });
  diagram.viewer.on("element.click", ({ element }) => choose(diagram, element.id));
  diagram.viewer.on("canvas.viewbox.changed", () => {
    if (file && worded !== null && worded !== diagram.canvas.zoom() >= WORDS_FROM) label(diagram);
  });
  for (const line of lines) line.addEventListener("click", () => choose(diagram, line.dataset.element));
  open(buttons[0]);
}
