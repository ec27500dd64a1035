// The process in words, beside the canvas: the same elements, reached by keyboard and read aloud.
import { byId, made, texts } from "./page.js";

const isFlowNode = (one) => Boolean(one.$instanceOf && one.$instanceOf("bpmn:FlowNode"));

export function showOutline(modeler) {
  const nav = byId("outline");
  const registry = modeler.get("elementRegistry");
  const selection = modeler.get("selection");
  const canvas = modeler.get("canvas");
  const draw = () => {
    const focused = nav.contains(document.activeElement) ? document.activeElement.dataset.element : null;
    const roots = processes(modeler.getDefinitions());
    nav.replaceChildren(made("ol", {}, ...roots.map((process) => levelOf(process, true))));
    mark(nav, selection.get());
    if (focused) nav.querySelector(`[data-element="${CSS.escape(focused)}"]`)?.focus();
  };
  nav.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-element]");
    const element = button && registry.get(button.dataset.element);
    if (!element) return;
    selection.select(element);
    canvas.scrollToElement(element);
  });
  nav.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = [...nav.querySelectorAll("button[data-element]")];
    all[all.indexOf(document.activeElement) + step]?.focus();
    event.preventDefault();
  });
  modeler.on("selection.changed", ({ newSelection }) => mark(nav, newSelection));
  modeler.on(["import.done", "commandStack.changed"], draw);
  const toggle = byId("toggle-outline");
  toggle.addEventListener("click", () => {
    nav.hidden = !nav.hidden;
    toggle.setAttribute("aria-expanded", String(!nav.hidden));
    canvas.resized();
  });
}

function mark(nav, selected) {
  const ids = new Set(selected.map((element) => (element.labelTarget || element).id));
  for (const button of nav.querySelectorAll("button[data-element]")) {
    if (ids.has(button.dataset.element)) {
      button.setAttribute("aria-current", "true");
      if (!nav.contains(document.activeElement)) button.scrollIntoView({ block: "nearest" });
    } else button.removeAttribute("aria-current");
  }
}

function processes(definitions) {
  return (definitions?.rootElements || []).filter((one) => one.$type === "bpmn:Process");
}

function levelOf(process, titled) {
  const nodes = (process.flowElements || []).filter(isFlowNode);
  const list = made("ol", {}, ...ordered(nodes).map((node) => entry(node, nodes)));
  return titled ? made("li", {}, button(process, texts.process), list) : list;
}

function entry(node, nodes) {
  const item = made("li", {}, button(node, texts[node.$type] || node.$type.replace("bpmn:", "")));
  const flows = (node.outgoing || []).map(flowText);
  if (flows.length) {
    item.append(made("div", { className: "flows", textContent: texts.leads_to + flows.join("、") }));
  }
  if (node.flowElements) item.append(levelOf(node, false));
  const attached = nodes.filter((other) => other.attachedToRef === node);
  if (attached.length) {
    item.append(made("ol", { ariaLabel: texts.attached }, ...attached.map((one) => entry(one, []))));
  }
  return item;
}

function button(node, kind) {
  const made_ = made("button", { type: "button" }, made("span", { textContent: node.name || `${texts.unnamed} ${node.id}` }));
  made_.append(" ", made("span", { className: "kind", textContent: kind }));
  made_.dataset.element = node.id;
  return made_;
}

function flowText(flow) {
  const condition = flow.name || flow.conditionExpression?.body;
  const target = flow.targetRef?.name || flow.targetRef?.id || "?";
  return condition ? `${target}（${texts.when}：${condition}）` : target;
}

// Along the flows from the starts; what no flow reaches comes last. Attached events stand under their host.
function ordered(nodes) {
  const free = nodes.filter((node) => !node.attachedToRef);
  const found = new Set();
  const waiting = free.filter((node) => node.$type === "bpmn:StartEvent" || node.triggeredByEvent);
  while (waiting.length) {
    const node = waiting.shift();
    if (found.has(node) || !free.includes(node)) continue;
    found.add(node);
    const beside = nodes.filter((other) => other.attachedToRef === node);
    for (const from of [node, ...beside]) {
      waiting.push(...(from.outgoing || []).map((flow) => flow.targetRef).filter(Boolean));
    }
  }
  return [...found, ...free.filter((node) => !found.has(node))];
}
