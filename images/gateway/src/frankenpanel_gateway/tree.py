"""How the routing tree is laid out; pure.

    current -> generations/7
    generations/7/ready
    generations/7/hosts/........shop.example/p0,demo.shop,10.96.3.4:8080

The folder of a host has leading dots up to nine dots in all, because Caddy looks for ten label
placeholders joined by dots and labels beyond the last are empty. The route is the *name* of the one file
in it, so that one directory read is the whole lookup and renaming that file is an atomic change.
"""

from __future__ import annotations

CURRENT = "current"
GENERATIONS = "generations"
HOSTS = "hosts"
READY = "ready"
STAGING = "staging"

DOTS = 9


def folder_name(host: str) -> str:
    """Return the folder of a host."""
    return "." * (DOTS - host.count(".")) + host


def host_of_folder(folder: str) -> str:
    """Return the host of a folder that `folder_name` named."""
    return folder.lstrip(".")


def proxy_record(site: str, upstream: str) -> str:
    """Return the record that sends visitors to an upstream.

    `p` says proxy; the digit is a switch that is always off as yet. What Caddy's expression does not know
    is a 404.
    """
    return f"p0,{site},{upstream}"
