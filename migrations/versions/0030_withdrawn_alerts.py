"""Let an alert that ends with its rule or device say so, instead of having returned to normal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030_withdrawn_alerts"
down_revision = "0029_as_of"
branch_labels = None
depends_on = None

_BEFORE = ("real", "automatic", "false_alarm", "returned")
_VERDICTS = (*_BEFORE, "withdrawn")
_ENDED_WITH = ("rule", "device", "change", "lapse")
# A rule that somebody ended closed its alerts at that very moment; what fell by itself did so with a reading.
_ENDED = """
UPDATE alerts a SET ended_with = 'rule',
    verdict = CASE WHEN a.verdict IS NULL OR a.verdict = 'returned' THEN 'withdrawn' ELSE a.verdict END
FROM sensor_rules r
WHERE r.id = a.rule_id AND r.ended_by IS NOT NULL AND a.closed_at = r.valid_to
"""


def upgrade() -> None:
    op.add_column("alerts", sa.Column("ended_with", sa.Text()))
    op.create_check_constraint(
        op.f("ck_alerts_ended_with"),
        "alerts",
        f"ended_with IS NULL OR ended_with IN {_ENDED_WITH} AND closed_at IS NOT NULL",
    )
    op.drop_constraint(op.f("ck_alerts_verdict"), "alerts")
    op.create_check_constraint(op.f("ck_alerts_verdict"), "alerts", f"verdict IN {_VERDICTS}")
    op.execute(_ENDED)


def downgrade() -> None:
    op.execute("UPDATE alerts SET verdict = 'returned' WHERE verdict = 'withdrawn'")
    op.drop_constraint(op.f("ck_alerts_verdict"), "alerts")
    op.create_check_constraint(op.f("ck_alerts_verdict"), "alerts", f"verdict IN {_BEFORE}")
    op.drop_constraint(op.f("ck_alerts_ended_with"), "alerts")
    op.drop_column("alerts", "ended_with")
