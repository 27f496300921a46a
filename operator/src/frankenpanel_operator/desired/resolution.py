"""Turns what a Site refers to into decided inputs, and what cannot be decided into problems.

A problem never stops the rest: each reference is resolved by itself, and only what depends on an unresolved
one is withheld later. Messages are for tenants: they name the field, the cure and the choices, and no part of
the platform.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from frankenpanel_crds.conditions import SiteCondition, SiteReason, SummaryCondition, find_condition
from frankenpanel_crds.databaseserver import DatabaseServer
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.runtimecatalog import RuntimeCatalog
from frankenpanel_crds.site import Site
from frankenpanel_crds.site_storage import SiteDatabaseEngine
from frankenpanel_crds.sitepreset import ConfigFormat, SitePreset

from frankenpanel_operator import naming
from frankenpanel_operator.credentials import SiteCredentials
from frankenpanel_operator.desired.domains import leading_primary, oldest_first
from frankenpanel_operator.desired.inputs import Application, Database, Platform, Runtime, SiteInputs
from frankenpanel_operator.desired.problem import Problem
from frankenpanel_operator.desired.volumes import resolve_storage
from frankenpanel_operator.observed import Manifest, UnreadableObject


@dataclass(frozen=True, slots=True)
class References:
    """What the Site's references point at, as far as it exists.

    `domains` are those that name the Site. `retained_claims` are the PersistentVolumeClaims of its namespace
    whose data-id label is `site_data_id(site)`, needed only where `spec.bootstrapFrom` is set. `unreadable`
    are those among catalogue, preset and servers that exist and are none of the above all the same.
    """

    platform: Platform
    credentials: SiteCredentials
    catalog: RuntimeCatalog | None = None
    preset: SitePreset | None = None
    servers: tuple[DatabaseServer, ...] = ()
    domains: tuple[Domain, ...] = ()
    retained_claims: tuple[Manifest, ...] = ()
    unreadable: tuple[UnreadableObject, ...] = ()

    def unreadable_of(self, kind: str, name: str | None = None) -> UnreadableObject | None:
        """Return the first unreadable object of a kind, of this name if one is given."""
        found = (item for item in self.unreadable if item.kind == kind and name in (None, item.name))
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The decided inputs, and why the undecided ones are missing."""

    inputs: SiteInputs
    problems: tuple[Problem, ...] = ()
    domains: tuple[Domain, ...] = field(default=())

    def problem_of(self, condition: str) -> Problem | None:
        """Return the first problem that belongs to a condition."""
        return next((problem for problem in self.problems if problem.condition == condition), None)


def data_owner_uid(site: Site) -> str:
    """Return the uid under which the Site's data came into being: its own, or its predecessor's."""
    source = site.spec.bootstrap_from
    return source.retained.uid if source is not None else site.metadata.uid or ""


def site_data_id(site: Site) -> str:
    """Return the id that the Site's database, volumes and credentials are derived from."""
    return naming.data_id(data_owner_uid(site))


def resolve(site: Site, references: References) -> Resolution:
    """Decide everything that the Site leaves to its surroundings."""
    data = site_data_id(site)
    leader = leading_primary(references.domains)
    runtime, runtime_problems = _runtime(site, references)
    application, source_problems = _application(site, references)
    storage, storage_problems = resolve_storage(site, references.preset, data, references.retained_claims)
    database, database_problems = _database(site, references, data)
    if any(problem.reason is SiteReason.RETAINED_DATA_NOT_FOUND for problem in storage_problems):
        # Data that is not there must not be made up: an empty database would pass for the old one.
        database = None
    inputs = SiteInputs(
        platform=references.platform,
        data_id=data,
        credentials=references.credentials,
        storage=storage,
        runtime=runtime,
        application=application,
        database=database,
        primary_host=leader.status.host if leader is not None else None,
    )
    problems = (*source_problems, *runtime_problems, *storage_problems, *database_problems)
    return Resolution(inputs, problems, oldest_first(references.domains))


def wants_database(site: Site) -> bool:
    """Say whether the Site asks for a database at all."""
    return site.spec.database.engine is not SiteDatabaseEngine.NONE


def _runtime(site: Site, references: References) -> tuple[Runtime | None, tuple[Problem, ...]]:
    catalog, unreadable = references.catalog, references.unreadable_of(RuntimeCatalog.NAMES.kind)
    if unreadable is not None:
        return None, (_unreadable(SiteCondition.RUNTIME_READY, unreadable),)
    if catalog is None:
        return None, (
            Problem(
                SiteCondition.RUNTIME_READY,
                SiteReason.CATALOG_NOT_FOUND,
                'There is no list of PHP versions; an administrator must make the RuntimeCatalog "default".',
            ),
        )
    wanted = site.spec.runtime.php if site.spec.runtime else None
    php = wanted or catalog.spec.default
    image = catalog.spec.image_of(php)
    if image is not None:
        return Runtime(php, image), ()
    choices = _listed(runtime.php for runtime in catalog.spec.runtimes)
    message = f'PHP "{php}" is not on offer; set spec.runtime.php to one of: {choices}.'
    return None, (Problem(SiteCondition.RUNTIME_READY, SiteReason.RUNTIME_NOT_FOUND, message),)


def _application(site: Site, references: References) -> tuple[Application | None, tuple[Problem, ...]]:
    source, preset = site.spec.source.preset, references.preset
    unreadable = references.unreadable_of(SitePreset.NAMES.kind)
    if unreadable is not None:
        return None, (_unreadable(SiteCondition.SOURCE_READY, unreadable),)
    if preset is None:
        message = (
            f'There is no SitePreset "{source.name}"; set spec.source.preset.name to one that '
            '"kubectl get sitepresets" lists.'
        )
        return None, (Problem(SiteCondition.SOURCE_READY, SiteReason.PRESET_NOT_FOUND, message),)
    version = source.version or preset.spec.default_version
    image = preset.spec.image_of(version)
    if image is None:
        choices = _listed(item.version for item in preset.spec.versions)
        message = (
            f'{preset.spec.title} has no version "{version}" here; '
            f"set spec.source.preset.version to one of: {choices}."
        )
        return None, (Problem(SiteCondition.SOURCE_READY, SiteReason.PRESET_VERSION_NOT_FOUND, message),)
    runtime = site.spec.runtime
    install, rewrite = preset.spec.install, preset.spec.rewrite
    application = Application(
        preset=source.name,
        version=version,
        image=image,
        document_root=(runtime.document_root if runtime else None) or preset.spec.document_root,
        config_format=preset.spec.config_format.value,
        install_command=install.command if install is not None else (),
        health_path=site.spec.health.path or preset.spec.health_path,
        rewrite_command=rewrite.command if rewrite is not None else (),
    )
    return application, ()


def _database(site: Site, references: References, data: str) -> tuple[Database | None, tuple[Problem, ...]]:
    if not wants_database(site):
        return None, _missing_database(references.preset)
    engine = site.spec.database.engine.value
    eligible = [server for server in references.servers if server.spec.engine.value == engine]
    pinned = site.status.database.server_name if site.status.database else None
    if pinned is not None:
        # Data does not move by itself: a server that is gone is waited for, never replaced by an empty one.
        eligible = [server for server in eligible if server.metadata.name == pinned]
    if not eligible:
        unreadable = references.unreadable_of(DatabaseServer.NAMES.kind, pinned)
        if unreadable is not None:
            return None, (_unreadable(SiteCondition.DATABASE_READY, unreadable),)
        return None, (_no_server(engine, is_pinned=pinned is not None),)
    server = min(eligible, key=lambda item: (pinned is None and not _is_ready(item), item.metadata.name))
    database = Database(
        server_name=server.metadata.name,
        engine=engine,
        host=server.spec.host,
        port=server.spec.port,
        name=naming.database_name(data),
        admin_secret=server.spec.admin_secret_ref.name,
    )
    return database, ()


def _missing_database(preset: SitePreset | None) -> tuple[Problem, ...]:
    """Refuse an application without a database where its configuration file is all about one."""
    if preset is None or preset.spec.config_format is not ConfigFormat.WP_CONFIG:
        return ()
    message = (
        f"{preset.spec.title} needs a database, but spec.database.engine is None; "
        "create the Site anew with MariaDB or MySQL."
    )
    return (Problem(SiteCondition.DATABASE_READY, SiteReason.SPEC_INVALID, message),)


def _unreadable(condition: SiteCondition, found: UnreadableObject) -> Problem:
    message = (
        f"The {found.kind} {found.name} has a value in {found.field} that this release cannot read; "
        "ask your administrator to correct it."
    )
    return Problem(condition, SiteReason.REFERENCE_UNREADABLE, message)


def _no_server(engine: str, *, is_pinned: bool) -> Problem:
    if is_pinned:
        message = (
            "The database server that holds this Site's data is not known any more; "
            "ask your administrator to bring it back."
        )
    else:
        message = (
            f"No database server offers {engine}; set spec.database.engine of a new Site to another engine, "
            "or ask your administrator for one."
        )
    return Problem(SiteCondition.DATABASE_READY, SiteReason.DATABASE_SERVER_NOT_FOUND, message)


def _is_ready(server: DatabaseServer) -> bool:
    ready = find_condition(server.status.conditions, SummaryCondition.READY)
    return ready is not None and ready.is_true


def _listed(items: Iterable[str]) -> str:
    return ", ".join(f'"{item}"' for item in items)
