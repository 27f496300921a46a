"""The Secret with the application's own configuration file: database password and keys."""

from __future__ import annotations

from frankenpanel_crds.site import Site
from frankenpanel_crds.sitepreset import ConfigFormat

from frankenpanel_operator import naming
from frankenpanel_operator.desired.address import authority, http_address, https_address
from frankenpanel_operator.desired.inputs import Database, SiteInputs
from frankenpanel_operator.desired.metadata import Built, owned_object
from frankenpanel_operator.desired.secret import secret_body
from frankenpanel_operator.desired.wp_config import WordPressSettings, render_wp_config
from frankenpanel_operator.observed import OwnedKind

WP_CONFIG_KEY = "wp-config.php"
MYSQL_PORT = 3306


def build_config_secret(site: Site, inputs: SiteInputs) -> Built:
    """Build it where the application is configured by a file."""
    if inputs.application is None:
        return None
    if inputs.application.config_format != ConfigFormat.WP_CONFIG:
        return ()
    if inputs.database is None:
        return None
    name = naming.config_name(site.metadata.name)
    body = secret_body({WP_CONFIG_KEY: render_site_wp_config(site, inputs, inputs.database)})
    return (owned_object(OwnedKind.SECRET, site, name, body),)


def render_site_wp_config(site: Site, inputs: SiteInputs, database: Database) -> str:
    """Return the file's text."""
    host, platform = inputs.primary_host, inputs.platform
    settings = WordPressSettings(
        database_host=authority(database.host, database.port, usual_port=MYSQL_PORT),
        database_name=database.name,
        database_user=database.name,
        database_password=inputs.credentials.database_password,
        charset=site.spec.database.charset.value,
        keys=inputs.credentials.keys,
        http_address=http_address(host, platform) if host else None,
        https_address=https_address(host, platform) if host else None,
    )
    return render_wp_config(settings)
