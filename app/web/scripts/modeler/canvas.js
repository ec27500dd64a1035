// A canvas for BPMN: the modeler with all its parts, or a viewer where nothing may be changed.
import "bpmn-js/dist/assets/diagram-js.css";
import "bpmn-js/dist/assets/bpmn-js.css";
import "bpmn-js/dist/assets/bpmn-font/css/bpmn.css";
import "@bpmn-io/properties-panel/dist/assets/properties-panel.css";
import "bpmn-js-element-templates/dist/assets/element-templates.css";
import "diagram-js-minimap/assets/diagram-js-minimap.css";
import "bpmn-js-bpmnlint/dist/assets/css/bpmn-js-bpmnlint.css";
import Modeler from "bpmn-js/lib/Modeler";
import Viewer from "bpmn-js/lib/NavigatedViewer";
import lintModule from "bpmn-js-bpmnlint";
import { ElementTemplatesPropertiesProviderModule } from "bpmn-js-element-templates";
import {
  BpmnPropertiesPanelModule,
  BpmnPropertiesProviderModule,
  CamundaPlatformPropertiesProviderModule,
} from "bpmn-js-properties-panel";
import camunda from "camunda-bpmn-moddle/resources/camunda.json";
import minimapModule from "diagram-js-minimap";
import chineseModule from "./chinese.js";
import limitsModule from "./limits.js";
import { lintConfig } from "./lint.js";

export function canvasOf({ container, panel, texts, templates, chinese, locked }) {
  const words = chinese ? [chineseModule] : [];
  if (locked) {
    return new Viewer({ container, moddleExtensions: { camunda }, additionalModules: words });
  }
  return new Modeler({
    container,
    propertiesPanel: { parent: panel },
    moddleExtensions: { camunda },
    elementTemplates: templates,
    linting: { bpmnlint: lintConfig(texts), active: true },
    jingweiTexts: texts,
    additionalModules: [
      BpmnPropertiesPanelModule,
      BpmnPropertiesProviderModule,
      CamundaPlatformPropertiesProviderModule,
      ElementTemplatesPropertiesProviderModule,
      limitsModule,
      lintModule,
      minimapModule,
      ...words,
    ],
  });
}

const OURS = "jingwei.";

// Return the XML. The mark of an applied template of ours is left out: it helps drawing and the engine does
// not read it; the marks of others stay as they came.
export async function xmlOf(modeler) {
  const marked = modeler
    .get("elementRegistry")
    .getAll()
    .map((element) => element.businessObject)
    .filter((object) => object?.modelerTemplate?.startsWith(OURS));
  const marks = marked.map((object) => object.modelerTemplate);
  marked.forEach((object) => object.set("camunda:modelerTemplate", undefined));
  try {
    return (await modeler.saveXML({ format: true })).xml;
  } finally {
    marked.forEach((object, at) => object.set("camunda:modelerTemplate", marks[at]));
  }
}
