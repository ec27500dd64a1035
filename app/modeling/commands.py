"""Use cases of the modeling room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select, text, update

from app.accounts.roles import ADMINISTRATOR, ANALYST
from app.engine.definitions import bundle_hash, compile_bundle
from app.errors import DefinitionError, NotFound
from app.modeling.activation import activation_faults
from app.modeling.bundles import diagrams_of, find_faults, pack
from app.modeling.queries import deployed
from app.modeling.tables import DefinitionVersion
from app.run import Tx, handles

# Any number that nothing else in this database locks: deployments of one definition come one by one.
DEPLOY_LOCK = 4_821_177


@dataclass(frozen=True)
class DeployBundle:
    """Check a bundle, keep it under its hash and let new cases start on it.

    topics: what its service tasks may name; the subject that runs the definition knows them.
    """

    key: str
    files: Mapping[str, bytes] = field(repr=False)
    topics: frozenset[str] = field(repr=False)
    note: str = ""


@dataclass(frozen=True)
class ActivateVersion:
    """Let new cases start on a version deployed before; running ones stay where they are."""

    key: str
    hash: str


@handles(DeployBundle, ANALYST, ADMINISTRATOR)
def deploy_bundle(command: DeployBundle, tx: Tx) -> str:
    """Deploy a bundle and return its hash. Raises DefinitionError with every fault."""
    faults = find_faults(command.files, topics=command.topics)
    if faults:
        raise DefinitionError(faults)
    compile_bundle(diagrams_of(command.files))
    version_hash = bundle_hash(command.files)
    tx.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": DEPLOY_LOCK})
    known = tx.session.scalar(
        select(DefinitionVersion.key).where(DefinitionVersion.hash == version_hash)
    )
    if known is None:
        version = DefinitionVersion(
            key=command.key,
            hash=version_hash,
            bundle=pack(command.files),
            deployed_at=tx.clock.now(),
            deployed_by=tx.actor.person_id,
            note=command.note,
            active=False,
        )
        tx.session.add(version)
        tx.session.flush()
    _activate(tx, command.key, version_hash)
    return version_hash


@handles(ActivateVersion, ANALYST, ADMINISTRATOR)
def activate_version(command: ActivateVersion, tx: Tx) -> None:
    """Make a version the active one of its key."""
    tx.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": DEPLOY_LOCK})
    _activate(tx, command.key, command.hash)


def _activate(tx: Tx, key: str, version_hash: str) -> None:
    """Make a version the active one. Raises DefinitionError with what other rooms find wrong with it."""
    found = deployed(tx.connection, version_hash)
    faults = activation_faults(tx, found.definition)
    if faults:
        raise DefinitionError(faults)
    tx.session.execute(
        update(DefinitionVersion)
        .where(
            DefinitionVersion.key == key,
            DefinitionVersion.active,
            DefinitionVersion.hash != version_hash,
        )
        .values(active=False)
    )
    done = tx.session.execute(
        update(DefinitionVersion)
        .where(DefinitionVersion.key == key, DefinitionVersion.hash == version_hash)
        .values(active=True)
        .returning(DefinitionVersion.id)
    ).first()
    if done is None:
        raise NotFound("流程“%(key)s”没有版本 %(hash)s。", key=key, hash=version_hash[:12])
