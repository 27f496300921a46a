"""A tenant who brings a certificate for the host of a Domain, and sees what comes of it."""

from __future__ import annotations

import base64
from typing import Any

from authority import Authority, Issued
from frankenpanel_operator import naming
from installation import OURS


class CertificateTenant:
    """Brings a certificate for the host of the Domain "shop", which is `authority`'s to sign."""

    def __init__(self, installation: Any) -> None:
        self.installation, self.api = installation, installation.api
        self.authority = Authority("Example CA")
        self.host = f"shop.{installation.tenant}.example.com"

    def create_domain(self) -> None:
        tls = {"mode": "Secret", "secretRef": {"name": "shop-tls"}}
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "Domain",
            "metadata": {"name": "shop"},
            "spec": {"host": self.host, "siteRef": {"name": "shop"}, "tls": tls},
        }
        self._post(f"{OURS}/namespaces/{self.installation.tenant}/domains", body)

    def bring(self, issued: Issued) -> None:
        data = {"tls.crt": issued.chain, "tls.key": issued.key_pem}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "shop-tls"},
            "data": {field: base64.b64encode(value).decode() for field, value in data.items()},
        }
        self._post(f"/api/v1/namespaces/{self.installation.tenant}/secrets", body)

    def nudge(self, redirect: str) -> None:
        """Edit the Domain: nobody tells the operator of a Secret, and the test does not wait for its look."""
        self.installation.edit("domains", "shop", {"httpsRedirect": redirect})

    def leave_it_to(self, mode: str) -> None:
        """Do without the Secret from now on."""
        self.installation.edit("domains", "shop", {"tls": {"mode": mode, "secretRef": None}})

    def has_left_nothing(self) -> bool:
        """Say whether neither a copy is there, nor a claim that names one."""
        return self.copy() is None and "secretName" not in self.claim()["spec"].get("tls", {})

    def condition(self, type_: str = "CertificateReady") -> str:
        found: str = self.installation.condition("shop", type_, "domains")
        return found

    def domain(self) -> dict[str, Any]:
        path = f"{OURS}/namespaces/{self.installation.tenant}/domains/shop"
        body: dict[str, Any] = self.api.request("GET", path).body
        return body

    def claim(self) -> dict[str, Any]:
        body: dict[str, Any] = self.api.request("GET", f"{OURS}/domainclaims/{self.host}").body
        return body

    def copy(self) -> dict[str, Any] | None:
        name = naming.certificate_secret_name(self.host)
        path = f"/api/v1/namespaces/{self.installation.platform}/secrets/{name}"
        answer = self.api.request("GET", path)
        return answer.body if answer.status == 200 else None

    def events(self, reason: str) -> list[str]:
        path = f"/api/v1/namespaces/{self.installation.tenant}/events"
        items = self.api.request("GET", path).body["items"]
        return [f"{item['type']} {item['message']}" for item in items if item["reason"] == reason]

    def _post(self, path: str, body: dict[str, Any]) -> None:
        answer = self.api.request("POST", path, body)
        assert answer.status == 201, answer.message
