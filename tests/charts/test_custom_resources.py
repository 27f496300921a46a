"""Objects of our own kinds that the chart and the examples bring fit the definitions, to the last field.

That the API server takes them, CEL rules included, is for the integration tests to say.
"""

from pathlib import Path

import helm_charts
import jsonschema_rs
import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
CRDS_CHART = REPOSITORY / "charts" / "frankenpanel-crds"
EXAMPLES = sorted((REPOSITORY / "examples").glob("*.yaml"))
OWN_KINDS = {"Site", "Domain", "DomainClaim", "RuntimeCatalog", "SitePreset", "DatabaseServer"}


def _closed(schema):
    """Return the schema with every object closed: what the API server would drop is a mistake here."""
    closed = {key: _closed(value) if isinstance(value, dict) else value for key, value in schema.items()}
    if "properties" in closed:
        closed["properties"] = {name: _closed(part) for name, part in schema["properties"].items()}
        closed.setdefault("additionalProperties", False)
    return closed


@pytest.fixture(scope="module")
def validators():
    found = {}
    for path in (CRDS_CHART / "templates").glob("*.yaml"):
        definition = yaml.safe_load(path.read_text())
        (version,) = definition["spec"]["versions"]
        schema = _closed(version["schema"]["openAPIV3Schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        found[definition["spec"]["names"]["kind"]] = jsonschema_rs.validator_for(schema)
    assert set(found) == OWN_KINDS
    return found


def _by_name(objects):
    return {manifest["metadata"]["name"]: manifest for manifest in objects}


def _complaints(validators, manifest):
    errors = validators[manifest["kind"]].iter_errors(manifest)
    return [f"{'.'.join(map(str, error.instance_path))}: {error.message}" for error in errors]


def test_what_the_chart_brings_fits_the_definitions(defaults, validators):
    ours = [m for m in defaults.objects if m["apiVersion"] == "frankenpanel.io/v1alpha1"]
    assert {m["kind"] for m in ours} == {"RuntimeCatalog", "SitePreset", "DatabaseServer"}
    assert {m["metadata"]["name"]: _complaints(validators, m) for m in ours} == {
        "default": [],
        "wordpress": [],
        "embedded": [],
    }


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_examples_fit_the_definitions(example, validators):
    ours = [m for m in yaml.safe_load_all(example.read_text()) if m["kind"] in OWN_KINDS]
    assert ours
    for manifest in ours:
        assert _complaints(validators, manifest) == []


def test_a_field_that_nobody_defined_is_noticed(validators):
    site = {"kind": "Site", "metadata": {"name": "a"}, "spec": {"source": {"preset": {"name": "wordpress"}}}}
    assert _complaints(validators, site) == []
    site["spec"]["replicas"] = 2
    assert len(_complaints(validators, site)) == 1


def test_examples_put_tenants_into_restricted_namespaces():
    for example in EXAMPLES:
        for manifest in yaml.safe_load_all(example.read_text()):
            if manifest["kind"] == "Namespace":
                labels = manifest["metadata"]["labels"]
                assert labels["pod-security.kubernetes.io/enforce"] == "restricted", example.name


def test_the_definitions_render_as_they_are_and_outlive_their_chart():
    rendered = helm_charts.render("frankenpanel-crds", {}).objects
    written = [yaml.safe_load(path.read_text()) for path in (CRDS_CHART / "templates").glob("*.yaml")]
    assert _by_name(rendered) == _by_name(written)
    for definition in written:
        assert definition["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
