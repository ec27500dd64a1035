"""The shipped diagrams in plain BPMN, so that the stock engine can run the same case."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lxml import etree

from app.engine.documents import BPMN, CAMUNDA, local_name
from app.engine.expressions import unwrap
from app.engine.parsing import camunda, mapped

SHIPPED = Path(__file__).resolve().parents[2] / "bpmn"
_DECIDED = {
    "routing": 'routing_level = "district"',
    "extension_approver": 'approver = "duty_chief"',
}


def plain_diagrams() -> tuple[list[Any], dict[str, dict[str, str]]]:
    """Return the diagrams without our extensions, and the output parameters of each user task."""
    roots, results = [], {}
    for path in sorted(SHIPPED.glob("*.bpmn")):
        root = etree.fromstring(path.read_bytes())
        for node in list(root.iter()):
            if not isinstance(node.tag, str):
                continue
            name = local_name(node)
            if name == "userTask":
                results[node.get("id")] = mapped(node, "outputParameter")
            elif name == "serviceTask":
                _as_script(node, "pass")
            elif name == "businessRuleTask":
                _as_script(node, _DECIDED[camunda(node, "decisionRef") or ""])
            elif name in ("timeDate", "timeDuration"):
                _as_duration(node)
        etree.strip_elements(root, f"{{{BPMN}}}extensionElements", with_tail=False)
        for node in root.iter():
            for attribute in [a for a in node.attrib if a.startswith(f"{{{CAMUNDA}}}")]:
                del node.attrib[attribute]
        roots.append(root)
    return roots, results


def _as_script(node: Any, text: str) -> None:
    node.tag = f"{{{BPMN}}}scriptTask"
    script = etree.SubElement(node, f"{{{BPMN}}}script")
    script.text = text


def _as_duration(node: Any) -> None:
    node.tag = f"{{{BPMN}}}timeDuration"
    node.text = '"PT8H"'


def kept(results: dict[str, str], data: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    """Return what a user task writes into the data, by its output parameters."""
    if not results:
        return {"outcome": answers.get("outcome")}
    scope = {**data, **answers, "true": True, "false": False}
    found = {}
    for name, text in results.items():
        source = unwrap(text)
        found[name] = scope.get(source) if source.isidentifier() else eval(source, {}, scope)
    return found
