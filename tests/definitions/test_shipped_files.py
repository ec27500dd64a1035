"""The diagrams, decisions and forms shipped with the product hold together and read well."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from lxml import etree

from app.accounts.roles import ROLES
from app.cases.effects import topics
from app.engine import instance
from app.engine.decisions import DecisionTable, read_decision
from app.engine.definitions import check_bundle, compile_bundle
from app.engine.expressions import names_in
from app.engine.moment import Moment, ServiceCall
from app.errors import EngineError
from app.modeling.forms import check_form

ROOT = Path(__file__).parents[2]
DIAGRAMS = sorted((ROOT / "bpmn").glob("*.bpmn"))
DECISIONS = sorted((ROOT / "bpmn").glob("*.dmn"))
FORMS = sorted((ROOT / "forms").glob("*.json"))
DUTIES = ROOT / "app" / "catalogue" / "data" / "duties.yml"

NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "di": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "dd": "http://www.omg.org/spec/DD/20100524/DI",
    "camunda": "http://camunda.org/schema/1.0/bpmn",
}
STAGES = {
    *("verifying", "accepting", "filing", "dispatching", "handling", "feedback", "checking"),
    *("appealing", "signing"),
    *("confirming", "clearing"),
    *("responding", "reviewing", "acknowledging", "travelling", "working"),
    *("closing", "holding", "ruling", "extending", "supervising"),
}
LEVELS = {"district", "department", "enterprise"}
FLOW_NODE = re.compile(r"(Event|Task|Gateway|subProcess|callActivity)$")
CHINESE = re.compile(r"[一-鿿]")
COMPARISON = re.compile(r'(\w+) == "(\w+)"')


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float

    def holds(self, other: Box) -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )

    def overlaps(self, other: Box) -> bool:
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


class Diagram:
    """One BPMN file with its shapes and edges by element id."""

    def __init__(self, path: Path) -> None:
        self.root = etree.parse(path).getroot()
        self.nodes = {
            n.get("id"): n for n in self._process_elements() if FLOW_NODE.search(local(n))
        }
        self.flows = {
            n.get("id"): n for n in self._process_elements() if local(n) == "sequenceFlow"
        }
        self.shapes = {
            s.get("bpmnElement"): box(s.find("dc:Bounds", NS))
            for s in self.root.iterfind(".//di:BPMNShape", NS)
        }
        self.edges = {
            e.get("bpmnElement"): [
                (float(w.get("x")), float(w.get("y"))) for w in e.iterfind("dd:waypoint", NS)
            ]
            for e in self.root.iterfind(".//di:BPMNEdge", NS)
        }
        self.labels = {
            s.get("bpmnElement"): box(b)
            for s in self.root.iterfind(".//di:BPMNPlane/*", NS)
            for b in s.iterfind("di:BPMNLabel/dc:Bounds", NS)
        }

    def _process_elements(self) -> Iterator[etree._Element]:
        for process in self.root.iterfind("bpmn:process", NS):
            yield from (
                n for n in process.iter() if n.tag.startswith("{" + NS["bpmn"]) and n.get("id")
            )

    def segments(self, flow_id: str) -> list[Box]:
        return [
            Box(min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1))
            for (x1, y1), (x2, y2) in pairwise(self.edges[flow_id])
        ]

    def leaving(self, node_id: str) -> list[etree._Element]:
        return [f for f in self.flows.values() if f.get("sourceRef") == node_id]

    def containers(self, node_id: str) -> list[str]:
        """Return what is drawn around a node: its sub-process, else its lane and pool."""
        parent = self.nodes[node_id].getparent()
        if local(parent) == "subProcess":
            return [parent.get("id")]
        lanes = [
            lane.get("id")
            for lane in self.root.iterfind(".//bpmn:lane", NS)
            if node_id in [r.text for r in lane.iterfind("bpmn:flowNodeRef", NS)]
        ]
        pools = [p.get("id") for p in self.root.iterfind(".//bpmn:participant", NS)]
        assert len(lanes) == (1 if pools else 0), f"{node_id} stands in the lanes {lanes}"
        return lanes + pools


def local(node: etree._Element) -> str:
    return etree.QName(node).localname


def box(bounds: etree._Element) -> Box:
    return Box(*(float(bounds.get(k)) for k in ("x", "y", "width", "height")))


def camunda(node: etree._Element, name: str) -> str | None:
    return node.get(f"{{{NS['camunda']}}}{name}")


def form_components(path: Path) -> list[dict[str, Any]]:
    return list(json.loads(path.read_text())["components"])


@pytest.fixture(params=DIAGRAMS, ids=lambda p: p.name)
def diagram(request: pytest.FixtureRequest) -> Diagram:
    return Diagram(request.param)


def test_the_bundle_can_be_deployed() -> None:
    files = {p.name: p.read_bytes() for p in DIAGRAMS + DECISIONS}
    assert (
        check_bundle(files, form_keys={p.stem for p in FORMS}, topics=topics(), roles=ROLES) == []
    )


def test_ids_are_unique(diagram: Diagram) -> None:
    ids = [n.get("id") for n in diagram.root.iter() if n.get("id")]
    assert sorted(ids) == sorted(set(ids))


def test_a_task_is_named_once_in_all_diagrams() -> None:
    # A case's history names its tasks by their ids alone, whichever diagram they stand in.
    seen: dict[str, str] = {}
    for path in DIAGRAMS:
        for task_id, node in Diagram(path).nodes.items():
            if local(node) == "userTask":
                assert task_id not in seen, f"{task_id} stands in {seen[task_id]} and {path.name}"
                seen[task_id] = path.name


def test_every_element_has_a_chinese_name(diagram: Diagram) -> None:
    choices = [
        f
        for g in diagram.nodes
        for f in diagram.leaving(g)
        if local(diagram.nodes[g]) == "exclusiveGateway"
    ]
    others = [
        n
        for tag in ("participant", "lane", "process")
        for n in diagram.root.iterfind(f".//bpmn:{tag}", NS)
    ]
    unnamed = [
        n.get("id")
        for n in (*diagram.nodes.values(), *choices, *others)
        if not CHINESE.search(n.get("name", ""))
    ]
    assert unnamed == []


def test_every_flow_node_is_drawn_inside_its_lane(diagram: Diagram) -> None:
    for node_id, node in diagram.nodes.items():
        shape = diagram.shapes[node_id]
        if local(node) == "boundaryEvent":
            assert shape.overlaps(diagram.shapes[node.get("attachedToRef")]), node_id
        for container in diagram.containers(node_id):
            assert diagram.shapes[container].holds(shape), f"{node_id} leaves {container}"


def test_shapes_do_not_overlap(diagram: Diagram) -> None:
    shapes = {
        i: diagram.shapes[i]
        for i, n in diagram.nodes.items()
        if local(n) not in ("boundaryEvent", "subProcess")
    }
    pairs = [(a, b) for a in shapes for b in shapes if a < b and shapes[a].overlaps(shapes[b])]
    assert pairs == []


def distance_to_border(kind: str, shape: Box, point: tuple[float, float]) -> float:
    dx = abs(point[0] - shape.x - shape.width / 2)
    dy = abs(point[1] - shape.y - shape.height / 2)
    if kind.endswith("Event"):
        return abs((dx**2 + dy**2) ** 0.5 - shape.width / 2)
    if kind.endswith("Gateway"):
        return abs(dx + dy - shape.width / 2) / 2**0.5
    outside = max(dx - shape.width / 2, dy - shape.height / 2)
    return abs(outside)


def test_every_flow_is_drawn_from_border_to_border(diagram: Diagram) -> None:
    for flow_id, flow in diagram.flows.items():
        points = diagram.edges[flow_id]
        for end, point in (("sourceRef", points[0]), ("targetRef", points[-1])):
            node = diagram.nodes[flow.get(end)]
            assert distance_to_border(local(node), diagram.shapes[flow.get(end)], point) <= 1, (
                f"{flow_id} {end}"
            )


def test_flows_run_straight_and_clear_of_labels(diagram: Diagram) -> None:
    for flow_id in diagram.flows:
        for segment in diagram.segments(flow_id):
            assert 0 in (segment.width, segment.height), f"{flow_id} is not orthogonal"
            crossed = [i for i, label in diagram.labels.items() if label.overlaps(segment)]
            assert crossed == [], f"{flow_id} crosses the label of {crossed}"


def test_flows_do_not_run_through_shapes(diagram: Diagram) -> None:
    solid = {i for i, n in diagram.nodes.items() if local(n) != "subProcess"}
    for flow_id, flow in diagram.flows.items():
        source = diagram.nodes[flow.get("sourceRef")]
        near = {flow.get("sourceRef"), flow.get("targetRef"), source.get("attachedToRef")}
        for segment in diagram.segments(flow_id):
            hit = [i for i in solid - near if diagram.shapes[i].overlaps(segment)]
            assert hit == [], f"{flow_id} runs through {hit}"


def test_labels_do_not_cover_shapes_or_each_other(diagram: Diagram) -> None:
    solid = {i: diagram.shapes[i] for i, n in diagram.nodes.items() if local(n) != "subProcess"}
    for owner, label in diagram.labels.items():
        covered = [i for i, shape in solid.items() if shape.overlaps(label)]
        twins = [i for i, other in diagram.labels.items() if i != owner and other.overlaps(label)]
        assert covered + twins == [], f"the label of {owner}"


def test_every_user_task_has_a_stage_and_every_form_a_task() -> None:
    keys = set()
    for path in DIAGRAMS:
        for task in Diagram(path).root.iterfind(".//bpmn:userTask", NS):
            keys.add(camunda(task, "formKey"))
            stages = [
                p.get("value") for p in task.iterfind(".//camunda:property[@name='stage']", NS)
            ]
            assert len(stages) == 1, task.get("id")
            assert stages[0] in STAGES, task.get("id")
    assert keys == {p.stem for p in FORMS}


def test_every_way_a_case_ends_is_recorded_before_its_end() -> None:
    diagram = Diagram(ROOT / "bpmn" / "case.bpmn")
    ends = {
        "E_closed": "closed",
        "E_rejected": "rejected",
        "E_absent": "rejected",
        "E_void": "void",
    }
    ends |= {"E_merged": "merged", "E_self_handled": "self_handled"}
    for end, how in ends.items():
        (before,) = [
            f.get("sourceRef") for f in diagram.flows.values() if f.get("targetRef") == end
        ]
        assert camunda(diagram.nodes[before], "topic") == "case.end"
        assert [
            p.text for p in diagram.nodes[before].iterfind(".//camunda:inputParameter", NS)
        ] == [how]


def outcomes_offered(form_key: str | None) -> list[str]:
    fields = {c.get("key"): c for c in form_components(ROOT / "forms" / f"{form_key}.json")}
    return [option["value"] for option in fields["outcome"]["values"]]


def outcome_names(task: etree._Element) -> list[str]:
    return [
        p.get("name")
        for p in task.iterfind(".//camunda:outputParameter", NS)
        if p.text == "${outcome}"
    ]


def conditions_on(name: str, diagram: Diagram, task_id: str) -> set[str]:
    """Return the values compared with a variable: at the gateway behind for `outcome`, else everywhere."""
    if name == "outcome":
        (behind,) = [f.get("targetRef") for f in diagram.leaving(task_id)]
        texts = [f.findtext("bpmn:conditionExpression", "", NS) for f in diagram.leaving(behind)]
    else:
        texts = [
            t.text
            for path in DIAGRAMS
            for t in Diagram(path).root.iterfind(".//bpmn:conditionExpression", NS)
        ]
    return {
        value
        for text in texts
        for variable, value in COMPARISON.findall(text or "")
        if variable == name
    }


def test_every_outcome_of_a_form_is_known_to_the_diagram(diagram: Diagram) -> None:
    for task_id, task in diagram.nodes.items():
        if local(task) != "userTask":
            continue
        offered = set(outcomes_offered(camunda(task, "formKey")))
        (name,) = outcome_names(task)
        compared = conditions_on(name, diagram, task_id)
        # One outcome at least is left for the default flow; a form with one outcome needs no gateway.
        assert compared < offered, f"{task_id}: {compared} of {offered}"
        assert compared or len(offered) == 1, f"{task_id}: the diagram never looks at {name}"


def test_what_a_task_keeps_is_asked_in_its_form(diagram: Diagram) -> None:
    for task_id, task in diagram.nodes.items():
        if local(task) != "userTask":
            continue
        asked = {
            c["key"]
            for c in form_components(ROOT / "forms" / f"{camunda(task, 'formKey')}.json")
            if "key" in c
        }
        kept = {
            n
            for p in task.iterfind(".//camunda:outputParameter", NS)
            for n in names_in(p.text or "")
        }
        assert kept <= asked, task_id


@pytest.mark.parametrize("path", FORMS, ids=lambda p: p.stem)
def test_a_form_is_complete_in_both_languages(path: Path) -> None:
    components = form_components(path)
    assert len({c["id"] for c in components}) == len(components)
    for component in components:
        properties = component["properties"]
        text = "text" if component["type"] == "text" else "label"
        assert CHINESE.search(component[text]), component["id"]
        assert properties[f"{text}_en"], component["id"]
        assert ("description" in component) == ("description_en" in properties), component["id"]
        for option in component.get("values", ()):
            assert CHINESE.search(option["label"]), component["id"]
            assert option["label_en"], component["id"]


@pytest.mark.parametrize("path", FORMS, ids=lambda p: p.stem)
def test_a_form_asks_for_outcome_and_opinion_and_names_only_its_own(path: Path) -> None:
    assert check_form(path.name, path.read_bytes()) == []
    fields = {c["key"]: c for c in form_components(path) if "key" in c}
    assert fields["outcome"]["validate"]["required"]
    assert fields["opinion"]["type"] == "textarea"
    for field in fields.values():
        named = COMPARISON.findall(field["properties"].get("required_when", ""))
        assert {v for n, v in named if n == "outcome"} <= set(outcomes_offered(path.stem))


def decision(name: str) -> DecisionTable:
    path = ROOT / "bpmn" / f"{name}.dmn"
    table = read_decision(path.name, etree.parse(path).getroot(), [])
    assert table is not None
    return table


def rows_matching(table: DecisionTable, data: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for rule in table.rules:
        try:
            found.append(replace(table, rules=(rule,)).decide(data, {}))
        except EngineError:
            continue
    return found


@pytest.mark.parametrize("duty", [*yaml.safe_load(DUTIES.read_text()), "no_such_duty", None])
def test_routing_sends_each_duty_to_one_level(duty: str | None) -> None:
    table = decision("routing")
    own_rows = rows_matching(replace(table, rules=table.rules[:-1]), {"duty": duty})
    assert len(own_rows) == (0 if duty in ("no_such_duty", None) else 1)
    assert table.decide({"duty": duty}, {})["routing_level"] in LEVELS


@pytest.mark.parametrize(
    ("number", "length", "approver"),
    [
        (1, "within_original", "duty_chief"),
        (1, "longer", "supervisor"),
        (2, "within_original", "supervisor"),
        (2, "longer", "supervisor"),
        (3, "within_original", "leader"),
        (7, "longer", "leader"),
    ],
)
def test_extension_goes_to_one_approver_by_number_and_length(
    number: int, length: str, approver: str
) -> None:
    rows = rows_matching(
        decision("extension_approver"), {"extension_no": number, "extension_length": length}
    )
    assert rows == [{"approver": approver}]
    assert approver in ROLES


NOW = datetime(2025, 3, 3, 1, tzinfo=UTC)
PAYLOADS: dict[str, dict[str, Any]] = {
    "extension_requested": {"extension_no": 1, "extension_length": "within_original"},
    "hold_requested": {"hold_until": "2025-04-01T00:00:00+00:00"},
    "return_requested": {},
    "hold_released": {},
    "supervision_raised": {},
    "all_confirmed": {},
    "appeals_settled": {},
    "alert_normal": {},
    "alert_risen": {"level": 3},
    "rain_risen": {"level": 3},
    "rain_over": {},
    "order_cancelled": {},
}
SERVICE_RESULTS: dict[str, dict[str, Any]] = {
    "case.file": {"duty": "roads"},
    "case.supervise": {"unit_id": 7},
    "assessment.draft": {"confirm_until": "2025-03-10T01:00:00+00:00"},
}


def moment(chance: random.Random) -> Moment:
    """Return a world where services do nothing and every clock is due in a day."""

    def service(call: ServiceCall) -> dict[str, Any] | None:
        if call.topic == "assessment.settle":
            return {"open_appeals": chance.choice((0, 2))}
        return SERVICE_RESULTS.get(call.topic)

    functions = dict.fromkeys(
        ("due", "before_due", "after_due", "after"), lambda *_: NOW + timedelta(days=1)
    )
    return Moment(
        NOW,
        {**functions, "at": datetime.fromisoformat, "duration": str},
        dict.fromkeys(topics(), service),
    )


def answers(form_key: str | None, chance: random.Random) -> dict[str, Any]:
    """Answer a form: mostly with its first outcome, the one that leads on, so that walks get far."""
    fields = [c["key"] for c in form_components(ROOT / "forms" / f"{form_key}.json") if "key" in c]
    offered = outcomes_offered(form_key)
    outcome = offered[0] if chance.random() < 0.7 else chance.choice(offered)
    return {**dict.fromkeys(fields), "outcome": outcome}


def first_data(process_id: str, chance: random.Random) -> dict[str, Any]:
    """Return what a process may begin with."""
    if process_id == "appeal":
        return {"ground": chance.choice(("late", "unfounded_return", "media_supervision"))}
    if process_id == "assessment":
        return {"edition": chance.choice((1, 1, 2))}
    if process_id == "sensor_alert":
        trade, level = chance.choice(("flood", "heat", "other")), chance.choice((1, 2, 2, 3))
        return {"rule_kind": "threshold", "trade": trade, "level": level, "has_unit": "yes"}
    if process_id == "rain_event":
        return {"during_every": "PT30M"}
    if process_id == "flood_order":
        return {}
    first = {"self_handled": chance.random() < 0.1, "needs_verification": chance.random() < 0.5}
    return {**first, "district_code": "140105"}


def walk(definition: Any, process_id: str, seed: int, seen: set[str]) -> bool:
    """Take a process through messages, timers and answers at random; tell whether it came to its end."""
    chance = random.Random(seed)
    step = instance.start(definition, process_id, first_data(process_id, chance), moment(chance))
    for _ in range(500):
        seen.update(p.element for p in step.trail)
        if step.ended:
            return True
        kind = chance.random()
        nothing_else = not (step.items or step.timers)
        if step.messages and (kind < 0.15 or nothing_else):
            message = chance.choice(step.messages)
            step = instance.receive(
                definition, step.state, message, PAYLOADS[message], moment(chance)
            )
        elif step.timers and (kind < 0.3 or not step.items):
            timer = chance.choice(step.timers)
            # One that repeats without end is never through, and so on no trail.
            seen.add(timer.element)
            step = instance.fire(definition, step.state, [timer.token], moment(chance))
        else:
            item = chance.choice(step.items)
            answer = answers(item.form_key, chance)
            step = instance.complete(definition, step.state, item.token, answer, moment(chance))
    return False


def test_processes_reach_every_element_and_always_an_end() -> None:
    definition = compile_bundle({p.name: p.read_bytes() for p in DIAGRAMS + DECISIONS})
    seen: set[str] = set()
    for process_id, walks in (
        ("case", 400),
        ("appeal", 30),
        ("assessment", 30),
        ("sensor_alert", 60),
        ("rain_event", 30),
        ("flood_order", 60),
    ):
        for seed in range(walks):
            assert walk(definition, process_id, seed, seen), f"the {process_id} {seed} does not end"
    drawn = {i for p in DIAGRAMS for i, n in Diagram(p).nodes.items() if local(n) != "subProcess"}
    assert drawn - seen == set()
