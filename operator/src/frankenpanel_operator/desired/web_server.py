"""The configuration of the web server in a Site's pod, as a tree of directives."""

from __future__ import annotations

import posixpath

from frankenpanel_operator.desired.caddyfile import Caddyfile, Directive, Variable, directive
from frankenpanel_operator.desired.inputs import Application

CODE_PATH = "/app"
SITE_PORT = 8080
PROBE_PORT = 8081
LIVENESS_PATH = "/livez"
# Longer than any request is allowed to take at the gateway; the pod's own grace period is longer still.
GRACE_PERIOD_SECONDS = 30


def site_server_config(application: Application) -> Caddyfile:
    """Return the tree; the document root is the only tenant text in it."""
    return Caddyfile(options=_options(), sites=(_probe_site(), _web_site(application)))


def document_root(application: Application) -> str:
    """Return the absolute folder that files are served from; it never leaves the code."""
    # Normalised below a root of its own, ".." cannot climb out of it.
    inside = posixpath.normpath(posixpath.join("/", application.document_root)).lstrip("/")
    return posixpath.join(CODE_PATH, inside) if inside else CODE_PATH


def _options() -> tuple[Directive, ...]:
    return (
        # Tenant PHP runs in the same process and could talk to an admin endpoint on the loopback address.
        directive("admin", "off"),
        directive("persist_config", "off"),
        directive("auto_https", "off"),
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


def _web_site(application: Application) -> Directive:
    root = document_root(application)
    return directive(
        f":{SITE_PORT}",
        block=[
            # Version control and editors leave secrets in dotfiles; .well-known is the one public exception.
            directive(
                "@hidden",
                block=[
                    directive("path", "*/.*"),
                    directive("not", block=[directive("path", "/.well-known/*")]),
                ],
            ),
            directive(
                "route",
                block=[
                    directive("respond", "@hidden", "404"),
                    directive("encode", "zstd", "gzip"),
                    directive("php_server", block=[directive("root", root)]),
                ],
            ),
        ],
    )
