from __future__ import annotations

from pathlib import Path

from frankenpanel_hack.images.host_settings import HostSettings, read_host_settings


def test_only_declared_arguments_are_passed() -> None:
    host = HostSettings(None, {"GOPROXY": "https://go.example", "PIP_INDEX_URL": "https://pip.example"})
    flags = host.build_flags("ARG GOPROXY\nFROM scratch\n# ARG PIP_INDEX_URL\n")
    assert flags == ["--build-arg", "GOPROXY=https://go.example"]


def test_http_proxies_are_known_to_every_engine() -> None:
    host = HostSettings(None, {"https_proxy": "http://proxy.example:3128"})
    assert host.build_flags("FROM scratch\n") == ["--build-arg", "https_proxy=http://proxy.example:3128"]


def test_certificates_come_as_a_secret_and_by_variables_the_dockerfile_declares() -> None:
    flags = HostSettings(Path("/certs.pem")).build_flags("ARG SSL_CERT_FILE\n")
    assert flags == [
        "--secret",
        "id=ca-bundle,src=/certs.pem",
        "--build-arg",
        "SSL_CERT_FILE=/run/secrets/ca-bundle",
    ]


def test_the_environment_names_the_certificates(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("")
    host = read_host_settings(
        {"SSL_CERT_FILE": str(bundle), "UV_DEFAULT_INDEX": "https://uv.example", "PIP_INDEX_URL": ""}
    )
    assert host.ca_bundle == bundle
    assert host.variables["UV_DEFAULT_INDEX"] == "https://uv.example"
    assert "PIP_INDEX_URL" not in host.variables
