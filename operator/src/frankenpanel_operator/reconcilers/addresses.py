"""Where a database server is, and which account on it is meant, as the provisioner takes it."""

from __future__ import annotations

from frankenpanel_crds.databaseserver import DatabaseServer
from frankenpanel_crds.site import Site

from frankenpanel_operator.desired.inputs import Database
from frankenpanel_operator.desired.resolution import data_owner_uid
from frankenpanel_operator.naming import database_name
from frankenpanel_operator.ports import DatabaseAccount, DatabaseAddress


def address_of(server: DatabaseServer) -> DatabaseAddress:
    """Return the address that a DatabaseServer describes."""
    return DatabaseAddress(
        server_name=server.metadata.name,
        host=server.spec.host,
        port=server.spec.port,
        admin_secret=server.spec.admin_secret_ref.name,
    )


def address_in(database: Database) -> DatabaseAddress:
    """Return the address of the server that was chosen for a Site."""
    return DatabaseAddress(
        server_name=database.server_name,
        host=database.host,
        port=database.port,
        admin_secret=database.admin_secret,
    )


def account_of(site: Site, data_id: str) -> DatabaseAccount:
    """Return the account of a Site, named after its data."""
    owner_uid = data_owner_uid(site)
    return DatabaseAccount(
        name=database_name(data_id),
        site_uid=site.metadata.uid or "",
        site_namespace=site.metadata.namespace or "",
        site_name=site.metadata.name,
        charset=site.spec.database.charset,
        max_connections=site.spec.database.max_connections,
        adopt_uid=owner_uid if owner_uid != site.metadata.uid else None,
    )
