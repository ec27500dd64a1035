"""What a database must hold before cases can be lived in it: a catalogue and diagrams."""

from __future__ import annotations

from sqlalchemy import select

from app.cases.commands.report import CASE_KEY
from app.cases.effects import topics
from app.catalogue.commands import LoadCatalogue
from app.catalogue.files import versions
from app.modeling.bundles import shipped_files
from app.modeling.commands import DeployBundle
from app.modeling.tables import DefinitionVersion
from app.run import SYSTEM, Runtime, run


def equip(runtime: Runtime) -> None:
    """Load the shipped catalogue, and the shipped diagrams where none are deployed."""
    for version in versions():
        run(LoadCatalogue(version), actor=SYSTEM, database=runtime.database)
    deploy_where_none_is(runtime)


def deploy_where_none_is(runtime: Runtime) -> None:
    """Deploy the shipped diagrams unless cases run on others."""
    is_active = select(DefinitionVersion.id).where(
        DefinitionVersion.key == CASE_KEY, DefinitionVersion.active
    )
    with runtime.database.sessions() as session:
        if session.scalar(is_active) is not None:
            return
    command = DeployBundle(CASE_KEY, shipped_files(), topics(), "随产品提供")
    run(command, actor=SYSTEM, database=runtime.database)
