"""A tenant's own certificate, from the Secret through the whole operator to the gateway's namespace."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from authority import Authority, Issued
from frankenpanel_operator import naming
from installation import MERGE_PATCH, OURS

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("controllers")]


class Tenant:
    """Brings a certificate for the host of the Domain "shop", and sees what comes of it."""

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


@pytest.fixture
def tenant(installation: Any) -> Tenant:
    return Tenant(installation)


async def test_a_certificate_is_brought_ends_soon_and_goes(
    installation: Any, operator: Any, until: Any, tenant: Tenant
) -> None:
    async with operator(certificates_namespace=installation.platform):
        installation.create_site("shop")
        tenant.create_domain()
        await until(lambda: tenant.condition() == "False SecretNotFound", "the Secret is missed")
        await until(lambda: tenant.condition("RouteProgrammed") == "True Routed", "it is served meanwhile")
        end = datetime.now(UTC) + timedelta(days=20)
        tenant.bring(tenant.authority.issue(tenant.host, end=end))
        tenant.nudge("Always")
        await until(lambda: tenant.condition() == "True Issued", "it is brought")
        copy = tenant.copy()
        assert copy is not None
        assert tenant.claim()["spec"]["tls"] == {
            "mode": "Secret",
            "mayOrder": False,
            "secretName": copy["metadata"]["name"],
        }
        await until(lambda: tenant.domain()["status"].get("url", "").startswith("https:"), "https")
        assert tenant.condition("CertificateExpiring") == "True ExpiresSoon"
        assert tenant.domain()["status"]["certificate"]["issuer"] == "Example CA"
        await until(lambda: tenant.events("ExpiresSoon"), "an Event")
        (event,) = tenant.events("ExpiresSoon")
        assert event.startswith(f"Warning The certificate ends on {end:%Y-%m-%d}")
        assert installation.condition("shop", "Ready") != "False DomainNotReady"

        # Away from the Secret: the claim says so, then the copy goes.
        path = f"{OURS}/namespaces/{installation.tenant}/domains/shop"
        spec = {"tls": {"mode": "Internal", "secretRef": None}}
        assert tenant.api.request("PATCH", path, {"spec": spec}, content_type=MERGE_PATCH).status == 200
        await until(lambda: tenant.copy() is None, "the copy is gone")
        await until(lambda: "secretName" not in tenant.claim()["spec"]["tls"], "the claim names none")
        assert tenant.condition("CertificateExpiring") == ""


async def test_the_copy_goes_with_its_domain(
    installation: Any, operator: Any, until: Any, tenant: Tenant
) -> None:
    async with operator(certificates_namespace=installation.platform):
        tenant.bring(tenant.authority.issue(tenant.host))
        installation.create_site("shop")
        tenant.create_domain()
        await until(lambda: tenant.condition() == "True Issued", "it is brought")
        installation.delete("domains", "shop")
        await until(lambda: installation.is_gone("shop", "domains"), "the Domain is gone")
        assert tenant.copy() is None
