"""Keeps the Domain of a host's other form, with or without "www.", or takes it away again."""

from __future__ import annotations

from dataclasses import dataclass

from frankenpanel_crds.domain import Domain
from frankenpanel_crds.domain_settings import MAX_REDIRECT_LENGTH

from frankenpanel_operator import naming
from frankenpanel_operator.desired.www import build_www_domain, is_www_of, other_form, wants_www
from frankenpanel_operator.errors import ObjectNameTakenError
from frankenpanel_operator.failpoints import Failpoint, reached
from frankenpanel_operator.observed import Manifest, ObjectRef
from frankenpanel_operator.ports import Change, ObjectApplier, ObjectCache


@dataclass(frozen=True, slots=True, kw_only=True)
class WwwDomains:
    """Looks after the other form of one host after another."""

    cache: ObjectCache
    applier: ObjectApplier

    async def look(self, domain: Domain, host: str, address: str | None) -> str:
        """Create, change or delete the other Domain; return what the tenant should know, mostly nothing.

        Args:
            domain: the Domain whose spec.www decides.
            host: its host.
            address: where visitors of the other form are sent; None while there is none, which leaves
                everything as it is.
        """
        ref = ObjectRef(
            Domain.NAMES.kind,
            domain.metadata.namespace or "",
            naming.www_domain_name(domain.metadata.name),
        )
        found = self.cache.get(ref)
        if not wants_www(domain):
            await self._prune(domain, found)
            return ""
        try:
            other = other_form(host)
        except ValueError as error:
            return f"spec.www: Redirect does nothing: {error}."
        if found is not None and not is_www_of(found, domain):
            return _name_taken(ref.name, other)
        if found is None and (person := self._namesake(ref, other)) is not None:
            return f"spec.www: Redirect leaves {other} alone, because the Domain {person} has it."
        if address is None:
            return ""
        if len(address) > MAX_REDIRECT_LENGTH:
            return f"spec.www: Redirect does nothing: {address} is too long for the gateway."
        return await self._apply(build_www_domain(domain, other, address), found, other)

    async def _apply(self, manifest: Manifest, found: Manifest | None, other: str) -> str:
        try:
            change = await self.applier.apply(manifest, found)
        except ObjectNameTakenError as error:
            return _name_taken(error.name, other)
        if change is not Change.UNCHANGED:
            reached(Failpoint.WWW_DOMAIN_APPLIED)
        return ""

    async def _prune(self, domain: Domain, found: Manifest | None) -> None:
        if found is None or not is_www_of(found, domain) or "deletionTimestamp" in found["metadata"]:
            return
        await self.applier.delete(ObjectRef.of(found), uid=found["metadata"]["uid"])
        reached(Failpoint.WWW_DOMAIN_DELETED)

    def _namesake(self, ref: ObjectRef, host: str) -> str | None:
        """Return the name of a Domain of this namespace which a person made for the host."""
        for body in self.cache.domains_with_host(host):
            other = ObjectRef.of(body)
            if other.namespace == ref.namespace and other.name != ref.name:
                return other.name
        return None


def _name_taken(name: str, host: str) -> str:
    return (
        f"spec.www: Redirect cannot lead visitors of {host} here, because there is a Domain {name} already, "
        "which was not made for this one; rename it, or create a Domain for the host yourself."
    )
