"""Deploying definitions, and checking them from the command line."""

from __future__ import annotations

import pytest

from app.cases.effects import topics
from app.engine.definitions import bundle_hash
from app.errors import DefinitionError, Forbidden, NotFound
from app.modeling.bundles import pack, shipped_files, unpack
from app.modeling.commands import ActivateVersion, DeployBundle
from app.modeling.queries import active_hash, deployed, versions_of
from app.run import SYSTEM, Actor, run

ANALYST = Actor(None, None, "", frozenset({"analyst"}), "分析员")


def raw(session):
    return session.connection().connection.driver_connection


def deploy(files, actor=SYSTEM):
    return run(DeployBundle("case", files, topics()), actor=actor)


def changed(files):
    return {
        **files,
        "handling.bpmn": files["handling.bpmn"].replace("现场处置".encode(), b"On site"),
    }


def test_deployed_bundle_is_active_and_compiles(session, open_database):
    files = shipped_files()
    version = deploy(files)
    assert version == bundle_hash(files)
    assert active_hash(raw(session), "case") == version
    found = deployed(raw(session), version)
    assert "case" in found.definition.specs
    assert found.form("accept").fields[0].key == "outcome"
    assert deployed(raw(session), version) is found


def test_unknown_form_is_not_found(session, open_database):
    found = deployed(raw(session), deploy(shipped_files()))
    with pytest.raises(NotFound):
        found.form("nothing")


def test_deploying_the_same_twice_keeps_one_version(session, open_database):
    deploy(shipped_files())
    deploy(shipped_files())
    assert len(versions_of(session, "case")) == 1


def test_running_cases_stay_on_their_version(desk, session):
    case_id = desk.reported_case()
    newer = deploy(changed(shipped_files()))
    newer_case = desk.reported_case()
    rows = desk.rows("SELECT case_id, definition_hash FROM process_instances")
    assert {row["case_id"]: row["definition_hash"] for row in rows} == {
        case_id: desk.city.definition_hash,
        newer_case: newer,
    }


def test_older_version_can_be_made_active_again(session, open_database):
    older = deploy(shipped_files())
    deploy(changed(shipped_files()))
    run(ActivateVersion("case", older), actor=ANALYST)
    assert active_hash(raw(session), "case") == older
    assert sum(line.active for line in versions_of(session, "case")) == 1


def test_unknown_version_cannot_be_made_active(open_database):
    with pytest.raises(NotFound):
        run(ActivateVersion("case", "0" * 64), actor=ANALYST)


def test_nothing_deployed_says_what_to_do(session, open_database):
    with pytest.raises(NotFound, match="deploy-shipped"):
        active_hash(raw(session), "case")


def test_faulty_bundle_is_refused_and_nothing_stored(session, open_database):
    files = shipped_files()
    files["case.bpmn"] = files["case.bpmn"].replace(b'topic="case.file"', b'topic="os.system"')
    with pytest.raises(DefinitionError) as refused:
        deploy(files)
    assert [(f.file, f.element) for f in refused.value.faults] == [("case.bpmn", "S_file")]
    assert versions_of(session, "case") == []


def test_task_of_two_roles_is_refused(open_database):
    files = shipped_files()
    files["check.bpmn"] = files["check.bpmn"].replace(b'"collector"', b'"collector,dispatcher"')
    with pytest.raises(DefinitionError) as refused:
        deploy(files)
    assert [(f.file, f.element) for f in refused.value.faults] == [("check.bpmn", "T_check")]


def test_dispatcher_may_not_deploy(desk):
    with pytest.raises(Forbidden):
        deploy(shipped_files(), actor=desk.city.dispatcher)


def test_packed_bundle_comes_back_whole():
    files = shipped_files()
    assert unpack(pack(files)) == files


@pytest.fixture
def cli(app):
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["definitions", *map(str, arguments)])


def test_check_finds_no_fault_in_the_shipped_files(cli, tmp_path):
    for name, content in shipped_files().items():
        (tmp_path / name).write_bytes(content)
    done = cli("check", *sorted(tmp_path.iterdir()))
    assert (done.exit_code, done.output) == (0, "41 files, no fault.\n")


def test_check_prints_a_line_for_each_fault_and_fails(cli, tmp_path):
    path = tmp_path / "handling.bpmn"
    content = shipped_files()["handling.bpmn"]
    path.write_bytes(content.replace(b'outcome == "redo"', b"__import__('os')"))
    done = cli("check", path)
    assert done.exit_code == 1
    file, element, rest = done.output.strip().split(":", 2)
    assert (file, element) == ("handling.bpmn", "F_G_confirmed_T_handle")
    assert "; " in rest


def test_check_takes_a_changed_copy_for_the_file_it_replaces(cli, tmp_path):
    path = tmp_path / "my_handling.bpmn"
    path.write_bytes(shipped_files()["handling.bpmn"])
    assert cli("check", path).exit_code == 0


def test_check_refuses_a_document_type(cli, tmp_path):
    path = tmp_path / "evil.bpmn"
    path.write_bytes(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>')
    done = cli("check", path)
    assert done.exit_code == 1
    assert done.output.startswith("evil.bpmn:")


def test_deploy_shipped_makes_it_the_active_one(cli, session):
    done = cli("deploy-shipped")
    assert done.exit_code == 0
    assert active_hash(raw(session), "case") == done.output.strip()
