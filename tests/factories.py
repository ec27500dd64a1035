"""The cast of the tests: one small city, and cases brought to a state by its people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

import app.cases.commands  # noqa: F401 because it registers the handlers
from app.cases.commands import CompleteWork, ReportCase
from app.cases.effects import topics
from app.cases.steps import StepResult
from app.db.session import Database
from app.modeling.bundles import shipped_files
from app.modeling.commands import DeployBundle
from app.run import SYSTEM, Actor, run

# In the one unit grid of the city, and far outside it.
IN_GRID = {"lon": 112.55, "lat": 37.87}
OUTSIDE = {"lon": 116.4, "lat": 39.9}

_SQUARE = '{"type":"Polygon","coordinates":[[[112.5,37.8],[112.6,37.8],[112.6,37.9],[112.5,37.9],[112.5,37.8]]]}'

_CITY = f"""
INSERT INTO units (id, code, name, name_en, level, parent_id, path, rank_group, district_code, duties) VALUES
  (1, 'CITY', '市平台', 'City', 1, NULL, '/1/', NULL, NULL, '{{}}'),
  (11, 'D1', '东区平台', 'East', 2, 1, '/1/11/', 'district', '140106', '{{sanitation}}'),
  (12, 'D2', '西区平台', 'West', 2, 1, '/1/12/', 'district', '140107', '{{sanitation}}'),
  (111, 'D1S1', '东一街道', 'East one', 3, 11, '/1/11/111/', NULL, '140106', '{{}}');
INSERT INTO people (id, unit_id, login, name) VALUES
  (101, 1, 'collector', '采集员甲'), (102, 1, 'intake', '受理员甲'), (103, 1, 'intake2', '受理员乙'),
  (104, 1, 'dispatcher', '派遣员甲'), (105, 1, 'chief', '值班长甲'), (106, 1, 'supervisor', '督察员甲'),
  (111, 11, 'manager1', '东区负责人'), (112, 111, 'handler1', '东区处置员'),
  (121, 12, 'manager2', '西区负责人'), (122, 12, 'handler2', '西区处置员');
INSERT INTO person_roles (person_id, role) VALUES
  (101, 'collector'), (102, 'intake_officer'), (103, 'intake_officer'), (104, 'dispatcher'),
  (105, 'duty_chief'), (106, 'supervisor'), (111, 'unit_manager'), (112, 'unit_handler'),
  (121, 'unit_manager'), (122, 'unit_handler');
INSERT INTO catalogue_versions (id, valid_from, note) VALUES (1, '2015-01-01', 'for tests');
INSERT INTO classes (id, version_id, kind, major_code, major_name, minor_code, minor_name, code, duty, name_en)
  VALUES (1, 1, 'event', '01', '市容环境', '02', '暴露垃圾', 'E-01-02', 'sanitation', 'Litter');
INSERT INTO filing_conditions (id, class_id, seq, wording, limit_value, limit_unit, closing_wording) VALUES
  (1, 1, 1, '有暴露垃圾', 4, 'working_hour', '已清除'), (2, 1, 2, '成片垃圾', 2, 'working_day', '已清除');
INSERT INTO districts (code, name, outline) VALUES ('140106', '东区', '{_SQUARE}');
INSERT INTO streets (code, district_code, name) VALUES ('140106001', '140106', '东一街道');
INSERT INTO responsibility_grids (code, district_code, name, outline) VALUES ('R1', '140106', '一号', '{_SQUARE}');
INSERT INTO unit_grids (code, responsibility_code, street_code, district_code, outline)
  VALUES ('140106001001001', 'R1', '140106001', '140106', '{_SQUARE}');
INSERT INTO grid_versions (digest, loaded_at) VALUES ('one square', '2025-01-01');
-- What a test adds comes after these, wherever the sequences stand: they do not roll back.
SELECT setval(pg_get_serial_sequence('units', 'id'), 10000), setval(pg_get_serial_sequence('people', 'id'), 10000);
"""


@dataclass(frozen=True)
class City:
    """The people of the small city, as they act."""

    collector: Actor
    intake: Actor
    intake2: Actor
    dispatcher: Actor
    chief: Actor
    supervisor: Actor
    manager1: Actor
    handler1: Actor
    manager2: Actor
    handler2: Actor
    definition_hash: str


def build_city(session: Session) -> City:
    """Fill an empty database with the small city and deploy the shipped diagrams; it commits."""
    for statement in _CITY.split(";\n"):
        if statement.strip():
            session.connection().exec_driver_sql(statement)
    session.commit()
    version = run(DeployBundle("case", shipped_files(), topics()), actor=SYSTEM)
    rows = session.execute(
        text(
            "SELECT p.login, p.id, p.unit_id, u.path, array_agg(r.role), p.name FROM people p"
            " JOIN units u ON u.id = p.unit_id JOIN person_roles r ON r.person_id = p.id"
            " GROUP BY p.id, u.path"
        )
    )
    people = {
        login: Actor(person_id, unit_id, path, frozenset(roles), name)
        for login, person_id, unit_id, path, roles, name in rows
    }
    session.commit()
    return City(**people, definition_hash=version)


@dataclass(frozen=True)
class Desk:
    """Bring cases to a state, through the same commands that people use."""

    city: City
    database: Database

    def rows(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return what a statement finds."""
        with self.database.sessions() as session:
            return [dict(row._mapping) for row in session.execute(text(statement), parameters)]

    def case(self, case_id: int) -> dict[str, Any]:
        return self.rows("SELECT * FROM cases WHERE id = :id", id=case_id)[0]

    def item(self, case_id: int, element: str) -> int:
        """Return the id of the open item of an element."""
        found = self.rows(
            "SELECT id FROM work_items WHERE case_id = :id AND element = :element AND status = 'open'",
            id=case_id,
            element=element,
        )
        assert len(found) == 1, f"{element}: {self.open_elements(case_id)}"
        return int(found[0]["id"])

    def open_elements(self, case_id: int) -> list[str]:
        found = self.rows(
            "SELECT element FROM work_items WHERE case_id = :id AND status = 'open' ORDER BY id",
            id=case_id,
        )
        return [row["element"] for row in found]

    def facts(self, case_id: int) -> list[dict[str, Any]]:
        """Return the current facts of a case in order of dispatch."""
        return self.rows(
            "SELECT * FROM facts WHERE case_id = :id AND valid_to IS NULL ORDER BY dispatch_no",
            id=case_id,
        )

    def log_kinds(self, case_id: int) -> list[str]:
        found = self.rows("SELECT kind FROM case_log WHERE case_id = :id ORDER BY seq", id=case_id)
        return [row["kind"] for row in found]

    def do(
        self, case_id: int, element: str, actor: Actor, outcome: str, **answers: Any
    ) -> StepResult:
        """Let a person complete the open item of an element."""
        command = CompleteWork(self.item(case_id, element), {"outcome": outcome, **answers})
        result: StepResult = run(command, actor=actor)
        return result

    def reported_case(self, **given: Any) -> int:
        """Return a case that waits to be accepted."""
        command = ReportCase(**{"channel": "collector", "title": "路边垃圾", **IN_GRID, **given})
        return int(run(command, actor=self.city.collector).case_id)

    def accepted_case(self) -> int:
        case_id = self.reported_case()
        self.do(case_id, "T_accept", self.city.intake, "accept")
        return case_id

    def filed_case(self, seq: int = 1) -> int:
        """Return a case that waits for its dispatch, with four working hours to come."""
        case_id = self.accepted_case()
        self.do(
            case_id, "T_file", self.city.intake, "file", class_code="E-01-02", condition_seq=seq
        )
        return case_id

    def dispatched_case(self, seq: int = 1) -> int:
        """Return a case that the eastern unit has."""
        case_id = self.filed_case(seq)
        self.do(case_id, "T_dispatch", self.city.dispatcher, "dispatch", unit_id=11)
        return case_id

    def assigned_case(self) -> int:
        """Return a case that the eastern handler has."""
        case_id = self.dispatched_case()
        self.do(case_id, "T_assign", self.city.manager1, "assign", handler_id=112)
        return case_id

    def handed_in_case(self) -> int:
        """Return a case whose result waits for the dispatcher's review."""
        case_id = self.dispatched_case()
        self.hand_in(case_id)
        return case_id

    def hand_in(self, case_id: int) -> None:
        """Let the unit do the work itself and hand it in."""
        self.do(case_id, "T_assign", self.city.manager1, "direct", opinion="已清除")

    def closing_case(self) -> int:
        """Return a case that only the duty chief's word is missing to."""
        case_id = self.handed_in_case()
        self.do(case_id, "T_review", self.city.dispatcher, "pass_by_photo")
        return case_id

    def closed_case(self) -> int:
        case_id = self.closing_case()
        self.do(case_id, "T_close", self.city.chief, "close")
        return case_id
