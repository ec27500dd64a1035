// The editor of a decision.
import "dmn-js/dist/assets/diagram-js.css";
import "dmn-js/dist/assets/dmn-js-shared.css";
import "dmn-js/dist/assets/dmn-js-drd.css";
import "dmn-js/dist/assets/dmn-js-decision-table.css";
import "dmn-js/dist/assets/dmn-js-decision-table-controls.css";
import "dmn-js/dist/assets/dmn-js-literal-expression.css";
import "dmn-js/dist/assets/dmn-js-boxed-expression.css";
import "dmn-js/dist/assets/dmn-js-boxed-expression-controls.css";
import "dmn-js/dist/assets/dmn-font/css/dmn.css";
import DmnModeler from "dmn-js/lib/Modeler";
import DmnViewer from "dmn-js/lib/NavigatedViewer";
import decisionsModule from "./modeler/chinese_decisions.js";
import { offerCheck } from "./modeler/faults.js";
import { byId, chinese, locked } from "./modeler/page.js";
import { Saving } from "./modeler/saving.js";

const words = { additionalModules: chinese ? [decisionsModule] : [] };
const modeler = new (locked ? DmnViewer : DmnModeler)({
  container: byId("canvas"),
  drd: words,
  decisionTable: words,
  literalExpression: words,
  boxedExpression: words,
});
const watched = new Set();
const saving = new Saving({
  draw: async (xml) => {
    await modeler.importXML(xml);
    // One table is what people came for, not the box that stands for it.
    const tables = modeler.getViews().filter((view) => view.type === "decisionTable");
    if (tables.length === 1) await modeler.open(tables[0]);
  },
  written: async () => locked ? "" : (await modeler.saveXML({ format: true })).xml,
});

// Each view has a viewer of its own, made when it is first opened.
function watch() {
  const viewer = modeler.getActiveViewer();
  if (!viewer || watched.has(viewer)) return;
  watched.add(viewer);
  viewer.on("commandStack.changed", ({ trigger }) => {
    if (trigger !== "clear") saving.changed();
  });
}
modeler.on("views.changed", watch);
await saving.open();
watch();
offerCheck(saving, (id) => {
  const view = modeler.getViews().find((one) => one.element.id === id);
  if (view) modeler.open(view);
});
