"""Where a database server is, in the form in which the provisioner takes it."""

from __future__ import annotations

from frankenpanel_crds.databaseserver import DatabaseServer

from frankenpanel_operator.ports import DatabaseAddress


def address_of(server: DatabaseServer) -> DatabaseAddress:
    """Return the address that a DatabaseServer describes."""
    return DatabaseAddress(
        server_name=server.metadata.name,
        host=server.spec.host,
        port=server.spec.port,
        admin_secret=server.spec.admin_secret_ref.name,
    )
