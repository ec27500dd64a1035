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

// Return the XML.
export async function xmlOf(modeler) {
  return (await modeler.saveXML({ format: true })).xml;
}
