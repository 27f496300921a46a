"""How the routing tree is laid out; pure.

    current -> generations/7
    generations/7/ready
    generations/7/hosts/........shop.example/p0,demo.shop,10.96.3.4:8080
    generations/7/hosts/....www.shop.example/r1,demo.shop,301k,https:||shop.example
    generations/7/wild/example/shop/@/p1,demo.shop,10.96.3.4:8080,31536000

The folder of a host has leading dots up to nine dots in all, because Caddy looks for ten label
placeholders joined by dots and labels beyond the last are empty. Wildcards lie below their labels in
reverse, in a folder that no label can be named like. The route is the *name* of the one file in the folder,
so that one directory read is the whole lookup and renaming that file is an atomic change.
"""

from __future__ import annotations

CURRENT = "current"
GENERATIONS = "generations"
HOSTS = "hosts"
WILD = "wild"
WILD_LEAF = "@"
READY = "ready"
STAGING = "staging"

WILDCARD = "*."
WILDCARD_CLAIM = ".wildcard"

DOTS = 9
RECORD_MAX_BYTES = 255


def place_of(host: str) -> str:
    """Return the folder of a host, or of a wildcard such as `*.shop.example`, below a generation."""
    if not host.startswith(WILDCARD):
        return f"{HOSTS}/{folder_name(host)}"
    labels = host.removeprefix(WILDCARD).split(".")
    return "/".join((WILD, *reversed(labels), WILD_LEAF))


def folder_name(host: str) -> str:
    """Return the name of the folder of an exact host."""
    return "." * (DOTS - host.count(".")) + host


def host_of_folder(folder: str) -> str:
    """Return the host of a folder that `folder_name` named."""
    return folder.lstrip(".")


def wildcard_of_path(path: str) -> str:
    """Return the wildcard host of a path below `wild`, without the leaf: `example/shop`."""
    return WILDCARD + ".".join(reversed(path.split("/")))


def wildcard_above(host: str) -> str:
    """Return the wildcard that covers a host: the one of exactly one label less."""
    return f"{WILDCARD}{host.partition('.')[2]}"


def claim_of_host(host: str) -> str:
    """Return the name of the claim on a host: that on `*.shop.example` is `shop.example.wildcard`."""
    if host.startswith(WILDCARD):
        return host.removeprefix(WILDCARD) + WILDCARD_CLAIM
    return host


def host_of_claim(name: str) -> str:
    """Return the host that a claim of this name holds."""
    if name.endswith(WILDCARD_CLAIM):
        return WILDCARD + name.removesuffix(WILDCARD_CLAIM)
    return name


def proxy_record(site: str, upstream: str, *, to_https: bool = False, hsts: str = "") -> str:
    """Return the record that sends visitors to an upstream.

    The digit sends visitors by http to https first. What Caddy's expressions do not know is a 404.
    """
    return ",".join((f"p{int(to_https)}", site, upstream, *filter(None, (hsts,))))


def redirect_record(site: str, code: int, target: str, *, keep_path: bool, to_https: bool, hsts: str) -> str:
    """Return the record that sends visitors to another address; `|` stands for the slash there."""
    how = f"{code}{'k' if keep_path else 'x'}"
    parts = (f"r{int(to_https)}", site, how, *filter(None, (hsts,)), target.replace("/", "|"))
    return ",".join(parts)


def compact_hsts(header: str) -> str:
    """Return `max-age=300; includeSubDomains; preload` as `300sp`; Caddy's configuration spells it out."""
    age, *flags = header.removeprefix("max-age=").split("; ")
    return f"{age}{'s' if 'includeSubDomains' in flags else ''}{'p' if 'preload' in flags else ''}"
