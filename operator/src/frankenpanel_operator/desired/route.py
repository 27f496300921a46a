"""What the gateway does with visitors of a host: proxy or redirect, and what it tells them about https."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.conditions import DomainReason
from frankenpanel_crds.domain import Domain, DomainRole
from frankenpanel_crds.domain_settings import (
    MAX_REDIRECT_LENGTH,
    Hsts,
    HttpsRedirect,
    Redirect,
    TlsMode,
)
from frankenpanel_crds.domainclaim import Route, RouteRedirect

from frankenpanel_operator.desired.address import authority
from frankenpanel_operator.desired.redirects import SendsTo, explicit_target, leads_in_a_circle
from frankenpanel_operator.desired.refused_hosts import Refusal
from frankenpanel_operator.desired.service import PORT_NAME
from frankenpanel_operator.findings import Certificate
from frankenpanel_operator.observed import Manifest

MAX_RECORD_BYTES = 255
"""The gateway keeps a route as the name of a file."""


@dataclass(frozen=True, slots=True)
class Destination:
    """What a route is made of, besides the Domain: its Site's Service, and the address of its Primary.

    `sends_to` tells what other hosts do with their visitors.
    """

    service: Manifest | None
    primary_url: str | None
    sends_to: SendsTo


@dataclass(frozen=True, slots=True)
class Compiled:
    """A route, or why there is none; neither while what it needs is not there yet."""

    route: Route | None = None
    refusal: Refusal | None = None


def compile_route(
    domain: Domain, host: str, destination: Destination, certificate: Certificate | None
) -> Compiled:
    """Return what visitors of a host get."""
    https, hsts = is_https_forced(domain, certificate), hsts_text(domain.spec.hsts)
    site = f"{domain.metadata.namespace}.{domain.spec.site_ref.name}"
    if domain.spec.role is not DomainRole.REDIRECT:
        upstream = upstream_of(destination.service)
        if upstream is None:
            return Compiled()
        return Compiled(Route(site=site, upstream=upstream, https_redirect=https, hsts=hsts))
    target, refusal = _redirect(domain, host, destination)
    if target is None:
        return Compiled(refusal=refusal)
    route = Route(site=site, redirect=target, https_redirect=https, hsts=hsts)
    if record_bytes(route) > MAX_RECORD_BYTES:
        return Compiled(refusal=_too_long(target.to))
    return Compiled(route)


def upstream_of(service: Manifest | None) -> str | None:
    """Return address and port of a Site's Service, or None until it has them."""
    spec = (service or {}).get("spec", {})
    address = spec.get("clusterIP")
    if not address or address == "None":
        return None
    port = next(item["port"] for item in spec["ports"] if item.get("name") == PORT_NAME)
    return authority(address, port)


def is_https_forced(domain: Domain, certificate: Certificate | None) -> bool:
    """Say whether visitors who come by http are sent to https: never where nothing answers there."""
    if certificate is None or not certificate.is_ready or certificate.tls.mode is TlsMode.NONE:
        return False
    match domain.spec.https_redirect:
        case HttpsRedirect.ALWAYS:
            return True
        case HttpsRedirect.AUTO:
            return certificate.is_trusted
        case _:
            return False


def hsts_text(hsts: Hsts | None) -> str | None:
    """Return the header's value (RFC 6797), or None where nothing is said."""
    if hsts is None:
        return None
    parts = [f"max-age={hsts.max_age_seconds}"]
    if hsts.include_sub_domains:
        parts.append("includeSubDomains")
    if hsts.preload:
        parts.append("preload")
    return "; ".join(parts)


def record_bytes(route: Route) -> int:
    """Return the most that a redirect takes as the name of a file in the gateway's routing tree."""
    if route.redirect is None:
        return 0
    hsts = len(route.hsts.removeprefix("max-age=")) + 1 if route.hsts else 0
    return len(f"r1,{route.site},301k,{route.redirect.to}".encode()) + hsts


def _redirect(
    domain: Domain, host: str, destination: Destination
) -> tuple[RouteRedirect | None, Refusal | None]:
    settings, named = domain.spec.redirect or Redirect(), explicit_target(domain)
    address = named or destination.primary_url
    if address is None:
        return None, None
    if leads_in_a_circle(host, address, destination.sends_to):
        return None, _circle(domain, host, address)
    if len(address) > MAX_REDIRECT_LENGTH:
        return None, _too_long(address)
    to = address.rstrip("/") if settings.keep_path else address
    return RouteRedirect(to=to, code=settings.code, keep_path=settings.keep_path), None


def _circle(domain: Domain, host: str, address: str) -> Refusal:
    message = (
        f"Visitors of {host} would be sent to {address} and from there in a circle; let spec.redirect.to "
        "name a host that serves them"
    )
    if domain.spec.redirect is None or domain.spec.redirect.to is None:
        message = f"The Site's address is {host} itself; name another one in spec.redirect.to"
    return Refusal(DomainReason.REDIRECT_LOOP, f"{message}.")


def _too_long(address: str) -> Refusal:
    message = (
        f"The redirect to {address} is too long for the gateway together with the names of Site and "
        "namespace; use a shorter address in spec.redirect.to."
    )
    return Refusal(DomainReason.REDIRECT_INVALID, message)
