"""Where certificates are kept, and what tls.mode Managed means on an installation."""

import pytest

DIRECTORY = "https://acme.example.org/directory"


def _environment(rendered):
    container = rendered.container("frankenpanel-operator/operator")
    return {item["name"]: item.get("value") for item in container["env"]}


def test_certificates_have_a_namespace_of_their_own_which_outlives_the_release(defaults):
    namespace = defaults.find("Namespace", "frankenpanel-system-certificates")
    assert namespace["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert _environment(defaults)["FRANKENPANEL_CERTIFICATES_NAMESPACE"] == "frankenpanel-system-certificates"


def test_the_namespace_may_have_another_name(render):
    chosen = render(gateway={"tls": {"certificatesNamespace": "keys"}})
    assert chosen.find("Namespace", "keys")
    assert _environment(chosen)["FRANKENPANEL_CERTIFICATES_NAMESPACE"] == "keys"


def test_it_may_not_be_the_platform_s_own_one(try_render):
    """Whoever reads every Secret there would read the platform key."""
    result = try_render({"gateway": {"tls": {"certificatesNamespace": "frankenpanel-system"}}})
    assert result.returncode != 0
    assert "must not be the namespace of the release" in result.stderr


@pytest.mark.parametrize(("directory", "mode"), [("", "Internal"), (DIRECTORY, "Managed")])
def test_managed_certificates_are_ordered_only_where_there_is_an_authority(render, directory, mode):
    rendered = render(gateway={"tls": {"acme": {"directory": directory}}})
    assert _environment(rendered)["FRANKENPANEL_MANAGED_CERTIFICATES"] == mode


@pytest.mark.parametrize(
    "acme",
    [
        {"directory": "http://acme.example.org/directory"},
        {"directory": "https://acme.example.org/{env.HOME}"},
        {"email": "nobody"},
        {"caBundle": "/etc/ssl/ca.pem"},
    ],
)
def test_an_authority_that_cannot_be_meant_is_refused(try_render, acme):
    assert try_render({"gateway": {"tls": {"acme": acme}}}).returncode != 0
