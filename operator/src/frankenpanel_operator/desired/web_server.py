"""The configuration of the web server in a Site's pod, as a tree of directives."""

from __future__ import annotations

import posixpath

from frankenpanel_operator.desired.caddyfile import Caddyfile, Directive, Placeholder, Variable, directive
from frankenpanel_operator.desired.inputs import Application
from frankenpanel_operator.desired.request_rules import (
    RequestRules,
    cache_headers,
    gate,
    headers_of_answers,
    rule_matchers,
)

CODE_PATH = "/app"
SITE_PORT = 8080
PROBE_PORT = 8081
LIVENESS_PATH = "/livez"
# Longer than any request is allowed to take at the gateway; the pod's own grace period is longer still.
GRACE_PERIOD_SECONDS = 30
# Once the pod is out of its Services, the gateway still has connections to it that it keeps for the next
# visitor. For so long, each answer tells it to close the one it came on, and then the server stops.
FAREWELL_SECONDS = 3


def site_server_config(
    application: Application, rules: RequestRules | None = None, *, has_siblings: bool = False
) -> Caddyfile:
    """Return the tree; tenant text in it are the document root and the rules.

    Args:
        application: what is served.
        rules: what the tenant asks of the server; a running server takes up changes of them.
        has_siblings: whether other pods of the Site may serve while this one stops.
    """
    return Caddyfile(
        options=_options(has_siblings=has_siblings),
        sites=(_probe_site(), _web_site(application, rules, has_siblings=has_siblings)),
    )


def document_root(application: Application) -> str:
    """Return the absolute folder that files are served from; it never leaves the code."""
    # Normalised below a root of its own, ".." cannot climb out of it.
    inside = posixpath.normpath(posixpath.join("/", application.document_root)).lstrip("/")
    return posixpath.join(CODE_PATH, inside) if inside else CODE_PATH


def _options(*, has_siblings: bool) -> tuple[Directive, ...]:
    farewell = (directive("shutdown_delay", f"{FAREWELL_SECONDS}s"),) if has_siblings else ()
    return (
        # Tenant PHP runs in the same process and could talk to an admin endpoint on the loopback address.
        directive("admin", "off"),
        directive("persist_config", "off"),
        directive("auto_https", "off"),
        *farewell,
        directive("grace_period", f"{GRACE_PERIOD_SECONDS}s"),
        directive("metrics"),
        # The NetworkPolicy lets only the gateway in, so what it says about the visitor is true.
        directive("servers", block=[directive("trusted_proxies", "static", "private_ranges")]),
        directive(
            "frankenphp",
            block=[
                directive("num_threads", Variable("FRANKENPHP_NUM_THREADS")),
                directive("max_threads", Variable("FRANKENPHP_MAX_THREADS")),
                # Without it, requests queue without bound behind slow ones.
                directive("max_wait_time", "30s"),
            ],
        ),
    )


def _probe_site() -> Directive:
    """Answer probes without PHP: a busy pod is not a dead one."""
    return directive(
        f":{PROBE_PORT}",
        block=[
            directive(
                "route",
                block=[
                    directive("respond", LIVENESS_PATH, "200"),
                    directive("metrics", "/metrics"),
                    directive("respond", "404"),
                ],
            )
        ],
    )


def _web_site(application: Application, rules: RequestRules | None, *, has_siblings: bool) -> Directive:
    root = document_root(application)
    farewell = [directive("header", "@leaving", "Connection", "close")] if has_siblings else []
    compression = [directive("encode", "zstd", "gzip")] if rules is None or rules.http.compression else []
    return directive(
        f":{SITE_PORT}",
        block=[
            *_matchers(rules, root, has_siblings=has_siblings),
            directive(
                "route",
                block=[
                    *farewell,
                    *(headers_of_answers(rules) if rules else ()),
                    directive("respond", "@hidden", "404"),
                    *(gate(rules) if rules else ()),
                    *compression,
                    *(cache_headers(rules) if rules else ()),
                    directive("php_server", block=[directive("root", root)]),
                ],
            ),
        ],
    )


def _matchers(rules: RequestRules | None, root: str, *, has_siblings: bool) -> list[Directive]:
    matchers = [
        # Version control and editors leave secrets in dotfiles; .well-known is the one public exception.
        directive(
            "@hidden",
            block=[
                directive("path", "*/.*"),
                directive("not", block=[directive("path", "/.well-known/*")]),
            ],
        )
    ]
    if has_siblings:
        matchers.append(directive("@leaving", block=[directive("vars", Placeholder.SHUTTING_DOWN, "true")]))
    return matchers + (rule_matchers(rules, root) if rules else [])
