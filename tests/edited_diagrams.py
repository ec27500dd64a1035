"""The shipped diagrams as an analyst might edit them, for moving running cases to them."""

from __future__ import annotations

from collections.abc import Mapping

from app.modeling.bundles import shipped_files

# One more look before the chief closes a case.
_LOOK = """
<bpmn:userTask id="T_look" name="复核" camunda:formKey="close" camunda:candidateGroups="dispatcher">
  <bpmn:incoming>F_G_reviewed_T_close</bpmn:incoming>
  <bpmn:incoming>F_G_checked_T_close</bpmn:incoming>
  <bpmn:outgoing>F_T_look_T_close</bpmn:outgoing>
</bpmn:userTask>
<bpmn:sequenceFlow id="F_T_look_T_close" sourceRef="T_look" targetRef="T_close"/>
<bpmn:userTask id="T_close" """
# A reminder to the unit that nobody has been given the case yet.
_IDLE = """
<bpmn:boundaryEvent id="B_idle" name="迟迟未分派" cancelActivity="false" attachedToRef="T_assign">
  <bpmn:outgoing>F_B_idle_S_idle</bpmn:outgoing>
  <bpmn:timerEventDefinition id="B_idle_timer">
    <bpmn:timeDate xsi:type="bpmn:tFormalExpression">before_due("handling", "3 working_hour")</bpmn:timeDate>
  </bpmn:timerEventDefinition>
</bpmn:boundaryEvent>
<bpmn:serviceTask id="S_idle" name="登记迟缓" camunda:type="external" camunda:topic="case.late">
  <bpmn:extensionElements><camunda:inputOutput>
    <camunda:inputParameter name="what">dispatch</camunda:inputParameter>
  </camunda:inputOutput></bpmn:extensionElements>
  <bpmn:incoming>F_B_idle_S_idle</bpmn:incoming>
  <bpmn:outgoing>F_S_idle_E_idle</bpmn:outgoing>
</bpmn:serviceTask>
<bpmn:endEvent id="E_idle"><bpmn:incoming>F_S_idle_E_idle</bpmn:incoming></bpmn:endEvent>
<bpmn:sequenceFlow id="F_B_idle_S_idle" sourceRef="B_idle" targetRef="S_idle"/>
<bpmn:sequenceFlow id="F_S_idle_E_idle" sourceRef="S_idle" targetRef="E_idle"/>
<bpmn:userTask id="T_handle" """


def edited(files: Mapping[str, bytes], path: str, *changes: tuple[str, str]) -> dict[str, bytes]:
    """Return the files with texts of one of them replaced."""
    content = files[path].decode()
    for old, new in changes:
        assert old in content, old
        content = content.replace(old, new)
    return {**files, path: content.encode()}


def with_a_look_before_closing() -> dict[str, bytes]:
    """Return the shipped files with a task before the closing and a later reminder of the due time."""
    return edited(
        shipped_files(),
        "case.bpmn",
        ('sourceRef="G_reviewed" targetRef="T_close"', 'sourceRef="G_reviewed" targetRef="T_look"'),
        ('sourceRef="G_checked" targetRef="T_close"', 'sourceRef="G_checked" targetRef="T_look"'),
        ("      <bpmn:incoming>F_G_reviewed_T_close</bpmn:incoming>\n", ""),
        (
            "      <bpmn:incoming>F_G_checked_T_close</bpmn:incoming>\n",
            "      <bpmn:incoming>F_T_look_T_close</bpmn:incoming>\n",
        ),
        ('<bpmn:userTask id="T_close" ', _LOOK),
        ('before_due("handling", "2 working_hour")', 'before_due("handling", "1 working_hour")'),
    )


def with_a_reminder_to_assign() -> dict[str, bytes]:
    """Return the shipped files with a timer at the unit's first task."""
    return edited(shipped_files(), "handling.bpmn", ('<bpmn:userTask id="T_handle" ', _IDLE))


def with_the_review_renamed() -> dict[str, bytes]:
    """Return the shipped files with another element in place of the review."""
    return edited(shipped_files(), "case.bpmn", ("T_review", "T_feedback"))
