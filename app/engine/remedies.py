"""Which elements run, and what to write instead of those that do not."""

from __future__ import annotations

from collections.abc import Mapping

FLOW_NODES = frozenset(
    {
        "startEvent",
        "endEvent",
        "userTask",
        "serviceTask",
        "businessRuleTask",
        "subProcess",
        "callActivity",
        "exclusiveGateway",
        "parallelGateway",
        "inclusiveGateway",
        "eventBasedGateway",
        "intermediateCatchEvent",
        "intermediateThrowEvent",
        "boundaryEvent",
    }
)

# Elements that carry no behaviour of their own, or belong to one that is checked as a whole.
FREE_ELEMENTS = frozenset(
    {
        "extensionElements",
        "documentation",
        "incoming",
        "outgoing",
        "laneSet",
        "lane",
        "childLaneSet",
        "flowNodeRef",
        "conditionExpression",
        "timeDate",
        "timeDuration",
        "timeCycle",
        "standardLoopCharacteristics",
        "multiInstanceLoopCharacteristics",
        "loopCondition",
        "loopCardinality",
        "loopDataInputRef",
        "loopDataOutputRef",
        "inputDataItem",
        "outputDataItem",
        "completionCondition",
        "textAnnotation",
        "text",
        "association",
        "group",
        "dataObject",
        "dataObjectReference",
    }
)

# Where each trigger may stand.
EVENT_DEFINITIONS: Mapping[str, frozenset[str]] = {
    "timerEventDefinition": frozenset({"intermediateCatchEvent", "boundaryEvent"}),
    "messageEventDefinition": frozenset(
        {
            "startEvent",
            "intermediateCatchEvent",
            "intermediateThrowEvent",
            "boundaryEvent",
            "endEvent",
        }
    ),
    "signalEventDefinition": frozenset(
        {"intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", "endEvent"}
    ),
    "errorEventDefinition": frozenset({"boundaryEvent", "endEvent"}),
    "escalationEventDefinition": frozenset({"boundaryEvent", "endEvent", "intermediateThrowEvent"}),
    "terminateEventDefinition": frozenset({"endEvent"}),
}

ACTIVITIES = frozenset(
    {"userTask", "serviceTask", "businessRuleTask", "subProcess", "callActivity"}
)
BOOLEANS = (
    "isExecutable",
    "triggeredByEvent",
    "isInterrupting",
    "cancelActivity",
    "isSequential",
    "testBefore",
)
TOP_ELEMENTS = frozenset(
    {"process", "collaboration", "message", "signal", "error", "escalation", "category"}
    | {"itemDefinition", "documentation", "extensionElements"}
)

_LEVELS = frozenset({"process", "subProcess", "transaction", "adHocSubProcess"})
_EVENTS = frozenset(n for n in FLOW_NODES if n.endswith("Event"))
_LOOP = frozenset({"standardLoopCharacteristics"})
_INSTANCES = frozenset({"multiInstanceLoopCharacteristics"})

# Where elements may stand that the stock parser would find at any depth.
PLACES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(FLOW_NODES | {"sequenceFlow", "dataObject", "dataObjectReference"}, _LEVELS),
    **dict.fromkeys(EVENT_DEFINITIONS, _EVENTS),
    **dict.fromkeys(("timeDate", "timeDuration", "timeCycle"), frozenset({"timerEventDefinition"})),
    **dict.fromkeys(
        TOP_ELEMENTS - {"documentation", "extensionElements"}, frozenset({"definitions"})
    ),
    **dict.fromkeys(_LOOP | _INSTANCES, ACTIVITIES),
    **dict.fromkeys(("loopCardinality", "loopDataInputRef", "loopDataOutputRef"), _INSTANCES),
    **dict.fromkeys(("inputDataItem", "outputDataItem", "completionCondition"), _INSTANCES),
    "loopCondition": _LOOP,
    "conditionExpression": frozenset({"sequenceFlow"}),
    "flowNodeRef": frozenset({"lane"}),
}

REMEDIES: Mapping[str, str] = {
    "scriptTask": "use a service task with a registered topic, or a decision table",
    "script": "use a service task with a registered topic, or a decision table",
    "task": "choose a kind: a user task with a form, or a service task with a topic",
    "sendTask": "use an intermediate message throw event",
    "receiveTask": "use an intermediate message catch event",
    "manualTask": "use a user task with a form",
    "complexGateway": "use an inclusive gateway",
    "transaction": "use an embedded sub-process with an error boundary event",
    "adHocSubProcess": "use an embedded sub-process with an inclusive gateway",
    "choreographyTask": "draw the process itself",
    "subChoreography": "draw the process itself",
    "compensateEventDefinition": "lead an error boundary event to the task that undoes the work",
    "cancelEventDefinition": "use an error end event and an error boundary event",
    "conditionalEventDefinition": "use a message that the product sends, or a gateway",
    "linkEventDefinition": "draw the sequence flow itself",
    "dataStoreReference": "remove it; data of a case live in the case",
    "dataInputAssociation": "remove it; data of a case live in the case",
    "dataOutputAssociation": "remove it; data of a case live in the case",
    "ioSpecification": "use input and output parameters (camunda:inputOutput)",
    "property": "remove it; values are set by forms, decisions and services",
    "correlationSubscription": "remove it; messages go to a case by its number",
    "resourceRole": "use candidateGroups",
    "humanPerformer": "use candidateGroups",
    "potentialOwner": "use candidateGroups",
}

# What of Camunda's dialect is read, by the element it stands on; elements by what they stand under.
CAMUNDA_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "userTask": frozenset({"formKey", "candidateGroups", "dueDate"}),
    "serviceTask": frozenset({"type", "topic"}),
    "businessRuleTask": frozenset({"decisionRef"}),
    "multiInstanceLoopCharacteristics": frozenset({"collection", "elementVariable"}),
}
CAMUNDA_ELEMENTS: Mapping[str, frozenset[str]] = {
    "inputOutput": frozenset({"userTask", "serviceTask", "businessRuleTask"}),
    "inputParameter": frozenset({"serviceTask"}),
    "outputParameter": frozenset({"userTask", "serviceTask", "businessRuleTask"}),
    "properties": FLOW_NODES | {"process", "sequenceFlow"},
    "property": FLOW_NODES | {"process", "sequenceFlow"},
}
# They tell Camunda's own engine or tools how to run or show, and change nothing in what is run.
CAMUNDA_ATTRIBUTES_FREE = frozenset(
    {"asyncBefore", "asyncAfter", "exclusive", "jobPriority", "taskPriority", "priority"}
    | {"historyTimeToLive", "isStartableInTasklist", "versionTag"}
    | {"modelerTemplate", "modelerTemplateVersion"}
)
CAMUNDA_REMEDIES: Mapping[str, str] = {
    "class": "use a service task's topic",
    "expression": "use a service task's topic",
    "delegateExpression": "use a service task's topic",
    "resource": "write the condition itself",
    "resultVariable": "use output parameters",
    "formRef": "use formKey",
    "assignee": "use candidateGroups; a person takes the item from the inbox",
    "candidateUsers": "use candidateGroups",
    "followUpDate": "use a boundary timer",
    "variableMappingClass": "use output parameters",
    "calledElementBinding": "remove it; all files of a bundle are deployed together",
    "decisionRefBinding": "remove it; all files of a bundle are deployed together",
    "mapDecisionResult": "remove it; outputs are merged by their names",
    "in": "remove it; a called process sees all values of the case",
    "out": "remove it; a called process hands back all values of the case",
    "inputParameter": "use a name of the case's data where the value is needed",
    "formData": "make a form and name it by formKey",
    "list": "write one value, or keep the list by a service",
    "map": "write one value, or keep the table by a service",
    "script": "call a registered service by a service task's topic",
    "executionListener": "call a registered service by a service task's topic",
    "taskListener": "call a registered service by a service task's topic",
    "connector": "call a registered service by a service task's topic",
}
