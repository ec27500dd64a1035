"""The roles that diagrams and pages speak of."""

from __future__ import annotations

from typing import Final

COLLECTOR: Final = "collector"
INTAKE_OFFICER: Final = "intake_officer"
DUTY_CHIEF: Final = "duty_chief"
DISPATCHER: Final = "dispatcher"
UNIT_HANDLER: Final = "unit_handler"
UNIT_MANAGER: Final = "unit_manager"
SUPERVISOR: Final = "supervisor"
ASSESSOR: Final = "assessor"
ANALYST: Final = "analyst"
ADMINISTRATOR: Final = "administrator"
LEADER: Final = "leader"
AUDITOR: Final = "auditor"
WATCH_OFFICER: Final = "watch_officer"
FLOOD_STAFF: Final = "flood_staff"
FLOOD_COMMANDER: Final = "flood_commander"

# Role -> its name in Chinese (the msgid) and in English.
ROLES: Final = {
    COLLECTOR: ("信息采集员", "Collector"),
    INTAKE_OFFICER: ("受理员", "Intake officer"),
    DUTY_CHIEF: ("值班长", "Duty chief"),
    DISPATCHER: ("派遣员", "Dispatcher"),
    UNIT_HANDLER: ("处置人员", "Handler"),
    UNIT_MANAGER: ("处置部门负责人", "Unit manager"),
    SUPERVISOR: ("督察员", "Supervisor"),
    ASSESSOR: ("考核员", "Assessor"),
    ANALYST: ("流程分析员", "Process analyst"),
    ADMINISTRATOR: ("管理员", "Administrator"),
    LEADER: ("领导", "Leader"),
    AUDITOR: ("审计员", "Auditor"),
    WATCH_OFFICER: ("监测值班员", "Watch officer"),
    FLOOD_STAFF: ("防汛人员", "Flood staff"),
    FLOOD_COMMANDER: ("防汛指挥", "Flood commander"),
}

# Everybody but the auditor, who reads all and changes nothing.
DOERS: Final = frozenset(ROLES) - {AUDITOR}
