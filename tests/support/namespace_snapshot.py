"""All that there is of one tenant, in a form that is the same for everybody whose story went the same way."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from frankenpanel_operator import naming
from installation import CHILDREN, OURS, Installation, without_server_fields

_DIGEST = re.compile(r"(?<=rewrite-)[0-9a-f]{8}\b")
# What WordPress signs cookies with: whoever is signed in is signed out when one of these changes.
_KEYS = re.compile(r"'(\w+_(?:KEY|SALT))',\s*'([^']*)'")


def snapshot(installation: Installation, uids: Mapping[str, str]) -> dict[str, Any]:
    """Return what is there, as if the garbage collector had been here just now.

    Args:
        installation: whose tenant is looked at.
        uids: of all Sites there were, by their names.
    """
    state = {
        "sites": [_judged(item) for item in _items(installation, "sites")],
        "domains": [_judged(item) for item in _items(installation, "domains")],
        "claims": [_routed(item, installation) for item in _claims(installation)],
        "objects": _objects(installation),
        "databases": _databases(installation),
    }
    return _without_chance(state, uids, installation.tenant)


def passwords(installation: Installation) -> dict[str, dict[str, str]]:
    """Return all that must never be generated twice, by the names of the Secrets that hold it."""
    found: dict[str, dict[str, str]] = {}
    for secret in _secrets(installation):
        values = _values(secret)
        kept = {key: value for key, value in values.items() if key in {"password", "key"}}
        for text in values.values():
            kept.update(_KEYS.findall(text))
        found[secret["metadata"]["name"]] = kept
    return found


def database_logins(installation: Installation) -> list[dict[str, str]]:
    """Return what the Secrets say of the databases that are in use."""
    return [
        _values(secret)
        for secret in _secrets(installation)
        if "-database-" in secret["metadata"]["name"]
        and "frankenpanel.io/retained" not in secret["metadata"]["labels"]
    ]


def _secrets(installation: Installation) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = installation.api.request("GET", _path(installation, "Secret")).body["items"]
    return items


def _values(secret: Mapping[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret.get("data", {}).items()}


def _items(installation: Installation, plural: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = installation.api.request(
        "GET", f"{OURS}/namespaces/{installation.tenant}/{plural}"
    ).body["items"]
    return items


def _claims(installation: Installation) -> list[dict[str, Any]]:
    claims = installation.api.request("GET", f"{OURS}/domainclaims").body["items"]
    return [item for item in claims if item["spec"]["domainRef"]["namespace"] == installation.tenant]


def _judged(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object of a person's with the operator's word on it."""
    status, metadata = body.get("status", {}), body["metadata"]
    return {
        "name": metadata["name"],
        "finalizers": metadata.get("finalizers"),
        "is_observed": status.get("observedGeneration") == metadata["generation"],
        "url": status.get("url"),
        "conditions": {
            item["type"]: f"{item['status']} {item['reason']}" for item in status.get("conditions", [])
        },
    }


def _routed(claim: Mapping[str, Any], installation: Installation) -> dict[str, Any]:
    """Return whose a host is, and which Service gets its visitors."""
    services = installation.api.request("GET", _path(installation, "Service")).body["items"]
    names = {f"{item['spec']['clusterIP']}:8080": item["metadata"]["name"] for item in services}
    upstream = claim["spec"].get("route", {}).get("upstream")
    return {
        "host": claim["metadata"]["name"],
        "domain": claim["spec"]["domainRef"]["name"],
        "service": names.get(upstream, upstream),
    }


def _objects(installation: Installation) -> list[dict[str, Any]]:
    living = {item["metadata"]["uid"] for item in _items(installation, "sites")}
    found = []
    for kind in CHILDREN:
        for item in installation.api.request("GET", _path(installation, kind)).body["items"]:
            owners = item["metadata"].get("ownerReferences", [])
            if owners and not any(owner["uid"] in living for owner in owners):
                continue
            if "frankenpanel.io/site" in item["metadata"].get("labels", {}):
                found.append({**item, "kind": kind})
    plain = (
        {**_plain(item), "is_going": "deletionTimestamp" in item["metadata"]}
        for item in sorted(found, key=_order)
    )
    return list(plain)


def _order(item: Mapping[str, Any]) -> tuple[str, str, str]:
    """Sort by name, and by content what is told apart by a digest alone."""
    name, spec = item["metadata"]["name"], without_server_fields(item).get("spec")
    return item["kind"], _DIGEST.sub("", name), _DIGEST.sub("", json.dumps(spec, sort_keys=True))


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    if item["kind"] != "Secret":
        return without_server_fields(item)
    return {**without_server_fields({**item, "data": None}), "keys": sorted(item.get("data", {}))}


def _databases(installation: Installation) -> list[dict[str, Any]]:
    """Return the ownership rows of the tenant, and whether there is what each of them stands for."""
    if not installation.database.query("SHOW DATABASES LIKE 'frankenpanel'"):
        return []
    rows = installation.database.query(
        "SELECT database_name, site_uid, site_name, provisioned_at IS NOT NULL, retained_at IS NOT NULL"
        " FROM frankenpanel.site_databases WHERE site_namespace = %s ORDER BY site_name, site_uid",
        installation.tenant,
    )
    exists = installation.database.databases()
    accounts = {name for (name,) in installation.database.query("SELECT User FROM mysql.user")}
    keys = ("name", "uid", "site", "is_provisioned", "is_retained")
    return [
        {**dict(zip(keys, row, strict=True)), "exists": row[0] in exists, "account": row[0] in accounts}
        for row in rows
    ]


def _without_chance(state: Mapping[str, Any], uids: Mapping[str, str], tenant: str) -> dict[str, Any]:
    """Replace what differs from story to story: uids, what is derived from them, and digests over either."""
    text = json.dumps(state, sort_keys=True)
    for name, uid in uids.items():
        data = naming.data_id(uid)
        text = text.replace(uid, f"UID-{name}").replace(data, f"DATA-{name}").replace(data[:5], f"ID-{name}")
    text = re.sub(r"(install|rewrite)-[0-9a-f]{8}", r"\1-HASH", text.replace(tenant, "TENANT"))
    plain: dict[str, Any] = json.loads(text)
    return plain


def _path(installation: Installation, kind: str) -> str:
    return CHILDREN[kind].format(installation.tenant)
