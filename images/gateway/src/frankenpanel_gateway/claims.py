"""From a DomainClaim to what the gateway does with its host, or to a refusal; pure.

The schema of the CRD refuses the same values. They are checked again here, because this is where tenant
text becomes names that Caddy reads: what is built must not depend on which schema the cluster had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from frankenpanel_gateway import tree
from frankenpanel_gateway.upstreams import Network, is_admitted_upstream

LABELS_MAX = 10
HOST_MAX_CHARS = 253
FOLDER_MAX_BYTES = 255

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL}){{1,{LABELS_MAX - 1}}}")
_SITE = re.compile(rf"{_LABEL}\.{_LABEL}")
_NUMBER = re.compile(r"[0-9]+")
_OBJECT_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")

_HSTS = re.compile(r"max-age=[0-9]{1,8}(?:; includeSubDomains)?(?:; preload)?")
# A comma separates the parts of a record, "|" stands for "/", braces would be placeholders. The host is
# taken in lower case, so that it can be compared with that of the request.
_TARGET = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253})(?P<port>:[0-9]{1,5})?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+;=:@%/-]*)?(?P<query>\?[A-Za-z0-9._~!$&'()*+;=:@%/?-]*)?"
)
_REDIRECT_CODES = {301, 302, 307, 308}


class HostTls(NamedTuple):
    """Where the certificate of a host comes from, as the operator decided."""

    mode: str
    """`Managed`, `Secret`, `Internal` or `None`."""
    may_order: bool = False
    secret_name: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim gets no route; the message quotes nothing that came from the claim."""

    message: str


class _RefusedError(Exception):
    """A value must not reach Caddy."""


def claimed_host(body: Mapping[str, Any]) -> str:
    """Return the host that the name of a claim stands for; the API server gives no claim without a name."""
    return tree.host_of_claim(str(_mapping(body.get("metadata")).get("name", "")))


def compile_claim(body: Mapping[str, Any], networks: Sequence[Network] = ()) -> str | Refusal | None:
    """Return the record of a claim's host in the tree, or why it has none; None where no route is wanted.

    Args:
        body: The DomainClaim as the API server gave it.
        networks: Where upstreams may be; empty admits all addresses that a Service can have.
    """
    spec = _mapping(body.get("spec"))
    host = spec.get("host")
    if not is_routable_host(host):
        return Refusal("spec.host is not a host of two to ten labels in its normal form")
    if _mapping(body.get("metadata")).get("name") != tree.claim_of_host(host):
        # The name is the lock that gives a host one owner; a claim on another host would go around it.
        return Refusal("metadata.name does not stand for spec.host")
    if spec.get("releasedAt") is not None:
        # Kept only so that nobody else takes the host at once.
        return None
    try:
        return _record(host, spec.get("route"), networks)
    except _RefusedError as error:
        return Refusal(str(error))


def is_object_name(name: Any) -> TypeGuard[str]:
    """Say whether an object of Kubernetes can have the name; such a name is a plain file name, too."""
    return isinstance(name, str) and len(name) <= HOST_MAX_CHARS and _OBJECT_NAME.fullmatch(name) is not None


def is_routable_host(host: Any) -> TypeGuard[str]:
    """Say whether a host in normal form, or a wildcard, has a place in the tree that Caddy will find."""
    if not isinstance(host, str) or len(host) > HOST_MAX_CHARS:
        return False
    plain = host.removeprefix(tree.WILDCARD)
    if _HOST.fullmatch(plain) is None or plain.endswith(tree.WILDCARD_CLAIM):
        return False
    if _NUMBER.fullmatch(plain.rpartition(".")[2]):
        # A name whose last label is a number is read as an IPv4 address by browsers and resolvers.
        return False
    if plain != host:
        return plain.count(".") < LABELS_MAX - 1
    return len(tree.folder_name(plain)) <= FOLDER_MAX_BYTES


def _record(host: str, value: Any, networks: Sequence[Network]) -> str | None:
    if value is None:
        return None
    route = _mapping(value)
    site, redirect, upstream = (route.get(name) for name in ("site", "redirect", "upstream"))
    if not isinstance(site, str) or _SITE.fullmatch(site) is None:
        raise _RefusedError("spec.route.site is not <namespace>.<name>")
    to_https, hsts = _flag(route, "httpsRedirect", default=False), _hsts(route.get("hsts"))
    if redirect is not None:
        if upstream is not None:
            raise _RefusedError("spec.route has both an upstream and a redirect")
        record = _redirect_record(host, site, _mapping(redirect), to_https=to_https, hsts=hsts)
    else:
        if not is_admitted_upstream(upstream, networks):
            raise _RefusedError("spec.route.upstream is not an admitted <address>:<port>")
        record = tree.proxy_record(site, upstream, to_https=to_https, hsts=hsts)
    if len(record) > tree.RECORD_MAX_BYTES:
        raise _RefusedError("spec.route is longer than a file name may be")
    return record


def _redirect_record(host: str, site: str, redirect: Mapping[str, Any], *, to_https: bool, hsts: str) -> str:
    code, target = redirect.get("code", 301), redirect.get("to")
    if not isinstance(code, int) or code not in _REDIRECT_CODES:
        raise _RefusedError("spec.route.redirect.code is not one of 301, 302, 307 and 308")
    parts = _TARGET.fullmatch(target) if isinstance(target, str) else None
    if parts is None or not is_object_name(parts["host"].lower()):
        raise _RefusedError("spec.route.redirect.to is not an address that a record can carry")
    if parts["host"].lower() == host:
        raise _RefusedError("spec.route.redirect.to leads back to the host itself")
    origin = f"{parts['scheme']}://{parts['host'].lower()}{parts['port'] or ''}"
    keep_path = _flag(redirect, "keepPath", default=True)
    if not keep_path:
        origin += (parts["path"] or "") + (parts["query"] or "")
    elif parts["path"] not in (None, "/") or parts["query"] is not None:
        raise _RefusedError("spec.route.redirect.to has a path, and that of the request is to be kept")
    return tree.redirect_record(site, code, origin, keep_path=keep_path, to_https=to_https, hsts=hsts)


def _hsts(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or _HSTS.fullmatch(value) is None:
        raise _RefusedError("spec.route.hsts is not a Strict-Transport-Security header")
    return tree.compact_hsts(value)


def _flag(values: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = values.get(name, default)
    if not isinstance(value, bool):
        raise _RefusedError(f"{name} is neither true nor false")
    return value


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
