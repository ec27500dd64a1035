// The rules held against the canvas while it is drawn: those of bpmnlint that hold here, and four of our own.
import conditionalFlows from "bpmnlint/rules/conditional-flows";
import endEventRequired from "bpmnlint/rules/end-event-required";
import eventBasedGateway from "bpmnlint/rules/event-based-gateway";
import labelRequired from "bpmnlint/rules/label-required";
import linkEvent from "bpmnlint/rules/link-event";
import noComplexGateway from "bpmnlint/rules/no-complex-gateway";
import noDisconnected from "bpmnlint/rules/no-disconnected";
import noDuplicateFlows from "bpmnlint/rules/no-duplicate-sequence-flows";
import noGatewayJoinFork from "bpmnlint/rules/no-gateway-join-fork";
import noImplicitEnd from "bpmnlint/rules/no-implicit-end";
import noImplicitSplit from "bpmnlint/rules/no-implicit-split";
import noImplicitStart from "bpmnlint/rules/no-implicit-start";
import noOverlapping from "bpmnlint/rules/no-overlapping-elements";
import singleBlankStart from "bpmnlint/rules/single-blank-start-event";
import singleEventDefinition from "bpmnlint/rules/single-event-definition";
import startEventRequired from "bpmnlint/rules/start-event-required";
import subProcessBlankStart from "bpmnlint/rules/sub-process-blank-start-event";
import superfluousGateway from "bpmnlint/rules/superfluous-gateway";

const PLUGIN = "jingwei";

const theirs = {
  "conditional-flows": ["error", conditionalFlows],
  "end-event-required": ["error", endEventRequired],
  "event-based-gateway": ["error", eventBasedGateway],
  "label-required": ["warn", labelRequired],
  "link-event": ["error", linkEvent],
  "no-complex-gateway": ["error", noComplexGateway],
  "no-disconnected": ["error", noDisconnected],
  "no-duplicate-sequence-flows": ["error", noDuplicateFlows],
  "no-gateway-join-fork": ["warn", noGatewayJoinFork],
  "no-implicit-end": ["error", noImplicitEnd],
  "no-implicit-split": ["error", noImplicitSplit],
  "no-implicit-start": ["error", noImplicitStart],
  "no-overlapping-elements": ["warn", noOverlapping],
  "single-blank-start-event": ["error", singleBlankStart],
  "single-event-definition": ["error", singleEventDefinition],
  "start-event-required": ["error", startEventRequired],
  "sub-process-blank-start-event": ["warn", subProcessBlankStart],
  "superfluous-gateway": ["warn", superfluousGateway],
};

const rule = (type, wrong, message) => () => ({
  check(node, reporter) {
    if (node.$type === type && wrong(node)) reporter.report(node.id, message);
  },
});

// An expression may choose the role; what is written out must be one.
function notOneGroup(node) {
  const groups = node.get("camunda:candidateGroups") || "";
  return !groups || (!/^[$#]\{/.test(groups) && groups.includes(","));
}

const ours = (texts) => ({
  "no-script": rule("bpmn:ScriptTask", () => true, texts.rule_script),
  "user-task-form": rule("bpmn:UserTask", (node) => !node.get("camunda:formKey"), texts.rule_form),
  "user-task-group": rule("bpmn:UserTask", notOneGroup, texts.rule_group),
  "service-task-topic": rule("bpmn:ServiceTask", (node) => !node.get("camunda:topic"), texts.rule_topic),
});

export function lintConfig(texts) {
  const own = ours(texts);
  const rules = {};
  for (const [name, [category]] of Object.entries(theirs)) rules[name] = category;
  for (const name of Object.keys(own)) rules[`${PLUGIN}/${name}`] = "error";
  return {
    config: { rules },
    resolver: {
      resolveRule: (_package, name) => (name in own ? own[name] : theirs[name][1]),
      resolveConfig: () => {
        throw new Error("no configuration but this one");
      },
    },
  };
}
