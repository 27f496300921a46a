"""Objects that were stored under another schema: nobody crashes over them, and what can be read is used."""

from __future__ import annotations

from typing import Any

import pytest
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.site import Site
from frankenpanel_crds.sitepreset import SitePreset
from frankenpanel_operator.observed import ObjectRef, UnreadableObject
from frankenpanel_operator.reconcilers.unreadable import read, readable_domain, readable_site

SITE = ObjectRef("Site", "demo", "shop")
HOST = "shop.localhost"
DOMAIN = ObjectRef("Domain", "demo", "shop-localhost")
PRESET = ObjectRef("SitePreset", "", "wordpress")
CATALOG = ObjectRef("RuntimeCatalog", "", "default")
SERVER = ObjectRef("DatabaseServer", "", "embedded")
CLAIM = ObjectRef("DomainClaim", "", HOST)


def spoil(world: Any, ref: ObjectRef, **fields: Any) -> None:
    """Put values into a spec that today's models refuse."""
    world.cluster.edit(ref, spec={**world.cluster.read(ref)["spec"], **fields})


class TestReading:
    BODY: dict[str, Any] = {  # noqa: RUF012  never changed
        "kind": "Site",
        "metadata": {"name": "shop", "namespace": "demo", "uid": "u", "finalizers": ["a"]},
        "spec": {
            "source": {"preset": {"name": "wordpress"}},
            "scaling": {"replicas": "many"},
            "deletion": {"data": "Delete"},
        },
        "status": {"url": "http://shop", "conditions": "none"},
    }

    def test_a_neighbour_that_cannot_be_read_is_named_with_its_field(self) -> None:
        body = {"metadata": {"name": "wordpress"}, "spec": {"title": "x", "versions": 5}}
        preset, unreadable = read(SitePreset, body)
        assert preset is None
        assert isinstance(unreadable, UnreadableObject)
        assert (unreadable.kind, unreadable.name) == ("SitePreset", "wordpress")
        assert unreadable.field.startswith("spec.")

    def test_a_neighbour_that_does_not_exist_is_neither(self) -> None:
        assert read(SitePreset, None) == (None, None)

    def test_what_can_be_read_is_kept_and_the_rest_is_as_if_nobody_had_set_it(self) -> None:
        site = readable_site(self.BODY)
        assert site.spec.deletion.data == "Delete"
        assert site.spec.source.preset.name == "wordpress"
        assert (
            site.spec.scaling
            == Site.parse({**self.BODY, "spec": {**_plain_spec()}, "status": {}}).spec.scaling
        )
        assert (site.status.url, site.status.conditions) == ("http://shop", ())

    @pytest.mark.parametrize(
        "spec", [None, "text", [], {}, {"source": 5}, {"source": {"preset": {"name": 5}}}]
    )
    @pytest.mark.parametrize("status", [None, "text", {"database": 7}])
    def test_nothing_is_beyond_reading(self, spec: Any, status: Any) -> None:
        site = readable_site({**self.BODY, "spec": spec, "status": status})
        assert (site.metadata.name, site.metadata.uid) == ("shop", "u")
        assert site.spec.deletion.data == "Retain", "what is not known to be unwanted is kept"

    def test_metadata_that_cannot_be_read_does_not_hide_who_it_is(self) -> None:
        metadata = {**self.BODY["metadata"], "labels": 5, "deletionTimestamp": "2026-08-01T12:00:00Z"}
        site = readable_site({**self.BODY, "metadata": metadata})
        assert (site.metadata.uid, site.metadata.is_deleting) == ("u", True)

    def test_a_domain_without_a_readable_host_keeps_the_one_that_it_holds(self, make_domain: Any) -> None:
        body = make_domain(HOST).to_manifest()
        domain = readable_domain({**body, "spec": {**body["spec"], "host": 5}})
        assert isinstance(domain, Domain)
        assert domain.status.host == HOST


def _plain_spec() -> dict[str, Any]:
    return {"source": {"preset": {"name": "wordpress"}}}


class TestNeighbours:
    @pytest.mark.parametrize(
        ("ref", "fields", "condition"),
        [
            (PRESET, {"versions": "none"}, "SourceReady"),
            (CATALOG, {"runtimes": {"8.4": "image"}}, "RuntimeReady"),
            (SERVER, {"port": "many"}, "DatabaseReady"),
        ],
    )
    async def test_a_new_site_names_what_it_cannot_read(
        self, world: Any, site: Any, ref: ObjectRef, fields: dict[str, Any], condition: str
    ) -> None:
        spoil(world, ref, **fields)
        await world.reconcile()
        assert world.reasons()[condition] == "False ReferenceUnreadable"
        (told,) = (item for item in world.status()["conditions"] if item["type"] == condition)
        assert f"{ref.kind} {ref.name}" in told["message"]
        assert f"spec.{next(iter(fields))}" in told["message"]
        assert "Stalled" in world.reasons()

    @pytest.mark.parametrize(
        ("ref", "fields"),
        [(PRESET, {"versions": "none"}), (CATALOG, {"runtimes": 5}), (SERVER, {"port": "x"})],
    )
    async def test_a_running_site_runs_on(
        self, world: Any, site: Any, ref: ObjectRef, fields: dict[str, Any]
    ) -> None:
        await world.settle()
        spoil(world, ref, **fields)
        writes = [f"{write.verb} {write.kind}" for write in await world.writes_of()]
        assert writes == ["status Site"]
        assert world.names("Deployment") == ["shop"]

    async def test_a_site_keeps_its_address_while_its_domain_cannot_be_read(
        self, world: Any, add_site: Any, add_domain: Any
    ) -> None:
        add_site()
        add_domain(HOST)
        await world.reconcile("Domain", DOMAIN.name)
        await world.settle()
        await world.reconcile("Domain", DOMAIN.name)
        await world.reconcile()
        url = world.status()["url"]
        spoil(world, DOMAIN, role="Mirror")
        assert [write.kind for write in await world.writes_of("Domain", DOMAIN.name)] == ["Domain"]
        assert world.reasons("Domain", DOMAIN.name)["Ready"] == "False SpecInvalid"
        await world.reconcile()
        assert world.status()["url"] == url
        assert world.reasons()["SourceReady"] == "True PresetFound"

    async def test_a_domain_does_not_mind_an_unreadable_site_or_sibling(
        self, world: Any, add_site: Any, add_domain: Any
    ) -> None:
        add_site()
        add_domain(HOST)
        add_domain("blog.localhost")
        spoil(world, SITE, scaling={"replicas": "many"})
        spoil(world, ObjectRef("Domain", "demo", "blog-localhost"), role=7)
        await world.reconcile("Domain", DOMAIN.name)
        reasons = world.reasons("Domain", DOMAIN.name)
        assert reasons["Claimed"] == "True Claimed"
        assert reasons["RouteProgrammed"] == "False SiteNotReady"

    async def test_a_claim_that_names_nobody_is_taken_over(self, world: Any, add_domain: Any) -> None:
        body = {"apiVersion": "frankenpanel.io/v1alpha1", "kind": "DomainClaim", "metadata": {"name": HOST}}
        world.cluster.add({**body, "spec": {"host": HOST, "domainRef": "demo/shop"}})
        add_domain(HOST)
        await world.reconcile("Domain", DOMAIN.name)
        await world.reconcile("Domain", DOMAIN.name)
        assert world.reasons("Domain", DOMAIN.name)["Claimed"] == "True Claimed"


class TestDeletion:
    @pytest.mark.parametrize(("data", "call"), [("Retain", "retain"), ("Delete", "drop"), ("Burn", "retain")])
    async def test_an_unreadable_site_goes_with_what_is_known_of_it(
        self, world: Any, add_site: Any, data: str, call: str
    ) -> None:
        add_site()
        await world.settle()
        spoil(world, SITE, scaling={"replicas": "many"}, deletion={"data": data})
        await world.reconcile()
        assert world.reasons()["Ready"] == "False SpecInvalid"
        world.delete()
        await world.reconcile()
        assert world.cache.get(SITE) is None
        assert world.databases.calls == [call]
        assert bool(world.names("PersistentVolumeClaim")) is (call == "retain")

    @pytest.mark.parametrize("host", [5, None, "not a host", HOST])
    async def test_an_unreadable_domain_gives_its_host_up(
        self, world: Any, add_domain: Any, host: Any
    ) -> None:
        add_domain(HOST)
        await world.reconcile("Domain", DOMAIN.name)
        spoil(world, DOMAIN, host=host, role="Mirror")
        world.delete("Domain", DOMAIN.name)
        await world.reconcile("Domain", DOMAIN.name)
        assert world.cache.get(DOMAIN) is None
        assert world.cache.get(CLAIM) is None
