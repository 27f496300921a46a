"""A tenant's own certificate, from the Secret through the whole operator to the gateway's namespace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from certificate_tenant import CertificateTenant

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("controllers")]


@pytest.fixture
def tenant(installation: Any) -> CertificateTenant:
    return CertificateTenant(installation)


async def test_a_certificate_is_brought_ends_soon_and_goes(
    installation: Any, operator: Any, until: Any, tenant: CertificateTenant
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
        tenant.leave_it_to("Internal")
        await until(tenant.has_left_nothing, "the copy is gone")
        assert tenant.condition("CertificateExpiring") == ""


async def test_the_copy_goes_with_its_domain(
    installation: Any, operator: Any, until: Any, tenant: CertificateTenant
) -> None:
    async with operator(certificates_namespace=installation.platform):
        tenant.bring(tenant.authority.issue(tenant.host))
        installation.create_site("shop")
        tenant.create_domain()
        await until(lambda: tenant.condition() == "True Issued", "it is brought")
        installation.delete("domains", "shop")
        await until(lambda: installation.is_gone("shop", "domains"), "the Domain is gone")
        assert tenant.copy() is None
