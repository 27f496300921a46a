"""Certificates of tenants on a real API server, read and copied with the rights that the chart gives."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from authority import Authority, Issued
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_settings import TlsMode
from frankenpanel_operator import naming
from frankenpanel_operator.cluster.applier import KubernetesApplier
from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.resources import SECRET
from frankenpanel_operator.cluster.tenant_secrets import KubernetesTenantSecrets
from frankenpanel_operator.desired.certificate import READER_ROLE
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.errors import ClusterRefusedError, SecretForbiddenError
from frankenpanel_operator.findings import Certificate, HostChecks, Ownership, Resolution
from frankenpanel_operator.observed import ObjectRef
from frankenpanel_operator.reconcilers.certificate_memory import CertificateMemory
from frankenpanel_operator.reconcilers.domain_certificate import DomainCertificates

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("installed_crds")]

CLAIMS = "/apis/frankenpanel.io/v1alpha1/domainclaims"
RBAC_OF = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}"
MERGE_PATCH = "application/merge-patch+json"
CHECKS = HostChecks(
    Ownership(is_proven=True, reason="Verified", message=""),  # type: ignore[arg-type]
    Resolution(is_here=True, reason="Resolves", message=""),  # type: ignore[arg-type]
)


class Clock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class Tenant:
    """A tenant with a Domain, whose claim takes what the operator says, and the gateway's namespace."""

    def __init__(self, api: Any, namespace: str, platform: str, reader: Mapping[str, Any]) -> None:
        self.api, self.namespace, self.certificates, self.reader = api, namespace, platform, reader
        self.host = f"{secrets.token_hex(4)}.example.com"
        self.authority = Authority("Example CA")
        reference = {"namespace": namespace, "name": "shop", "uid": "u"}
        body = {
            "apiVersion": "frankenpanel.io/v1alpha1",
            "kind": "DomainClaim",
            "metadata": {"name": self.host},
            "spec": {"host": self.host, "domainRef": reference},
        }
        self.claim = self._ok("POST", CLAIMS, body)

    def bring(self, issued: Issued, **extra: str) -> None:
        """Create or replace the Secret, as cert-manager or a person does."""
        data = {"tls.crt": issued.chain, "tls.key": issued.key_pem}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "shop-tls"},
            "data": {field: base64.b64encode(value).decode() for field, value in data.items()},
            "stringData": extra,
        }
        self.api.request("DELETE", self._path("shop-tls"))
        self._ok("POST", self._path(), body)

    def renew(self, issued: Issued) -> None:
        """Change the Secret in place."""
        data = {"tls.crt": issued.chain, "tls.key": issued.key_pem}
        patch = {"data": {field: base64.b64encode(value).decode() for field, value in data.items()}}
        self._ok("PATCH", self._path("shop-tls"), patch)

    def allow(self, user: str) -> None:
        """Bind the chart's role to the operator, in the tenant's own namespace."""
        self._bind(user, "ClusterRole", self.reader["name"])

    def allow_one(self, user: str, secret: str) -> None:
        """Allow one Secret and no other."""
        rule = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get"]}
        role = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "shop-certificate"},
            "rules": [rule],
        }
        self._ok("POST", f"{RBAC_OF.format(self.namespace)}/roles", role)
        self._bind(user, "Role", "shop-certificate")

    def _bind(self, user: str, kind: str, name: str) -> None:
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": READER_ROLE},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
            "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
        }
        self._ok("POST", f"{RBAC_OF.format(self.namespace)}/rolebindings", binding)

    def copy(self) -> dict[str, Any] | None:
        """Return what the gateway would find."""
        name = naming.certificate_secret_name(self.host)
        answer = self.api.request("GET", f"/api/v1/namespaces/{self.certificates}/secrets/{name}")
        return answer.body if answer.status == 200 else None

    def copied(self, field: str = "tls.crt") -> bytes:
        copy = self.copy()
        assert copy is not None
        return base64.b64decode(copy["data"][field])

    def take(self, finding: Certificate) -> None:
        """Write what the operator says into the claim."""
        tls = {"secretName": None, **finding.tls.to_manifest()}
        self.claim = self._ok("PATCH", f"{CLAIMS}/{self.host}", {"spec": {"tls": tls}})

    def leave(self) -> None:
        self.api.request("DELETE", f"{CLAIMS}/{self.host}")

    def _path(self, name: str = "") -> str:
        return f"/api/v1/namespaces/{self.namespace}/secrets" + (f"/{name}" if name else "")

    def _ok(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        content_type = MERGE_PATCH if method == "PATCH" else "application/json"
        answer = self.api.request(method, path, body, content_type=content_type)
        assert answer.status < 300, answer.message
        found: dict[str, Any] = answer.body
        return found


@pytest.fixture
def bound_reader(kubernetes_api: Any, reader_role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the reader's ClusterRole as the chart installs it, under a name of this test's own."""
    name = f"reader-{secrets.token_hex(4)}"
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles"
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": reader_role["rules"],
    }
    assert kubernetes_api.request("POST", path, body).status == 201
    yield {"name": name}
    kubernetes_api.request("DELETE", f"{path}/{name}")


@pytest.fixture
def tenant(
    kubernetes_api: Any, namespace: str, platform_namespace: str, bound_reader: dict[str, Any]
) -> Iterator[Tenant]:
    tenant = Tenant(kubernetes_api, namespace, platform_namespace, bound_reader)
    yield tenant
    tenant.leave()


@pytest.fixture
def look(
    tenant: Tenant, operator: KubernetesClient, count_requests: Callable[[], float]
) -> Callable[..., Any]:
    """Return a coroutine function that lets the operator look at the Domain, in a mode."""
    applier = KubernetesApplier(operator, MemoryObjectCache(), BlindWrites(time.monotonic))
    certificates = DomainCertificates(
        platform=Platform("platform", certificates_namespace=tenant.certificates),
        secrets=KubernetesTenantSecrets(operator),
        applier=applier,
        clock=Clock(),
        memory=CertificateMemory(),
    )

    async def once(mode: TlsMode = TlsMode.SECRET) -> Certificate:
        reference = {"secretRef": {"name": "shop-tls"}} if mode is TlsMode.SECRET else {}
        metadata = {"name": "shop", "namespace": tenant.namespace, "uid": "u"}
        spec = {"host": tenant.host, "siteRef": {"name": "shop"}, "tls": {"mode": mode.value, **reference}}
        domain = Domain.parse({"metadata": metadata, "spec": spec})
        finding = await certificates.look(domain, tenant.host, tenant.claim, CHECKS)
        tenant.take(finding)
        return finding

    once.forget = certificates.forget  # type: ignore[attr-defined]
    return once


@pytest.fixture
def allowed(tenant: Tenant, operator_user: str) -> Tenant:
    tenant.allow(operator_user)
    return tenant


async def _until_ready(look: Any) -> Certificate:
    """Look until the API server's own memory of roles has caught up."""
    deadline = time.monotonic() + 30
    while True:
        finding: Certificate = await look()
        if finding.reason != "SecretForbidden" or time.monotonic() > deadline:
            return finding


async def test_a_secret_is_read_only_where_its_namespace_allows_it(
    tenant: Tenant, operator: KubernetesClient, operator_user: str, look: Any
) -> None:
    tenant.bring(tenant.authority.issue(tenant.host))
    finding = await look()
    assert (finding.is_ready, finding.reason.value) == (False, "SecretForbidden")
    assert tenant.copy() is None
    tenant.allow(operator_user)
    assert (await _until_ready(look)).is_ready
    # Neither elsewhere, nor all of them.
    with pytest.raises(SecretForbiddenError):
        await KubernetesTenantSecrets(operator).read_tls("default", "shop-tls")
    with pytest.raises(ClusterRefusedError):
        await operator.list_page(SECRET, {})


async def test_a_role_for_the_one_secret_is_enough(
    tenant: Tenant, operator: KubernetesClient, operator_user: str, look: Any
) -> None:
    tenant.bring(tenant.authority.issue(tenant.host))
    tenant.allow_one(operator_user, "shop-tls")
    assert (await _until_ready(look)).is_ready
    with pytest.raises(SecretForbiddenError):
        await KubernetesTenantSecrets(operator).read_tls(tenant.namespace, "another")


async def test_certificate_and_key_are_copied_and_nothing_else(allowed: Tenant, look: Any) -> None:
    issued = allowed.authority.issue(allowed.host)
    allowed.bring(issued, password="hunter2")
    finding = await _until_ready(look)
    assert finding.is_ready
    assert finding.issuer == "Example CA"
    assert allowed.copied() == issued.chain
    assert allowed.copied("tls.key") == issued.key_pem
    copy = allowed.copy()
    assert copy is not None
    assert set(copy["data"]) == {"tls.crt", "tls.key"}
    assert copy["type"] == "kubernetes.io/tls"
    assert copy["metadata"]["ownerReferences"][0]["uid"] == allowed.claim["metadata"]["uid"]
    assert allowed.claim["spec"]["tls"]["secretName"] == copy["metadata"]["name"]


async def test_an_unchanged_secret_costs_one_request_and_a_renewed_one_two(
    allowed: Tenant, look: Any, count_requests: Callable[[], float], count_writes: Callable[[], float]
) -> None:
    allowed.bring(allowed.authority.issue(allowed.host))
    await _until_ready(look)
    count_requests(), count_writes()
    for _ in range(3):
        await look()
    assert (count_requests(), count_writes()) == (3, 0)
    renewed = allowed.authority.issue(allowed.host)
    allowed.renew(renewed)
    assert (await look()).is_ready
    assert (count_requests(), count_writes()) == (2, 1)
    assert allowed.copied() == renewed.chain


async def test_what_does_not_fit_or_has_ended_leaves_the_one_before(allowed: Tenant, look: Any) -> None:
    good = allowed.authority.issue(allowed.host)
    allowed.bring(good)
    await _until_ready(look)
    other = allowed.authority.issue("other.example.com")
    ended = allowed.authority.issue(
        allowed.host,
        start=datetime.now(UTC) - timedelta(days=90),
        end=datetime.now(UTC) - timedelta(days=1),
    )
    mixed = Issued(allowed.authority.issue(allowed.host).certificate, other.key)
    for issued, reason in (
        (other, "CertificateInvalid"),
        (mixed, "CertificateInvalid"),
        (ended, "CertificateExpired"),
    ):
        allowed.renew(issued)
        finding = await look()
        assert (finding.is_ready, finding.reason.value) == (False, reason)
        assert allowed.copied() == good.chain
    allowed.renew(good)
    assert (await look()).is_ready


async def test_a_secret_that_is_not_there_is_told_and_found_once_it_is(allowed: Tenant, look: Any) -> None:
    finding = await _until_ready(look)
    assert finding.reason.value == "SecretNotFound"
    allowed.bring(allowed.authority.issue(allowed.host))
    assert (await look()).is_ready


async def test_the_copy_goes_with_the_mode(allowed: Tenant, look: Any) -> None:
    allowed.bring(allowed.authority.issue(allowed.host))
    await _until_ready(look)
    await look(TlsMode.INTERNAL)
    assert allowed.copy() is not None
    finding = await look(TlsMode.INTERNAL)
    assert finding.tls.secret_name is None
    assert allowed.copy() is None
    # Back again: what this process remembers of its write does not count any more.
    assert (await look()).is_ready
    assert allowed.copy() is not None


async def test_the_copy_goes_with_the_domain(allowed: Tenant, look: Any) -> None:
    allowed.bring(allowed.authority.issue(allowed.host))
    await _until_ready(look)
    await look.forget(ObjectRef("Domain", allowed.namespace, "shop"), allowed.claim)
    assert allowed.copy() is None


async def test_another_claim_of_the_host_takes_over_what_the_one_before_left(
    allowed: Tenant, look: Any, operator: KubernetesClient
) -> None:
    """The copy of a deleted claim is collected some time; until then its name is taken."""
    allowed.bring(allowed.authority.issue(allowed.host))
    await _until_ready(look)
    old = allowed.claim["metadata"]["uid"]
    allowed.leave()
    successor = Tenant(allowed.api, allowed.namespace, allowed.certificates, allowed.reader)
    successor.leave()
    body = {**successor.claim, "metadata": {"name": allowed.host}}
    body["spec"] = {**body["spec"], "host": allowed.host}
    allowed.claim = allowed._ok("POST", CLAIMS, body)
    renewed = allowed.authority.issue(allowed.host)
    allowed.renew(renewed)
    assert (await look()).is_ready
    copy = allowed.copy()
    assert copy is not None
    (owner,) = copy["metadata"]["ownerReferences"]
    assert owner["uid"] == allowed.claim["metadata"]["uid"] != old
    assert allowed.copied() == renewed.chain


async def test_a_foreign_secret_of_the_copy_s_name_is_left_alone(allowed: Tenant, look: Any) -> None:
    name = naming.certificate_secret_name(allowed.host)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name},
        "stringData": {"mine": "1"},
    }
    allowed._ok("POST", f"/api/v1/namespaces/{allowed.certificates}/secrets", body)
    allowed.bring(allowed.authority.issue(allowed.host))
    finding = await _until_ready(look)
    assert (finding.is_ready, finding.reason.value) == (False, "ClusterUnavailable")
    assert allowed.copied("mine") == b"1"
