"""Hold tasks, calls and their loops against what the engine runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from app.engine.documents import local_name
from app.engine.expressions import FUNCTIONS, call_in, is_variable_name, parse, unwrap
from app.engine.findings import BundleFacts, Findings
from app.engine.parsing import camunda, mapped

_GROUP = re.compile(r"[a-z_]+(@unit)?")
MAX_INSTANCES = 200
MAX_ROUNDS = 1000


@dataclass
class ActivityCheck:
    """The check of the activities of one diagram."""

    facts: BundleFacts
    found: Findings

    def run(self, node: etree._Element, name: str) -> None:
        """Note every fault of an activity; name: its kind of element."""
        if name == "userTask":
            self._check_user_task(node)
        elif name == "serviceTask":
            self._check_service_task(node)
        elif name == "businessRuleTask":
            self._check_business_rule_task(node)
        elif name == "callActivity":
            self._check_call_activity(node)
        self._check_loop(node)

    def _check_user_task(self, node: etree._Element) -> None:
        key = camunda(node, "formKey")
        if not key:
            self.found.add(
                node, "the user task has no form", "set camunda:formKey to the name of a form"
            )
        elif self.facts.form_keys is not None and key not in self.facts.form_keys:
            self.found.add(
                node, f"there is no form {key!r}", "make the form first, or choose one of forms/"
            )
        self._check_groups(node, camunda(node, "candidateGroups"))
        due = camunda(node, "dueDate")
        if due is not None:
            self.found.time(node, due, "timeDate")
        self._check_results(node)

    def _check_groups(self, node: etree._Element, groups: str | None) -> None:
        if not groups:
            self.found.add(
                node, "nobody may do this task", 'set camunda:candidateGroups, such as "dispatcher"'
            )
            return
        if groups.startswith(("${", "#{")):
            self.found.expression(node, groups)
            return
        for group in (g.strip() for g in groups.split(",")):
            role = group.removesuffix("@unit")
            if not _GROUP.fullmatch(group) or (
                self.facts.roles is not None and role not in self.facts.roles
            ):
                known = ", ".join(sorted(self.facts.roles or ()))
                self.found.add(
                    node,
                    f"there is no role {group!r}",
                    f"use one of {known}, with @unit for the case's unit",
                )

    def _check_service_task(self, node: etree._Element) -> None:
        topic = camunda(node, "topic")
        if camunda(node, "type") != "external" or not topic:
            self.found.add(
                node,
                "the service task names no service",
                'set camunda:type="external" and camunda:topic',
            )
        elif self.facts.topics is not None and topic not in self.facts.topics:
            self.found.add(
                node,
                f"there is no service {topic!r}",
                "use one of " + ", ".join(sorted(self.facts.topics)),
            )
        for name, text in mapped(node, "inputParameter").items():
            self._check_parameter_name(node, name)
            if text.startswith(("${", "#{")):
                self.found.expression(node, text)
            elif "${" in text or "#{" in text:
                reason = f"an expression inside a text, {text[:60]!r}, is not evaluated"
                self.found.add(node, reason, 'make the whole an expression: ${"text " + name}')
        self._check_results(node)

    def _check_results(self, node: etree._Element) -> None:
        for name, text in mapped(node, "outputParameter").items():
            self._check_parameter_name(node, name)
            if not self.found.expression(node, text):
                continue
            call = call_in(text)
            if call is not None and call[0] in FUNCTIONS:
                reason = f"the time {text.strip()[:60]!r} cannot be kept among the values of a case"
                self.found.add(node, reason, "write it where it is needed")

    def _check_parameter_name(self, node: etree._Element, name: str) -> None:
        if not is_variable_name(name):
            self.found.add(
                node, f"the parameter name {name!r} is not a name", "use letters, digits and _"
            )

    def _check_business_rule_task(self, node: etree._Element) -> None:
        key = camunda(node, "decisionRef")
        if key not in self.facts.decisions:
            self.found.add(
                node,
                f"there is no decision {key!r}",
                "deploy the DMN file with the diagram, or set decisionRef",
            )
        self._check_results(node)

    def _check_call_activity(self, node: etree._Element) -> None:
        called = node.get("calledElement")
        if called not in self.facts.processes:
            self.found.add(
                node, f"the called process {called!r} is not there", "deploy its file with this one"
            )

    def _check_loop(self, node: etree._Element) -> None:
        for loop in node:
            name = local_name(loop)
            if name == "standardLoopCharacteristics":
                self._check_standard_loop(node, loop)
            elif name == "multiInstanceLoopCharacteristics":
                self._check_multi_instance(node, loop)

    def _check_standard_loop(self, node: etree._Element, loop: etree._Element) -> None:
        condition, maximum = _child_text(loop, "loopCondition"), loop.get("loopMaximum")
        if condition is not None:
            self.found.expression(node, condition)
        elif maximum is None:
            self.found.add(node, "the loop has no end", "give a condition or a maximum")
        if maximum is not None and not _is_count(maximum, MAX_ROUNDS):
            reason = f"the loop's maximum {maximum[:40]!r} is not a number from 1 to {MAX_ROUNDS}"
            self.found.add(node, reason, "write such a number")

    def _check_multi_instance(self, node: etree._Element, loop: etree._Element) -> None:
        collection = camunda(loop, "collection")
        cardinality = _child_text(loop, "loopCardinality")
        reference = _child_text(loop, "loopDataInputRef")
        if cardinality is None and reference is None and collection is None:
            self.found.add(
                node, "the multi-instance has no collection", "give a collection or a number"
            )
        if sum(given is not None for given in (cardinality, reference, collection)) > 1:
            reason = "the multi-instance has more than one of number, list and collection"
            self.found.add(node, reason, "keep one of them")
        if cardinality is not None:
            self._check_cardinality(node, cardinality)
        condition = _child_text(loop, "completionCondition")
        if condition is not None:
            self.found.expression(node, condition)
        for name in _loop_names(loop):
            if not is_variable_name(name):
                reason = f"{name!r}, which the multi-instance names, is not a name"
                self.found.add(node, reason, "use letters, digits and _")
        dialect = collection is not None or camunda(loop, "elementVariable") is not None
        if dialect and local_name(node) in ("subProcess", "callActivity"):
            self.found.add(
                node,
                f"camunda:collection and elementVariable are not read on a {local_name(node)}",
                "write loopDataInputRef and inputDataItem",
            )

    def _check_cardinality(self, node: etree._Element, text: str) -> None:
        if not self.found.expression(node, text):
            return
        body = parse(text).body
        if isinstance(body, ast.Constant) and not _is_count(str(body.value), MAX_INSTANCES):
            reason = f"the multi-instance's number {text[:40]!r} is not from 1 to {MAX_INSTANCES}"
            self.found.add(node, reason, "write such a number, or name a value that holds one")


def _child_text(node: etree._Element, name: str) -> str | None:
    found = next((n for n in node if local_name(n) == name), None)
    return None if found is None else (found.text or "")


def _loop_names(loop: etree._Element) -> Iterator[str]:
    """Yield the names of values that a multi-instance reads or writes."""
    for kind in ("loopDataInputRef", "loopDataOutputRef"):
        text = _child_text(loop, kind)
        if text is not None:
            yield text
    for item in loop:
        if local_name(item) in ("inputDataItem", "outputDataItem"):
            yield item.get("id", "")
    for name in ("collection", "elementVariable"):
        text = camunda(loop, name)
        if text is not None:
            yield unwrap(text)


def _is_count(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most
