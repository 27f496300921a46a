"""Turning what people write as a host into the one form in which hosts are compared."""

from __future__ import annotations

import re
from collections.abc import Iterator

import idna

MAX_HOST_LENGTH = 253
# The gateway keeps a host as a folder whose name (255 bytes at most) is padded with up to nine dots.
MAX_ROUTABLE_LENGTH = 245
MAX_LABELS = 10
MIN_LABELS = 2

_CONTROL_OR_SPACE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
# URL readers take a last part like these for an IPv4 address, whatever comes before it.
_NUMERIC_LABEL = re.compile(r"0x[0-9a-f]*|[0-9]+")
_CURE = "write only the name, for example www.example.com"
WILDCARD = "*."
WILDCARD_SUFFIX = ".wildcard"
"""How the claim of a wildcard ends, since an object's name cannot begin with a star; no host may end so."""


def normalise_host(text: str) -> str:
    """Return a host in lower-case ASCII without a trailing dot, other scripts as `xn--` labels (UTS 46).

    A leading `*.` stays: such a host stands for all names of one more part.

    Raises:
        ValueError: it is not a host name; the message is a sentence that names the cure.
    """
    wildcard = WILDCARD if text.startswith(WILDCARD) else ""
    host = _normalise_name(text.removeprefix(WILDCARD))
    labels = host.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        raise ValueError("the host is an IP address; write the name that points to the address")
    if len(labels) < MIN_LABELS:
        raise ValueError(
            "the wildcard is below a top-level domain; write for example *.example.com"
            if wildcard
            else "the host has only one part; write at least two, for example shop.example.com"
        )
    host = wildcard + host
    if host.count(".") >= MAX_LABELS:
        raise ValueError(f"the host has more than {MAX_LABELS} parts; use a shorter name")
    if len(host) > MAX_ROUTABLE_LENGTH:
        raise ValueError(f"the host has more than {MAX_ROUTABLE_LENGTH} characters; use a shorter name")
    if host.endswith(WILDCARD_SUFFIX):
        raise ValueError(f"the host ends in {WILDCARD_SUFFIX}, which the platform uses itself; use another")
    return host


def is_wildcard(host: str) -> bool:
    """Say whether a host stands for all names of one more part."""
    return host.startswith(WILDCARD)


def hosts_above(host: str) -> Iterator[str]:
    """Yield the hosts of which a (normalised) host is a part, nearest first, each with its wildcard.

    A wildcard is below the name that it is a wildcard of. Top-level domains are no hosts.
    """
    above = host.removeprefix(WILDCARD) if is_wildcard(host) else host.partition(".")[2]
    while "." in above:
        yield above
        if WILDCARD + above != host:
            yield WILDCARD + above
        above = above.partition(".")[2]


def _normalise_name(text: str) -> str:
    _refuse_other_things(text)
    try:
        host = idna.encode(text, uts46=True, std3_rules=True, transitional=False).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(_idna_sentence(text, error)) from error
    return host.removesuffix(".")


def _refuse_other_things(text: str) -> None:
    """Refuse what is something else than a host, with a sentence about what it is.

    Raises:
        ValueError: always with the cure.
    """
    if not text:
        raise ValueError(f"the host is empty; {_CURE}")
    if _CONTROL_OR_SPACE.search(text):
        raise ValueError(f"the host contains spaces or control characters; {_CURE}")
    if "{" in text or "}" in text:
        raise ValueError("the host contains braces, which would be placeholders; write the name itself")
    if "/" in text:
        raise ValueError(f"the host contains a scheme or a path; {_CURE}")
    if ":" in text or "[" in text:
        raise ValueError(f"the host contains a port or is an IPv6 address; {_CURE}")
    if "*" in text:
        raise ValueError("the host has a * that is not its whole first part; write *.example.com")


def _idna_sentence(text: str, error: Exception) -> str:
    """Explain in one sentence why a name cannot be encoded."""
    if len(text) > MAX_HOST_LENGTH:
        return f"the host has more than {MAX_HOST_LENGTH} characters; use a shorter name"
    if any(len(label) > 63 for label in text.split(".")):
        return "the host has a part of more than 63 characters; use a shorter name"
    if ".." in text or text.startswith("."):
        return "the host has an empty part; remove the extra dot"
    detail = str(error).rstrip(".")
    return f"the host cannot be used in DNS ({detail}); use letters, digits, hyphens and dots only"
