"""A version of the diagrams must keep the decision tables that rules in force take their lines from."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from app.engine.definitions import Definition
from app.errors import Fault, InvalidInput
from app.modeling.activation import checks_activation
from app.run import Tx
from app.sensing.decided import lines_in
from app.sensing.rules import shipped_metrics
from app.sensing.shapes import shape_of
from app.sensing.tables import Device, SensorRule


@checks_activation
def tables_of_rules(tx: Tx, definition: Definition) -> list[Fault]:
    """Return a fault for each rule whose table is gone or gives no lines for a scene."""
    now = tx.clock.now()
    in_force = or_(SensorRule.valid_to.is_(None), SensorRule.valid_to > now)
    decided = select(SensorRule).where(in_force, SensorRule.data.has_key("decision"))
    rules = tx.session.scalars(decided.order_by(SensorRule.id)).all()
    if not rules:
        return []
    used = tx.session.scalars(select(Device.scene).where(Device.active).distinct()).all()
    return [
        fault for rule in rules for fault in _faults(rule, definition, rule.scenes or list(used))
    ]


def _faults(rule: SensorRule, definition: Definition, scenes: Sequence[str]) -> list[Fault]:
    shape = shape_of(rule.kind, rule.data, rule.samples, shipped_metrics().by_name)
    if shape.decided is None:
        return []
    key, remedy = shape.decided.key, f"mend the table, or end the rule {rule.name!r} first"
    table = definition.decisions.get(key)
    if table is None:
        reason = f"the rule {rule.name!r} takes its lines from this table"
        return [Fault(f"{key}.dmn", key, reason, "keep the table, or end the rule first")]
    for scene in scenes:
        try:
            lines = lines_in(table, shape.decided, scene)
            if lines:
                shape.threshold_of(lines)
        except InvalidInput as error:
            reason = "; ".join(map(str, error.fields.values()))
            return [Fault(f"{key}.dmn", key, f"scene {scene!r}: {reason}", remedy)]
    return []
