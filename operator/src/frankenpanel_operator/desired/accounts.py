"""The users of a Site behind a password: the tenant's Secret, brought into the pod by the kubelet.

The operator neither reads nor copies it. The image's entry point turns its lines into accounts of the web
server, also when they change; while there is no valid line, nobody can log in.
"""

from __future__ import annotations

from frankenpanel_crds.site import Site

from frankenpanel_operator.observed import Manifest

ACCOUNTS_FOLDER = "/run/frankenpanel/accounts"
ACCOUNTS_KEY = "auth"

_VOLUME = "accounts"


def account_volumes(site: Site) -> tuple[Manifest, ...]:
    """Return the volume with the Secret; optional, so that a missing one closes the site and not the pod."""
    name = _secret_name(site)
    if name is None:
        return ()
    secret = {
        "secretName": name,
        "optional": True,
        "defaultMode": 0o440,
        "items": [{"key": ACCOUNTS_KEY, "path": ACCOUNTS_KEY}],
    }
    return ({"name": _VOLUME, "secret": secret},)


def account_mounts(site: Site) -> tuple[Manifest, ...]:
    """Return where the entry point finds it."""
    if _secret_name(site) is None:
        return ()
    return ({"name": _VOLUME, "mountPath": ACCOUNTS_FOLDER, "readOnly": True},)


def _secret_name(site: Site) -> str | None:
    basic_auth = site.spec.access.basic_auth if site.spec.access is not None else None
    return basic_auth.secret_ref.name if basic_auth is not None else None
