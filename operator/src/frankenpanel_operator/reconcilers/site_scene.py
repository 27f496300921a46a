"""Gathers everything that a Site's decision rests on, from memory alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from frankenpanel_crds.databaseserver import DatabaseServer
from frankenpanel_crds.domain import Domain
from frankenpanel_crds.labels import LABEL_DATA_ID, LABEL_RETAINED, LABEL_SITE_UID
from frankenpanel_crds.runtimecatalog import DEFAULT_CATALOG_NAME, RuntimeCatalog
from frankenpanel_crds.site import Site
from frankenpanel_crds.sitepreset import SitePreset

from frankenpanel_operator.credentials import derive_site_credentials
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.desired.resolution import References, Resolution, resolve, site_data_id
from frankenpanel_operator.desired.rewrite_job import is_rewrite
from frankenpanel_operator.observed import Manifest, ObjectRef, ObservedSite, OwnedKind, UnreadableObject
from frankenpanel_operator.ports import ObjectCache
from frankenpanel_operator.reconcilers.unreadable import ModelT, read, readable_domain


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteScene:
    """Reads the cache on behalf of one reconcile; makes no calls."""

    cache: ObjectCache
    platform_key: bytes = field(repr=False)
    platform: Platform

    def resolve(self, site: Site) -> Resolution:
        """Look up what the Site refers to, and decide."""
        namespace, data_id = site.metadata.namespace or "", site_data_id(site)
        catalog, bad_catalog = self._read(RuntimeCatalog, DEFAULT_CATALOG_NAME)
        preset, bad_preset = self._read(SitePreset, site.spec.source.preset.name)
        servers = [read(DatabaseServer, body) for body in self.cache.list(DatabaseServer.NAMES.kind)]
        bad = (bad_catalog, bad_preset, *(unreadable for _, unreadable in servers))
        references = References(
            platform=self.platform,
            credentials=derive_site_credentials(self.platform_key, namespace, data_id),
            catalog=catalog,
            preset=preset,
            servers=tuple(server for server, _ in servers if server is not None),
            domains=self._domains(site),
            retained_claims=self._claims(site) if site.spec.bootstrap_from else (),
            unreadable=tuple(item for item in bad if item is not None),
        )
        return resolve(site, references)

    def observe(self, site: Site) -> ObservedSite:
        """Return the Site's owned objects and pods, and the volumes it has or takes over.

        Jobs that rewrite stored addresses are the business of the Domain that was promoted.
        """
        owned = [body for body in self.cache.owned_by(site.metadata.uid or "") if not is_rewrite(body)]
        objects = {ObjectRef.of(body): body for body in owned if body["kind"] != "Pod"}
        if site.spec.bootstrap_from is not None:
            # Until the first apply, retained volumes still carry the uid of the Site they come from.
            objects = {**{ObjectRef.of(claim): claim for claim in self._claims(site)}, **objects}
        return ObservedSite(objects=objects, pods=tuple(body for body in owned if body["kind"] == "Pod"))

    def _read(self, model: type[ModelT], name: str) -> tuple[ModelT | None, UnreadableObject | None]:
        return read(model, self.cache.get(ObjectRef(model.NAMES.kind, "", name)))

    def _domains(self, site: Site) -> tuple[Domain, ...]:
        bodies = self.cache.domains_of(site.metadata.namespace or "", site.metadata.name)
        return tuple(readable_domain(body) for body in bodies)

    def _claims(self, site: Site) -> tuple[Manifest, ...]:
        """Return the volumes of the Site's data: its own or retained ones, never those another Site uses."""
        data_id = site_data_id(site)
        return tuple(
            claim
            for claim in self.cache.list(OwnedKind.PERSISTENT_VOLUME_CLAIM, site.metadata.namespace or "")
            if (labels := claim["metadata"].get("labels", {})).get(LABEL_DATA_ID) == data_id
            and (labels.get(LABEL_SITE_UID) == site.metadata.uid or labels.get(LABEL_RETAINED) == "true")
        )
