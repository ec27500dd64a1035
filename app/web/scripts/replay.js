// Walk through the steps of a case on its diagram; the list beside says the same in words.
import { Diagram } from "./parts/diagram.js";

const PACE_MS = 1500;
const room = document.getElementById("replay");
const list = room.querySelector("ol.steps");
const steps = [...list.children];
const diagram = new Diagram(document.getElementById("canvas"), room.dataset.diagrams);
const playing = room.querySelector('[data-do="play"]');
let at = -1;
let timer = null;
let turn = Promise.resolve();

function draw(index) {
  const { element, file } = steps[index].dataset;
  const { canvas, overlays } = diagram;
  overlays.clear();
  for (const old of ["replay-here", "replay-done"]) {
    for (const shape of document.querySelectorAll(`.djs-element.${old}`)) canvas.removeMarker(shape.dataset.elementId, old);
  }
  // Each element carries the number of the last step that was on it.
  const numbers = new Map();
  steps.slice(0, index + 1).forEach((step, i) => {
    if (step.dataset.file === file && diagram.element(step.dataset.element)) numbers.set(step.dataset.element, i + 1);
  });
  for (const [id, number] of numbers) {
    const here = id === element;
    canvas.addMarker(id, here ? "replay-here" : "replay-done");
    diagram.label(id, here ? `▶ ${number}` : `${number}`, here ? "replay-number here" : "replay-number", { top: -14, left: -10 });
  }
  diagram.reveal(element);
}

function go(index) {
  at = Math.max(0, Math.min(steps.length - 1, index));
  const step = steps[at];
  steps.forEach((one) => one.removeAttribute("aria-current"));
  step.setAttribute("aria-current", "step");
  // Only the list moves: the page would take the diagram out of sight on a phone.
  list.scrollTop = step.offsetTop - list.offsetTop - list.clientHeight / 3;
  document.getElementById("said").textContent = step.querySelector("div").innerText.replace(/\s*\n\s*/g, " · ");
  document.getElementById("position").textContent = room.dataset.position.replace("{n}", at + 1);
  document.getElementById("diagram-name").textContent = step.dataset.diagram;
  room.querySelector('[data-do="previous"]').disabled = at === 0;
  room.querySelector('[data-do="next"]').disabled = at === steps.length - 1;
  const shown = at;
  // One after the other: a diagram being read in must not be drawn on by the next step.
  turn = turn.then(() => diagram.show(step.dataset.file)).then(() => { if (shown === at) draw(shown); }).catch(() => {
    document.getElementById("canvas").textContent = room.dataset.failed;
  });
}

function stop() {
  clearInterval(timer);
  timer = null;
  playing.textContent = room.dataset.play;
}

function play() {
  if (timer !== null) return stop();
  if (at === steps.length - 1) go(0);
  playing.textContent = room.dataset.pause;
  timer = setInterval(() => { if (at === steps.length - 1) stop(); else go(at + 1); }, PACE_MS);
}

const acts = { previous: () => { stop(); go(at - 1); }, next: () => { stop(); go(at + 1); }, play };
room.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do) acts[button.dataset.do]();
  else { stop(); go(steps.indexOf(button.closest("li"))); }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const act = { ArrowLeft: "previous", ArrowRight: "next" }[event.key];
  if (!act) return;
  event.preventDefault();
  acts[act]();
});
if (steps.length) go(0);
