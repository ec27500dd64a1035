// The editor of a form.
import "@bpmn-io/form-js/dist/assets/form-js.css";
import "@bpmn-io/form-js/dist/assets/form-js-editor.css";
import "@bpmn-io/form-js/dist/assets/properties-panel.css";
import { FormEditor } from "@bpmn-io/form-js";
import { offerCheck } from "./modeler/faults.js";
import { byId, locked } from "./modeler/page.js";
import { Saving } from "./modeler/saving.js";

const editor = new FormEditor({ container: byId("canvas") });
const saving = new Saving({
  draw: async (content) => {
    const schema = JSON.parse(content);
    if (locked) throw new Error(schema.id || "");
    await editor.importSchema(schema);
  },
  written: async () => `${JSON.stringify(editor.saveSchema(), null, 2)}\n`,
});
await saving.open();
editor.on("commandStack.changed", () => saving.changed());
offerCheck(saving, () => {});
