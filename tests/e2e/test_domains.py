"""A host from its claim to its rename, through real DNS and TLS: CoreDNS and pebble run beside the cluster.

The platform is told of them for as long as this file runs: where names are looked up, who signs, and that
tenants have to prove their hosts. Afterwards it has the values that it had before.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import ssl
import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from coredns_process import NameServer, running_name_server
from pebble_process import Pebble, pebble

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).parents[2]
PLATFORM = "frankenpanel-system"
RELEASE = "frankenpanel"
DEMO = "demo"
CERTIFICATE_SECONDS = 240
"""Short enough to see a renewal, long enough to be served meanwhile."""
OPEN_SESAME = "$2b$06$3Nj.Is8wBUGi78xmaaT9QedQFowGwmWnjZqqJcG2kERZuiTU46WNe"
"""What `htpasswd -nB` prints for a password of this name."""
RUN = uuid.uuid4().hex[:6]
"""In the hosts: one that a former run has given up is kept from this one for a while."""
HOST = f"shop-{RUN}.test"
SECOND_HOST = f"store-{RUN}.test"


@dataclass(frozen=True)
class Edge:
    """The gateway as the world sees it, and the world's name server and authority."""

    address: str
    names: NameServer
    authority: Pebble

    def lead_here(self, *records: str, hosts: tuple[str, ...]) -> None:
        """Let the hosts lead to the gateway, beside further records of the zone."""
        self.names.write(*(f"{host}. 1 IN A {self.address}" for host in hosts), *records)

    def get(
        self, url: str, *, headers: dict[str, str] | None = None, root: str | None = None
    ) -> http.client.HTTPResponse:
        """Ask once, following nothing; over https the name is checked against the authority's root."""
        scheme, _, rest = url.partition("://")
        host, _, path = rest.partition("/")
        connection = (
            _TlsConnection(self.address, host, self.tls_context(root))
            if scheme == "https"
            else http.client.HTTPConnection(self.address, 80, timeout=30)
        )
        connection.request("GET", f"/{path}", headers={"Host": host, **(headers or {})})
        response = connection.getresponse()
        response.body = response.read()  # type: ignore[attr-defined]
        connection.close()
        return response

    def serial(self, host: str) -> int:
        """Return the serial number of the certificate that visitors of a host are shown."""
        with (
            socket.create_connection((self.address, 443), timeout=30) as raw,
            self.tls_context().wrap_socket(raw, server_hostname=host) as connection,
        ):
            return int(connection.getpeercert()["serialNumber"], 16)  # type: ignore[index,arg-type]

    def tls_context(self, root: str | None = None) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=root or self.authority.root().decode())


class _TlsConnection(http.client.HTTPSConnection):
    """Connects to an address and asks for a name."""

    def __init__(self, address: str, host: str, context: ssl.SSLContext) -> None:
        super().__init__(address, 443, timeout=30, context=context)
        self._asked, self._tls = host, context

    def connect(self) -> None:
        raw = socket.create_connection((self.host, self.port), timeout=30)
        self.sock = self._tls.wrap_socket(raw, server_hostname=self._asked)


@pytest.fixture(scope="module")
def edge(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    node = cluster.kubectl(
        "get", "nodes", "-o", "jsonpath={.items[0].status.addresses[?(@.type=='InternalIP')].address}"
    )
    if not _is_ours(node):
        pytest.skip(f"the node {node} is another machine, whose pods cannot ask this one's name server")
    gateway = cluster.get("service", "frankenpanel-gateway", PLATFORM)["spec"]["clusterIP"]
    folder = tmp_path_factory.mktemp("edge")
    with (
        running_name_server(folder, node) as names,
        pebble(folder, 80, CERTIFICATE_SECONDS, node, names.address) as authority,
        _PlatformValues(
            cluster,
            {
                "domains.resolvers": [f"{node}:{names.port}"],
                "domains.gatewayAddresses": [gateway],
                "domains.trustedNamespaces": [DEMO],
                "gateway.tls.acme.directory": authority.directory,
                "gateway.tls.acme.email": "admin@example.com",
                "gateway.tls.acme.caBundle": authority.ca_file.read_text(),
            },
        ),
    ):
        yield Edge(gateway, names, authority)


def _is_ours(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
        return True


class _PlatformValues:
    """Gives the release other values until the block ends."""

    def __init__(self, cluster: Any, values: dict[str, Any]) -> None:
        self._cluster, self._values = cluster, values
        self._before: str = ""
        self._description: str = ""

    def __enter__(self) -> None:
        self._before = self._helm("get", "values", RELEASE, "--output=json")
        self._description = json.loads(self._helm("status", RELEASE, "--output=json"))["info"]["description"]
        changes = [f"--set-json={key}={json.dumps(value)}" for key, value in self._values.items()]
        self._upgrade("--reuse-values", *changes)

    def __exit__(self, *_: object) -> None:
        self._upgrade(
            "--reset-values", "--values=-", f"--description={self._description}", stdin=self._before
        )

    def _upgrade(self, *arguments: str, stdin: str | None = None) -> None:
        self._helm("upgrade", RELEASE, str(REPOSITORY / "charts" / RELEASE), *arguments, stdin=stdin)
        for name in ("operator", "gateway"):
            self._cluster.kubectl(
                "rollout", "status", f"deployment/frankenpanel-{name}", "-n", PLATFORM, "--timeout=170s"
            )

    def _helm(self, *arguments: str, stdin: str | None = None) -> str:
        program = shutil.which("helm", path=f"{REPOSITORY}/.build/bin") or shutil.which("helm")
        assert program, "helm is neither on the PATH nor in .build/bin; run `make up` first"
        command = [program, *arguments, "--kubeconfig", str(self._cluster.kubeconfig), "-n", PLATFORM]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=180, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def tenant(cluster: Any) -> Iterator[str]:
    name = f"e2e-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    yield name
    cluster.kubectl("delete", "domains,sites", "--all", "-n", name, "--timeout=120s")
    cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


def manifest(kind: str, name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "frankenpanel.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def proof(cluster: Any, domain: str, namespace: str) -> str:
    """Return the line of a zone that proves a host, as the Domain's status spells it out."""
    records = cluster.get("domain", domain, namespace)["status"]["verification"]["records"]
    record = next(item for item in records if item["type"] == "TXT")
    return f'{record["name"]}. 1 IN TXT "{record["value"]}"'


@pytest.fixture(scope="module")
def shop(cluster: Any, edge: Edge, tenant: str) -> str:
    """Claim, prove and encrypt a host of a running Site; return its proof, which has to stay in the zone."""
    cluster.apply(
        manifest(
            "Site",
            "shop",
            tenant,
            source={"preset": {"name": "wordpress", "install": {"title": "Shop of the edge"}}},
            storage=[{"name": "content", "size": "256Mi"}],
            deletion={"data": "Delete"},
        ),
        manifest("Domain", "shop", tenant, host=HOST, siteRef={"name": "shop"}, role="Primary"),
    )
    cluster.wait_for("domain", "shop", tenant, type_="Claimed", seconds=60)
    waits = {"status": "False", "reason": "RecordNotFound"}
    cluster.wait_for("domain", "shop", tenant, type_="OwnershipVerified", seconds=90, **waits)
    record = proof(cluster, "shop", tenant)
    edge.names.write(record)
    cluster.wait_for("domain", "shop", tenant, type_="OwnershipVerified", seconds=180)
    cluster.wait_for(
        "domain", "shop", tenant, type_="DNSResolves", seconds=60, status="False", reason="NotResolving"
    )
    edge.lead_here(record, hosts=(HOST,))
    cluster.wait_for("domain", "shop", tenant, type_="DNSResolves", seconds=180)
    cluster.wait_for("domain", "shop", tenant, type_="CertificateReady", seconds=180)
    cluster.wait_for("domain", "shop", tenant, seconds=240)
    return record


def test_visitors_are_served_by_https_and_sent_there_from_http(edge: Edge, shop: str) -> None:
    page = edge.get(f"https://{HOST}/")
    assert page.status == 200
    assert b"Shop of the edge" in page.body  # type: ignore[attr-defined]
    plain = edge.get(f"http://{HOST}/some/page?x=1")
    assert (plain.status, plain.headers["Location"]) == (308, f"https://{HOST}/some/page?x=1")


def test_status_says_who_signed_and_until_when(cluster: Any, edge: Edge, shop: str, tenant: str) -> None:
    status = cluster.get("domain", "shop", tenant)["status"]
    assert status["url"] == f"https://{HOST}"
    assert cluster.get("site", "shop", tenant)["status"]["url"] == f"https://{HOST}"
    assert "Pebble" in status["certificate"]["issuer"]
    assert status["certificate"]["notAfter"]
    assert status["dns"]["observed"] == [edge.address]


def test_name_without_a_claim_gets_no_certificate(edge: Edge, shop: str) -> None:
    with pytest.raises(ssl.SSLError):
        edge.get("https://nobody.test/")


def test_certificate_is_renewed_before_it_ends(edge: Edge, shop: str, eventually: Callable[..., Any]) -> None:
    before = edge.serial(HOST)
    eventually(
        lambda: edge.serial(HOST) != before,
        seconds=2 * CERTIFICATE_SECONDS,
        what="visitors are shown another certificate",
    )
    assert edge.get(f"https://{HOST}/").status == 200


def test_second_namespace_cannot_take_a_proven_host(cluster: Any, shop: str, namespace: str) -> None:
    cluster.apply(manifest("Domain", "thief", namespace, host=f"{HOST.upper()}.", siteRef={"name": "x"}))
    body = cluster.wait_for(
        "domain", "thief", namespace, type_="Claimed", seconds=60, status="False", reason="HostTaken"
    )
    message = next(c["message"] for c in body["status"]["conditions"] if c["type"] == "Claimed")
    assert "e2e-" not in message


def test_www_twin_redirects_with_a_certificate_of_its_own(
    cluster: Any, edge: Edge, shop: str, tenant: str, eventually: Callable[..., Any]
) -> None:
    edge.lead_here(shop, hosts=(HOST, f"www.{HOST}"))
    cluster.patch("domain", "shop", tenant, {"spec": {"www": "Redirect"}})

    def redirect() -> http.client.HTTPResponse | None:
        try:
            response = edge.get(f"https://www.{HOST}/a/b?c=d")
        except OSError:
            return None
        return response if response.status < 400 else None

    answer = eventually(redirect, seconds=240, what=f"https://www.{HOST} redirects")
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/a/b?c=d")


def test_password_and_address_rules_are_the_sites_own(
    cluster: Any, edge: Edge, shop: str, tenant: str, eventually: Callable[..., Any]
) -> None:
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "staging", "namespace": tenant},
            "stringData": {"auth": f"ali:{OPEN_SESAME}\n"},
        }
    )
    cluster.patch(
        "site", "shop", tenant, {"spec": {"access": {"basicAuth": {"secretRef": {"name": "staging"}}}}}
    )
    url = f"https://{HOST}/"
    eventually(lambda: edge.get(url).status == 401, seconds=180, what="the site asks for a password")
    token = {"Authorization": "Basic YWxpOm9wZW4gc2VzYW1l"}
    assert edge.get(url, headers=token).status == 200
    assert edge.get(url, headers={"Authorization": "Basic YWxpOndyb25n"}).status == 401
    cluster.patch("site", "shop", tenant, {"spec": {"access": {"basicAuth": None, "deny": ["0.0.0.0/0"]}}})
    eventually(lambda: edge.get(url).status == 403, seconds=180, what="the site refuses every address")
    spoofed = edge.get(url, headers={"X-Forwarded-For": "2001:db8::1"})
    assert spoofed.status == 403
    cluster.patch("site", "shop", tenant, {"spec": {"access": None}})
    eventually(lambda: edge.get(url).status == 200, seconds=180, what="the site is open again")


def test_renaming_counts_first_and_rewrites_when_asked(
    cluster: Any, edge: Edge, shop: str, tenant: str, eventually: Callable[..., Any]
) -> None:
    shop_ref = {"name": "shop"}
    cluster.apply(manifest("Domain", "store", tenant, host=SECOND_HOST, siteRef=shop_ref, role="Alias"))
    cluster.wait_for("domain", "store", tenant, type_="Claimed", seconds=60)
    second = eventually(
        lambda: (
            proof(cluster, "store", tenant)
            if cluster.get("domain", "store", tenant)["status"].get("verification", {}).get("records")
            else None
        ),
        seconds=60,
        what="the Domain says how to prove its host",
    )
    edge.lead_here(shop, second, hosts=(HOST, f"www.{HOST}", SECOND_HOST))
    cluster.wait_for("domain", "store", tenant, seconds=300)
    cluster.patch("domain", "shop", tenant, {"spec": {"role": "Alias", "www": "Ignore"}})
    cluster.patch("domain", "store", tenant, {"spec": {"role": "Primary"}})

    def rewrite(phase: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = cluster.get("domain", "store", tenant)["status"].get("rewrite") or {}
            return found if found.get("phase") == phase else None

        return eventually(look, seconds=240, what=f"the rewrite is {phase}")

    counted = rewrite("Counted")
    assert counted["fromHost"] == HOST
    assert counted["values"] > 0
    cluster.patch("domain", "store", tenant, {"spec": {"onPromote": {"rewriteContent": "Always"}}})
    rewritten = rewrite("Rewritten")
    assert rewritten["values"] > 0
    page = edge.get(f"https://{SECOND_HOST}/").body.decode()  # type: ignore[attr-defined]
    assert f"//{SECOND_HOST}/" in page
    assert f"//{HOST}/" not in page
