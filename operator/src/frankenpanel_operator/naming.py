"""Every derived name: deterministic, legal for every legal Site name, and never the same for two things.

Names are made of the Site's name and a fixed suffix. What would be longer than a DNS label is cut, and what
was cut or changed carries a digest of the whole, so that two long names with the same beginning stay apart.
Names of data (database, claims, database Secret) carry the *data id*, since retained data outlives its Site.
"""

from __future__ import annotations

import base64
import hashlib
import re

from frankenpanel_crds.hosts import WILDCARD, WILDCARD_SUFFIX, is_wildcard

MAX_LABEL_LENGTH = 63
"""What a DNS label, a label value and a Service name may have at most (RFC 1035, RFC 1123)."""

DATA_ID_LENGTH = 16
_DIGEST_LENGTH = 8
_HOST_ID_LENGTH = 32
_SHORT_ID_LENGTH = 5
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


def is_dns_label(name: str) -> bool:
    """Say whether the API server takes this as the name of any namespaced object that a Site owns."""
    return len(name) <= MAX_LABEL_LENGTH and _DNS_LABEL.fullmatch(name) is not None


def data_id(uid: str) -> str:
    """Return the id of the data that the Site with this uid brought into being."""
    return _digest(uid, DATA_ID_LENGTH)


def database_name(data: str) -> str:
    """Return the name of database and account; without `_` and `%`, which are wildcards in grants."""
    return f"fp{data}"


def web_name(site_name: str) -> str:
    """Return the name of Deployment, Service and ServiceAccount.

    A Site may be called `1shop`, a Service may not: its name has to start with a letter (RFC 1035).
    """
    if site_name[0].isalpha():
        return _fit(site_name)
    return _fit(f"site-{site_name}", always_digest=True)


def network_policy_name(site_name: str) -> str:
    """Return the name of the NetworkPolicy."""
    return _fit(site_name)


def config_name(site_name: str) -> str:
    """Return the name of the ConfigMap (server, PHP) and of the Secret (application) with settings."""
    return _fit(site_name, "config")


def admin_secret_name(site_name: str) -> str:
    """Return the name of the Secret with the application's first account."""
    return _fit(site_name, "admin")


def database_secret_name(site_name: str, data: str) -> str:
    """Return the name of the Secret that opens the database."""
    return _fit(site_name, "database", data[:_SHORT_ID_LENGTH])


def volume_claim_name(site_name: str, storage_name: str, data: str) -> str:
    """Return the name of the claim behind one persistent path."""
    return _fit(f"{site_name}-{storage_name}", data[:_SHORT_ID_LENGTH])


def pod_volume_name(storage_name: str) -> str:
    """Return the name of a persistent path's volume inside the pod, apart from the platform's own volumes."""
    return _fit(f"data-{storage_name}")


def install_job_name(site_name: str, template_digest: str) -> str:
    """Return the name of the install Job; a Job cannot be changed, so another template is another Job."""
    return _fit(site_name, "install", template_digest[:_DIGEST_LENGTH])


def rewrite_job_name(site_name: str, digest: str) -> str:
    """Return the name of a Job that counts or rewrites stored addresses, after one promotion of a host."""
    return _fit(site_name, "rewrite", digest[:_DIGEST_LENGTH])


def claim_name(host: str) -> str:
    """Return the name of a normalised host's DomainClaim: the host itself, which makes it the lock on it.

    No object's name can begin with a star, so that of a wildcard ends in what no host may end in.
    """
    return host.removeprefix(WILDCARD) + WILDCARD_SUFFIX if is_wildcard(host) else host


def claimed_host(name: str) -> str:
    """Return the host of the DomainClaim with this name."""
    return WILDCARD + name.removesuffix(WILDCARD_SUFFIX) if name.endswith(WILDCARD_SUFFIX) else name


def www_domain_name(domain_name: str) -> str:
    """Return the name of the Domain that leads visitors of the other form, with or without www., to a Domain.

    The name of a Domain may have dots, and two hundred more characters than fit here.
    """
    return _fit(domain_name, "www")


def host_id(host: str) -> str:
    """Return what stands for a host where the host itself may be too long, such as in a label."""
    return _digest(host, _HOST_ID_LENGTH)


def certificate_secret_name(host: str) -> str:
    """Return the name of the copy of a tenant's own certificate; apart from those that the gateway gets."""
    return f"own-{host_id(host)}"


def _fit(stem: str, *suffixes: str, always_digest: bool = False) -> str:
    """Join stem and suffixes to a DNS label, cutting the stem where it has to be."""
    tail = "".join(f"-{suffix}" for suffix in suffixes)
    if not always_digest and len(stem) + len(tail) <= MAX_LABEL_LENGTH:
        return stem + tail
    digest = _digest(stem, _DIGEST_LENGTH)
    room = MAX_LABEL_LENGTH - len(tail) - len(digest) - 1
    return f"{stem[:room].rstrip('-.')}-{digest}{tail}"


def _digest(text: str, length: int) -> str:
    """Return characters of [a-z2-7], each of which carries five bits of a SHA-256."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:length]
