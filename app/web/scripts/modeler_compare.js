// A draft's diagram beside the deployed one: both canvases move together, each difference can be gone to.
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import "bpmn-js/dist/assets/bpmn-font/css/bpmn.css";
import { diff } from "bpmn-js-differ";
import Viewer from "bpmn-js/lib/NavigatedViewer";
import camunda from "camunda-bpmn-moddle/resources/camunda.json";

const root = document.getElementById("compare");
const texts = JSON.parse(root.dataset.texts);
const SYMBOLS = { added: "＋", removed: "－", changed: "≠", layout: "↔" };
const filled = (text, facts) => text.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);

const viewers = {};
for (const side of ["older", "newer"]) {
  viewers[side] = new Viewer({
    container: document.getElementById(side),
    moddleExtensions: { camunda },
  });
}

let moving = false;
function follow(from, to) {
  from.on("canvas.viewbox.changed", ({ viewbox }) => {
    if (moving) return;
    moving = true;
    const { x, y, width, height } = viewbox;
    to.get("canvas").viewbox({ x, y, width, height });
    moving = false;
  });
}

function shown(value) {
  if (value === undefined || value === null || value === "") return texts.empty;
  if (Array.isArray(value)) return value.map(shown).join("、");
  return typeof value === "object" ? value.name || value.body || value.id || value.$type : String(value);
}

// Return every difference: its kind, the element, and what changed of it.
function differences() {
  const found = diff(viewers.older.getDefinitions(), viewers.newer.getDefinitions());
  const all = [];
  const put = (kind, id, model, detail = "") =>
    all.push({ kind, id, name: model.name || id, type: (model.$type || "").replace("bpmn:", ""), detail });
  for (const [id, model] of Object.entries(found._added)) put("added", id, model);
  for (const [id, model] of Object.entries(found._removed)) put("removed", id, model);
  for (const [id, { model, attrs }] of Object.entries(found._changed)) {
    const parts = Object.entries(attrs).map(
      ([name, { oldValue, newValue }]) => {
        // The differ exchanges the two for plain attributes, though not for parts of a list.
        const [was, now] = name.includes("[") ? [oldValue, newValue] : [newValue, oldValue];
        return `${name}：${texts.was} ${shown(was)}，${texts.now} ${shown(now)}`;
      },
    );
    put("changed", id, model, parts.join("；"));
  }
  for (const [id, model] of Object.entries(found._layoutChanged)) put("layout", id, model);
  // The differ looks at an element's own attributes; what lies inside it (timer, condition, form, inputs) is ours.
  const inside = insides(viewers.older.getDefinitions());
  for (const [id, { model, facts }] of insides(viewers.newer.getDefinitions())) {
    const before = inside.get(id);
    if (!before || id in found._added) continue;
    const parts = changedFacts(before.facts, facts);
    if (!parts.length) continue;
    const known = all.find((one) => one.id === id && one.kind === "changed");
    if (known) known.detail = [known.detail, ...parts].join("；");
    else put("changed", id, model, parts.join("；"));
  }
  return all;
}

// What has a shape of its own is compared for itself.
const APART = new Set(["flowElements", "artifacts", "laneSets", "lanes", "participants", "messageFlows", "rootElements", "diagrams"]);

// Return {id: {model, facts}} of everything drawn, and of what events refer to.
function insides(definitions) {
  const found = new Map();
  const visit = (model) => {
    const facts = new Map();
    collect(model, "", facts, true);
    if (model.id) found.set(model.id, { model, facts });
    for (const name of APART) {
      if (name !== "diagrams") (model[name] || []).forEach(visit);
    }
  };
  visit(definitions);
  found.delete(definitions.id);
  return found;
}

function collect(model, way, facts, outermost) {
  for (const property of model.$descriptor?.properties || []) {
    const { name, isReference, isAttr } = property;
    const short = property.ns?.localName || name;
    if (APART.has(short) || !Object.hasOwn(model, name) && !Object.hasOwn(model, short)) continue;
    const value = model.get ? model.get(name) : model[short];
    if (isReference || (outermost && isAttr)) continue;
    put(value, way ? `${way}.${short}` : short, facts);
  }
  // What no descriptor knows, such as another maker's extensions.
  for (const [name, value] of Object.entries(model.$attrs || {})) if (!outermost) put(value, `${way}.${name}`, facts);
  if (!model.$descriptor?.properties?.length) {
    for (const [name, value] of Object.entries(model)) if (!name.startsWith("$")) put(value, `${way}.${name}`, facts);
    (model.$children || []).forEach((child, at) => collect(child, `${way}.${child.$type}[${at}]`, facts, false));
  }
}

function put(value, way, facts) {
  if (Array.isArray(value)) value.forEach((one, at) => put(one, value.length > 1 ? `${way}[${at + 1}]` : way, facts));
  else if (value && typeof value === "object") {
    facts.set(`${way} ${value.$type || ""}`.trim(), "");
    collect(value, way, facts, false);
  } else if (value !== undefined && !way.endsWith(".id")) facts.set(way, String(value));
}

function changedFacts(before, after) {
  const ways = new Set([...before.keys(), ...after.keys()]);
  return [...ways]
    .filter((way) => before.get(way) !== after.get(way))
    .map((way) => `${way}：${texts.was} ${shown(before.get(way))}，${texts.now} ${shown(after.get(way))}`);
}

const SIDES = { added: ["newer"], removed: ["older"], changed: ["older", "newer"], layout: ["older", "newer"] };

function mark({ kind, id }) {
  for (const side of SIDES[kind]) {
    const viewer = viewers[side];
    const element = viewer.get("elementRegistry").get(id);
    if (!element || !element.parent) continue;
    viewer.get("canvas").addMarker(element, `diff-${kind}`);
    const badge = Object.assign(document.createElement("span"), {
      className: `change-mark ${kind}`,
      textContent: SYMBOLS[kind],
      title: texts[kind],
    });
    viewer.get("overlays").add(element, { position: { top: -12, left: 0 }, html: badge });
  }
}

const list = document.getElementById("changes");
const position = document.getElementById("position");
let changes = [];
let at = -1;

function go(to) {
  if (!changes.length) return;
  clear();
  at = (to + changes.length) % changes.length;
  const { id, kind } = changes[at];
  for (const side of SIDES[kind]) {
    const viewer = viewers[side];
    const element = viewer.get("elementRegistry").get(id);
    if (!element || !element.parent) continue;
    viewer.get("canvas").addMarker(element, "diff-here");
    viewer.get("canvas").scrollToElement(element);
  }
  list.children[at].setAttribute("aria-current", "true");
  list.children[at].scrollIntoView({ block: "nearest" });
  position.textContent = filled(texts.position, { at: at + 1, n: changes.length });
}

function clear() {
  if (at < 0) return;
  list.children[at].removeAttribute("aria-current");
  for (const viewer of Object.values(viewers)) {
    const element = viewer.get("elementRegistry").get(changes[at].id);
    if (element) viewer.get("canvas").removeMarker(element, "diff-here");
  }
}

function line(change, index) {
  const badge = Object.assign(document.createElement("span"), {
    className: `change-mark ${change.kind}`,
    textContent: SYMBOLS[change.kind],
  });
  badge.setAttribute("aria-hidden", "true");
  const button = Object.assign(document.createElement("button"), { type: "button" });
  button.append(badge, ` ${texts[change.kind]} · ${change.name} · ${change.type} ${change.detail}`);
  button.addEventListener("click", () => go(index));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

async function open() {
  try {
    await viewers.older.importXML(root.dataset.older);
    await viewers.newer.importXML(root.dataset.newer);
  } catch (error) {
    position.textContent = `${texts.broken} ${error.message}`;
    return;
  }
  changes = differences();
  changes.forEach(mark);
  list.replaceChildren(...changes.map(line));
  position.textContent = changes.length ? filled(texts.position, { at: 0, n: changes.length }) : texts.none;
  follow(viewers.older, viewers.newer);
  follow(viewers.newer, viewers.older);
  viewers.newer.get("canvas").zoom("fit-viewport");
  document.getElementById("next").addEventListener("click", () => go(at + 1));
  document.getElementById("previous").addEventListener("click", () => go(at < 0 ? -1 : at - 1));
}

await open();
