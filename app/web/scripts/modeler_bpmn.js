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
    modeler.get("canvas").zoom("fit-viewport");
  },
  written: () => xmlOf(modeler),
});

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
