"""What a build must know of this host to reach the outside: certificates and package proxies.

Neither is part of an image: the certificates come as a build secret, the settings as build arguments
which only build stages declare.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CA_SECRET = "ca-bundle"  # noqa: S105
CA_PATH_IN_BUILD = "/run/secrets/ca-bundle"
_CA_BUNDLES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))
_GO_SETTINGS = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GONOPROXY", "GOPRIVATE")
_PASSED_THROUGH = (
    *_GO_SETTINGS,
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_TRUSTED_HOST",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
_ENGINE_KNOWS = frozenset(name for name in _PASSED_THROUGH if name.lower().endswith("_proxy"))
_CA_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "CURL_CA_BUNDLE")
_ARG = re.compile(r"^ARG\s+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)


@dataclass(frozen=True)
class HostSettings:
    """Certificates and proxies of this host."""

    ca_bundle: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def build_flags(self, dockerfile: str) -> list[str]:
        """Return the flags for a build; only variables which the Dockerfile declares are passed."""
        declared = set(_ARG.findall(dockerfile)) | _ENGINE_KNOWS
        flags: list[str] = []
        for key, value in sorted(self.variables.items()):
            if key in declared:
                flags += ["--build-arg", f"{key}={value}"]
        if self.ca_bundle is not None:
            flags += ["--secret", f"id={CA_SECRET},src={self.ca_bundle}"]
            for key in _CA_VARIABLES:
                if key in declared:
                    flags += ["--build-arg", f"{key}={CA_PATH_IN_BUILD}"]
        return flags


def read_host_settings(environment: Mapping[str, str] | None = None) -> HostSettings:
    """Collect the settings from the environment and from what `go env -w` has kept."""
    source = os.environ if environment is None else environment
    variables = {**_go_settings(), **{key: source[key] for key in _PASSED_THROUGH if source.get(key)}}
    named = source.get("SSL_CERT_FILE")
    candidates = [Path(named)] if named else list(_CA_BUNDLES)
    bundle = next((path for path in candidates if path.is_file()), None)
    return HostSettings(bundle, variables)


def _go_settings() -> dict[str, str]:
    if shutil.which("go") is None:
        return {}
    done = subprocess.run(["go", "env", "-json", *_GO_SETTINGS], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return {}
    values: dict[str, str] = json.loads(done.stdout)
    return {key: value for key, value in values.items() if value}
