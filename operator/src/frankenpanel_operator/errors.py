"""Domain errors, and with them the only question the engine asks: try again, or wait for a change?

```text
FrankenPanelError
├── SpecError                    nothing but an edit heals it: a condition, never a retry
│   ├── ObjectNameTakenError     a foreign object has the name that an owned object needs
│   ├── DatabaseNameTakenError   the server has a database of that name which is not this Site's
│   ├── DatabaseLostError        the Site had a database and the server has it no more
│   ├── RetainedDataNotFoundError  the data that spec.bootstrapFrom.retained names is not on the server
│   ├── SecretNotFoundError      there is no Secret of the name that a tenant's object gives
│   └── SecretForbiddenError     the tenant's namespace has not allowed the operator to read it
├── TransientError               heals by itself: retried with backoff
│   ├── DatabaseUnavailableError a database server does not answer
│   │   ├── DatabaseAccessDeniedError  it refuses the admin account
│   │   └── AdminSecretError     the Secret of the admin account is missing or incomplete
│   └── ClusterUnavailableError  the API server is unreachable, overloaded or answered 5xx
├── ConflictError                somebody else wrote first: read again and retry at once
├── LeadershipLostError          another replica leads, or nobody knows: nothing may be written
└── ClusterRefusedError          the API server refused the request (403, 422): a condition and a slow retry
    └── NamespaceTerminatingError  nothing can be made in this namespace any more
```
"""

from __future__ import annotations

KUBERNETES = "kubernetes"
"""The API server, as a dependency that everything needs."""


def database_dependency(server_name: str) -> str:
    """Name a database server as a dependency."""
    return f"database/{server_name}"


class FrankenPanelError(Exception):
    """The root of all errors this operator raises on purpose."""


class SpecError(FrankenPanelError):
    """Only an edit by a person heals this."""


class ObjectNameTakenError(SpecError):
    """An object that is not ours has the name which an owned object needs."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name} exists already and is not owned by this Site; rename or delete it")
        self.kind = kind
        self.name = name


class DatabaseNameTakenError(SpecError):
    """The server has a database of the derived name without an ownership row of this Site."""


class DatabaseLostError(SpecError):
    """The database was made and is gone; an empty one in its place would hide the loss."""


class RetainedDataNotFoundError(SpecError):
    """The server has no retained database of the Site that `spec.bootstrapFrom.retained` names."""


class SecretNotFoundError(SpecError):
    """A Secret that an object of a tenant names does not exist."""


class SecretForbiddenError(SpecError):
    """The namespace of a tenant's Secret has not allowed the operator to read it."""


class TransientError(FrankenPanelError):
    """Heals without an edit; worth a retry.

    Attributes:
        retry_after_seconds: a lower bound for the next try, where the other side named one.
        dependency: what did not answer, where others that need it would fail as well: `KUBERNETES`, or
            `database_dependency(server)`. None where only this object is concerned.
    """

    def __init__(
        self, message: str, *, retry_after_seconds: float | None = None, dependency: str | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds
        self.dependency = dependency


class DatabaseUnavailableError(TransientError):
    """A database server does not answer, or refuses the admin account."""


class DatabaseAccessDeniedError(DatabaseUnavailableError):
    """The server refuses the admin account; its password may be being changed."""


class AdminSecretError(DatabaseUnavailableError):
    """The Secret that a DatabaseServer names does not exist, or lacks username or password."""


class ClusterUnavailableError(TransientError):
    """The API server is unreachable, overloaded (429) or failed (5xx)."""


class LeadershipLostError(FrankenPanelError):
    """This replica does not lead (any more); raised in the moment in which a write would have gone out."""


class ConflictError(FrankenPanelError):
    """The object changed between reading and writing (HTTP 409 with a resourceVersion)."""


class ClusterRefusedError(FrankenPanelError):
    """The API server refused a request as forbidden or invalid (HTTP 403, 422)."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class NamespaceTerminatingError(ClusterRefusedError):
    """The namespace is being deleted, so nothing can be created in it; the Site's own deletion follows."""
