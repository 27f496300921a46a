from __future__ import annotations

from frankenpanel_crds.runtimecatalog import CatalogRuntime, RuntimeCatalogSpec
from frankenpanel_crds.sitepreset import ConfigFormat, PresetVersion, SitePresetSpec

CATALOG = RuntimeCatalogSpec(
    default="8.4",
    runtimes=(CatalogRuntime(php="8.3", image="php:8.3"), CatalogRuntime(php="8.4", image="php:8.4")),
)
PRESET = SitePresetSpec(
    title="WordPress",
    default_version="6.8",
    versions=(PresetVersion(version="6.7", image="wp:6.7"), PresetVersion(version="6.8", image="wp:6.8")),
    config_format=ConfigFormat.WP_CONFIG,
)


def test_image_of_a_php_version() -> None:
    assert CATALOG.image_of("8.3") == "php:8.3"
    assert CATALOG.image_of(None) == "php:8.4"
    assert CATALOG.image_of("5.6") is None


def test_image_of_an_application_version() -> None:
    assert PRESET.image_of("6.7") == "wp:6.7"
    assert PRESET.image_of(None) == "wp:6.8"
    assert PRESET.image_of("1.0") is None
