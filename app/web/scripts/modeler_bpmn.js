// The editor of a diagram.
import { canvasOf, xmlOf } from "./modeler/canvas.js";
import { offerCheck } from "./modeler/faults.js";
import { showOutline } from "./modeler/outline.js";
import { byId, chinese, locked, root, texts } from "./modeler/page.js";
import { Saving } from "./modeler/saving.js";
import { offerTemplates } from "./modeler/templates.js";

const modeler = canvasOf({
  container: byId("canvas"),
  panel: byId("properties"),
  templates: JSON.parse(root.dataset.templates),
  texts,
  chinese,
  locked,
});
if (locked) byId("properties").hidden = true;

const saving = new Saving({
  draw: async (xml) => {
    await modeler.importXML(xml);
    fitBesidePalette(modeler.get("canvas"));
  },
  written: () => xmlOf(modeler),
});

// The palette stands on the canvas: the diagram begins beside it, not below it.
function fitBesidePalette(canvas) {
  const left = locked ? 16 : 88;
  const top = 16;
  const { inner, outer } = canvas.viewbox();
  const scale = Math.min(1, (outer.width - left - 16) / inner.width, (outer.height - 2 * top) / inner.height);
  if (!(scale > 0)) return;
  canvas.viewbox({ x: inner.x - left / scale, y: inner.y - top / scale, width: outer.width / scale, height: outer.height / scale });
}

function select(id) {
  const element = modeler.get("elementRegistry").get(id);
  if (!element) return;
  modeler.get("selection").select(element);
  modeler.get("canvas").scrollToElement(element);
  byId("canvas").focus();
}

showOutline(modeler);
if (!locked) offerTemplates(modeler);
modeler.on("commandStack.changed", ({ trigger }) => {
  if (trigger !== "clear") saving.changed();
});
await saving.open();
offerCheck(saving, select);
