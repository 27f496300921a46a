"""What a tenant asks of the web server, as directives: who is let in, how much, and how it is answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from frankenpanel_crds.site import Site
from frankenpanel_crds.site_access import Access, BasicAuth
from frankenpanel_crds.site_http import HttpRules, RateLimit

from frankenpanel_operator.desired.caddyfile import Directive, Placeholder, directive
from frankenpanel_operator.desired.quantity import parse_quantity
from frankenpanel_operator.errors import SpecError

ACCOUNTS_PATH = "/run/frankenphp/accounts.caddyfile"
"""Written by the image's entry point from the Secret with users and passwords, which only the pod sees."""

_NOINDEX = "noindex, nofollow"
_DIGITS = "[0-9]"
# What browsers fetch once and use on many pages. Pages themselves are not among it.
_STATIC_SUFFIXES = (
    *("avif", "bmp", "css", "eot", "gif", "ico", "jpeg", "jpg", "js", "map", "mjs", "mp3", "mp4", "ogg"),
    *("otf", "pdf", "png", "svg", "ttf", "wasm", "webm", "webmanifest", "webp", "woff", "woff2"),
)


@dataclass(frozen=True, slots=True)
class RequestRules:
    """The rules of one Site; `health_path` is what its pods are asked for to find out whether they work."""

    access: Access
    http: HttpRules
    health_path: str


def rules_of(site: Site, health_path: str) -> RequestRules | None:
    """Return the Site's rules, or None where it has none."""
    if site.spec.access is None and site.spec.http is None:
        return None
    return RequestRules(
        site.spec.access or Access(), site.spec.http or HttpRules(), health_path.split("?")[0]
    )


def rule_matchers(rules: RequestRules, root: str) -> list[Directive]:
    """Return the named matchers that the other parts refer to."""
    matchers = [
        # The gateway names the visitor on every request it passes on; the kubelet, which asks from its node's
        # address and knows no password, does not.
        directive(
            "@visitor",
            block=[
                directive(
                    "not",
                    block=[
                        directive("method", "GET"),
                        directive("path", rules.health_path),
                        directive("header", "!X-Forwarded-For"),
                    ],
                )
            ],
        )
    ]
    if rules.access.deny:
        matchers.append(directive("@denied", block=[directive("client_ip", *rules.access.deny)]))
    if rules.access.allow:
        outside = directive("not", block=[directive("client_ip", *rules.access.allow)])
        matchers.append(directive("@outside", block=[outside]))
    if (size := _max_body_bytes(rules.http)) is not None:
        matchers += _body_matchers(size)
    if rules.http.static_cache_seconds is not None:
        suffixes = [f"*.{suffix}" for suffix in _STATIC_SUFFIXES]
        # Only what exists as a file of this very name: what PHP makes of other paths is not ours to cache.
        file = directive("file", block=[directive("root", root)])
        matchers.append(directive("@static", block=[directive("path", *suffixes), file]))
    return matchers


def gate(rules: RequestRules) -> list[Directive]:
    """Return what stands before the site, in the order in which a request meets it."""
    steps = [*_address_steps(rules.access), *_frequency_steps(rules.http)]
    if rules.access.basic_auth is not None:
        # After the limit of requests, for each guess at a password costs a hash.
        steps.append(_basic_auth(rules.access.basic_auth))
    steps += _body_steps(rules.http)
    return [directive("route", "@visitor", block=steps)] if steps else []


def headers_of_answers(rules: RequestRules) -> list[Directive]:
    """Return what puts the tenant's headers on every answer, over those of the application."""
    headers = [(header.name, header.value) for header in rules.http.headers]
    if rules.access.noindex:
        headers.append(("X-Robots-Tag", _NOINDEX))
    # An error of the web server has the headers that were set before it; what PHP set is replaced only by
    # ">", as the answer is sent.
    return [directive("header", f"{sign}{name}", value) for name, value in headers for sign in ("", ">")]


def cache_headers(rules: RequestRules) -> list[Directive]:
    """Return what is said about keeping files; nothing is said about what PHP answers."""
    seconds = rules.http.static_cache_seconds
    if seconds is None:
        return []
    return [
        directive(
            "header", "@static", "Cache-Control", f"public, max-age={seconds}" if seconds else "no-cache"
        )
    ]


def _address_steps(access: Access) -> Iterator[Directive]:
    if access.deny:
        yield directive("respond", "@denied", "403")
    if access.allow:
        yield directive("respond", "@outside", "403")


def _basic_auth(settings: BasicAuth) -> Directive:
    return directive("basic_auth", "bcrypt", settings.realm, block=[directive("import", ACCOUNTS_PATH)])


def _frequency_steps(http: HttpRules) -> Iterator[Directive]:
    if http.rate_limit is not None:
        yield _rate_limit(http.rate_limit)


def _body_steps(http: HttpRules) -> Iterator[Directive]:
    if (size := _max_body_bytes(http)) is not None:
        yield directive("respond", "@unmeasured", "411")
        yield directive("respond", "@large", "413")
        # For a body that is longer than it said, or said nothing with a method that seldom has one.
        yield directive("request_body", block=[directive("max_size", str(size))])


def _rate_limit(limit: RateLimit) -> Directive:
    zone = [
        directive("key", Placeholder.CLIENT_IP),
        directive("window", f"{limit.window_seconds}s"),
        directive("events", str(limit.requests)),
    ]
    return directive("rate_limit", block=[directive("zone", "visitor", block=zone)])


def _max_body_bytes(http: HttpRules) -> int | None:
    if http.max_body_size is None:
        return None
    size = parse_quantity(http.max_body_size)
    if size is None:
        raise SpecError(f"spec.http.maxBodySize is no amount above zero: {http.max_body_size!r}")
    return max(1, int(size))


def _body_matchers(size: int) -> list[Directive]:
    """Return matchers for bodies above the size, and for those that do not say theirs.

    PHP takes what has arrived when the web server cuts a body off, so the answer has to come before it.
    """
    return [
        directive("@large", block=[directive("header_regexp", "Content-Length", more_than(size))]),
        directive(
            "@unmeasured",
            block=[directive("method", "POST", "PUT", "PATCH"), directive("header", "!Content-Length")],
        ),
    ]


def more_than(number: int) -> str:
    """Return a regular expression for whole numbers above this one; matchers of Caddy compare only text."""
    digits = str(number)
    alternatives = ["[1-9]" + _DIGITS * len(digits) + f"{_DIGITS}*"]
    for place, digit in enumerate(digits):
        if digit != "9":
            rest = _DIGITS * (len(digits) - place - 1)
            alternatives.append(f"{digits[:place]}[{int(digit) + 1}-9]{rest}")
    return f"^0*({'|'.join(alternatives)})$"
