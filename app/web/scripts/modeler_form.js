// The editor of a form.
import "@bpmn-io/form-js/dist/assets/form-js.css";
import "@bpmn-io/form-js/dist/assets/form-js-editor.css";
import "@bpmn-io/form-js/dist/assets/properties-panel.css";
import { Form, FormEditor } from "@bpmn-io/form-js";
import { offerCheck } from "./modeler/faults.js";
import { byId, locked } from "./modeler/page.js";
import { Saving } from "./modeler/saving.js";

// Where nothing may be changed the form is shown as those who fill it in see it.
const editor = new (locked ? Form : FormEditor)({ container: byId("canvas") });
if (locked) editor.setProperty("readOnly", true);
const saving = new Saving({
  draw: async (content) => {
    const schema = JSON.parse(content);
    await editor.importSchema(schema);
  },
  written: async () => locked ? "" : `${JSON.stringify(editor.saveSchema(), null, 2)}\n`,
});
await saving.open();
editor.on("commandStack.changed", () => saving.changed());
offerCheck(saving, () => {});
