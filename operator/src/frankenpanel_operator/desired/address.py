"""Hosts with ports, as browsers, databases and the gateway write them."""

from __future__ import annotations

from frankenpanel_operator.desired.inputs import Platform

HTTP_PORT = 80
HTTPS_PORT = 443


def authority(host: str, port: int, *, usual_port: int | None = None) -> str:
    """Join host and port; the usual port is left out, an IPv6 address gets brackets."""
    shown = f"[{host}]" if ":" in host else host
    return shown if port == usual_port else f"{shown}:{port}"


def http_address(host: str, platform: Platform) -> str:
    """Return the address of a host for visitors without TLS."""
    return f"http://{authority(host, platform.http_port, usual_port=HTTP_PORT)}"


def https_address(host: str, platform: Platform) -> str:
    """Return the address of a host for visitors with TLS."""
    return f"https://{authority(host, platform.https_port, usual_port=HTTPS_PORT)}"


def public_url(host: str, platform: Platform) -> str:
    """Return the address that is shown to people: it works whether or not the host has a certificate yet."""
    return http_address(host, platform)
