"""The ConfigMap of a Site: web server and PHP settings; nothing secret."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from frankenpanel_crds.site import Site
from frankenpanel_crds.site_runtime import INI_KEYS, RuntimeSpec

from frankenpanel_operator import naming
from frankenpanel_operator.desired.address import public_url
from frankenpanel_operator.desired.caddyfile import render_caddyfile
from frankenpanel_operator.desired.inputs import Application, PersistentPath, SiteInputs
from frankenpanel_operator.desired.metadata import Built, owned_object
from frankenpanel_operator.desired.php_ini import render_php_ini
from frankenpanel_operator.desired.request_rules import RequestRules, rules_of
from frankenpanel_operator.desired.resources import DEFAULT_MEMORY_LIMIT_INI
from frankenpanel_operator.desired.volumes import is_single_node
from frankenpanel_operator.desired.web_server import site_server_config
from frankenpanel_operator.observed import OwnedKind

CADDYFILE_KEY = "Caddyfile"
PHP_INI_KEY = "php.ini"
SITE_URL_KEY = "site-url"

# Where no host is known yet; the installer stores it, and the Primary host in wp-config.php wins later.
_UNKNOWN_URL = "http://localhost"

# The image brings the defaults of a hosted site; stated here is only what the pod's memory is planned with.
PLATFORM_INI: Mapping[str, str] = {"memory_limit": DEFAULT_MEMORY_LIMIT_INI}


def build_configmap(site: Site, inputs: SiteInputs) -> Built:
    """Build it once the application is known, which decides the document root."""
    if inputs.application is None:
        return None
    host = inputs.primary_host
    data = {
        **settled_files(site, inputs.application),
        CADDYFILE_KEY: _caddyfile(site, inputs.application, inputs.storage),
        SITE_URL_KEY: public_url(host, inputs.platform) if host else _UNKNOWN_URL,
    }
    return (owned_object(OwnedKind.CONFIG_MAP, site, naming.config_name(site.metadata.name), {"data": data}),)


def settled_files(site: Site, application: Application) -> dict[str, str]:
    """Return what a running server has read and will not read again: a change needs new pods.

    The Caddyfile without what a server takes up as it runs, or needs only when it stops.
    """
    return {
        CADDYFILE_KEY: _rendered(application, None, has_siblings=False),
        PHP_INI_KEY: render_php_ini(_ini(site)),
    }


def _caddyfile(site: Site, application: Application, storage: tuple[PersistentPath, ...] | None) -> str:
    rules = rules_of(site, application.health_path)
    return _rendered(application, rules, has_siblings=storage is not None and not is_single_node(storage))


# Most Sites of a cluster share a few applications, and a resync renders the file of every Site.
@lru_cache(maxsize=256)
def _rendered(application: Application, rules: RequestRules | None, *, has_siblings: bool) -> str:
    return render_caddyfile(site_server_config(application, rules, has_siblings=has_siblings))


def _ini(site: Site) -> dict[str, str]:
    spec = site.spec.runtime or RuntimeSpec()
    # The schema lets only these through; a Site stored before a key left the list loses it here.
    allowed = {key: value for key, value in sorted(spec.ini.items()) if key in INI_KEYS}
    return {**PLATFORM_INI, **allowed}
