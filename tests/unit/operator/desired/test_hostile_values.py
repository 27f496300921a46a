"""A thousand hostile values in every text that reaches the configuration of a Site's web server or PHP.

Whatever the schema says: a value is refused, or it is one argument and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from frankenpanel_crds.site_access import Access
from frankenpanel_crds.site_http import HttpRules
from frankenpanel_operator.desired.caddyfile import render_caddyfile
from frankenpanel_operator.desired.inputs import Application
from frankenpanel_operator.desired.php_ini import render_php_ini
from frankenpanel_operator.desired.request_rules import RequestRules
from frankenpanel_operator.desired.web_server import site_server_config
from frankenpanel_operator.errors import SpecError
from hostile_values import Canary, hostile_values

CANARY = Canary("FRANKENPANEL_CANARY", Path("/srv/canary.txt"), ("canary-env", "canary-file"))
VALUES = hostile_values(CANARY)


def caddyfile(
    *, root: str = ".", health: str = "/healthz", access: object = None, http: object = None
) -> str:
    application = Application("wordpress", "6.8", "image", root, "WpConfig", (), health)
    rules = RequestRules(Access.model_validate(access or {}), HttpRules.model_validate(http or {}), health)
    return render_caddyfile(site_server_config(application, rules))


PLACES: dict[str, tuple[Callable[[str], str], str]] = {
    "document root": (lambda value: caddyfile(root=value), "public"),
    "health path": (lambda value: caddyfile(health=value), "/healthz"),
    "realm": (
        lambda value: caddyfile(access={"basicAuth": {"secretRef": {"name": "staff"}, "realm": value}}),
        "Staff",
    ),
    "allowed address": (lambda value: caddyfile(access={"allow": [value]}), "203.0.113.0/24"),
    "denied address": (lambda value: caddyfile(access={"deny": [value]}), "203.0.113.7"),
    "header": (lambda value: caddyfile(http={"headers": [{"name": value, "value": "x"}]}), "X-Note"),
    "header's value": (lambda value: caddyfile(http={"headers": [{"name": "X-Note", "value": value}]}), "x"),
    "body size": (lambda value: caddyfile(http={"maxBodySize": value}), "1Mi"),
    "PHP setting": (lambda value: render_php_ini({"memory_limit": value}), "128M"),
}


# What the program that reads the file would replace: Caddy within quotes, too; PHP nothing but ${NAME}.
EXPANDED = {"PHP setting": re.compile(r"\$\{")}
EXPANDED_BY_CADDY = re.compile(r"\{[^\s{}]+\}")


def shape(place: str, text: str) -> tuple[list[str], list[str]]:
    """Return what each line begins with, and all that would be expanded."""
    words = [(line.split() or [""])[0] for line in text.split("\n")]
    return words, EXPANDED.get(place, EXPANDED_BY_CADDY).findall(text)


@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_value_is_refused_or_stays_one_argument(place: str) -> None:
    build, harmless = PLACES[place]
    expected = shape(place, build(harmless))
    for value in VALUES:
        try:
            text = build(value)
        except (ValueError, SpecError):
            continue
        assert shape(place, text) == expected, repr(value)
