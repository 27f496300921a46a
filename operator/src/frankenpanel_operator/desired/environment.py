"""The environment of a Site's containers: the platform's own variables first, the tenant's after them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from frankenpanel_crds.site import Site
from frankenpanel_crds.sitepreset import ConfigFormat

from frankenpanel_operator import naming
from frankenpanel_operator.desired.configmap import SITE_URL_KEY
from frankenpanel_operator.desired.inputs import SiteInputs, Workload
from frankenpanel_operator.desired.installation import installation_of
from frankenpanel_operator.desired.promotion import Promotion
from frankenpanel_operator.desired.resources import go_memory_limit, php_threads
from frankenpanel_operator.observed import Manifest

# Variable to key of the database Secret, for applications that are configured by environment alone.
_DATABASE_VARIABLES: Mapping[str, str] = {
    "DATABASE_HOST": "host",
    "DATABASE_PORT": "port",
    "DATABASE_NAME": "name",
    "DATABASE_USER": "username",
    "DATABASE_PASSWORD": "password",
}
# The Job controller labels its pods.
_JOB_UID_FIELD = "metadata.labels['batch.kubernetes.io/controller-uid']"


def web_environment(site: Site, inputs: SiteInputs, workload: Workload) -> list[Manifest]:
    """Return the variables of the container that serves visitors."""
    return _with_tenant(site, [*_server(site), *_database(site, inputs, workload)])


def install_environment(site: Site, inputs: SiteInputs, workload: Workload) -> list[Manifest]:
    """Return the variables of the container that sets the application up."""
    name, install = site.metadata.name, installation_of(site)
    settings = [
        _plain("SITE_TITLE", install.title),
        # By reference: a host that comes or goes must not make another Job of it.
        {
            "name": "SITE_URL",
            "valueFrom": {"configMapKeyRef": {"name": naming.config_name(name), "key": SITE_URL_KEY}},
        },
        _plain("SITE_LOCALE", install.locale),
        _plain("ADMIN_USER", install.admin_user),
        _plain("ADMIN_EMAIL", install.admin_email),
        _from_secret("ADMIN_PASSWORD", naming.admin_secret_name(name), "password"),
    ]
    return _with_tenant(site, [*_server(site), *settings, *_database(site, inputs, workload)])


def rewrite_environment(
    site: Site, inputs: SiteInputs, workload: Workload, promotion: Promotion
) -> list[Manifest]:
    """Return the variables of the container that counts or rewrites stored addresses."""
    settings = [
        _plain("FROM_HOSTS", " ".join(promotion.from_hosts)),
        _plain("TO_HOST", promotion.host),
        # The same in each pod of the Job, and another in each Job: how an interrupted run is taken up.
        {"name": "REWRITE_ID", "valueFrom": {"fieldRef": {"fieldPath": _JOB_UID_FIELD}}},
    ]
    return _with_tenant(site, [*_server(site), *settings, *_database(site, inputs, workload)])


def environment_sources(site: Site) -> list[Manifest]:
    """Return `envFrom`; explicit variables, the platform's among them, win over it."""
    return [{"secretRef": {"name": source.secret_ref.name}} for source in site.spec.env_from]


def _server(site: Site) -> list[Manifest]:
    return [_plain("SITE_THREADS", str(php_threads(site))), _plain("GOMEMLIMIT", go_memory_limit(site))]


def _database(site: Site, inputs: SiteInputs, workload: Workload) -> list[Manifest]:
    if workload.database is None or workload.application.config_format != ConfigFormat.ENV_ONLY:
        return []
    secret = naming.database_secret_name(site.metadata.name, inputs.data_id)
    return [_from_secret(name, secret, key) for name, key in _DATABASE_VARIABLES.items()]


def _with_tenant(site: Site, platform: Iterable[Manifest]) -> list[Manifest]:
    """Append the tenant's variables; a name that the platform uses already stays the platform's."""
    result = list(platform)
    taken = {variable["name"] for variable in result}
    return result + [_plain(item.name, item.value) for item in site.spec.env if item.name not in taken]


def _plain(name: str, value: str) -> Manifest:
    """Set a variable to exactly this text: Kubernetes would expand `$(NAME)` and read `$$` as `$`."""
    return {"name": name, "value": value.replace("$", "$$")}


def _from_secret(name: str, secret: str, key: str) -> Manifest:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
