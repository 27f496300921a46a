"""The DomainClaim: who holds a host, and where the gateway sends its visitors."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from frankenpanel_crds import group
from frankenpanel_crds.base import CustomResource, Model, NoStatus
from frankenpanel_crds.cel import Rule, immutable, rules
from frankenpanel_crds.values import DnsLabel, ObjectName


class DomainRef(Model):
    """The Domain that holds a host."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.__namespace__ == oldSelf.__namespace__",
                "spec.domainRef.namespace cannot be changed, because a host never passes to another "
                "namespace while it is claimed; delete the claim first",
            )
        )
    )

    namespace: DnsLabel = Field(description="Namespace of the Domain.")
    name: ObjectName = Field(description="Name of the Domain.")
    uid: Annotated[str, Field(min_length=1, max_length=64)] = Field(
        description="The metadata.uid of the Domain; another Domain of the same name has another one.",
    )


class Route(Model):
    """Where the gateway sends visitors of a host."""

    site: Annotated[
        str,
        Field(
            min_length=3,
            max_length=127,
            pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?\.[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        ),
    ] = Field(description='The Site, as "<namespace>.<name>"; the gateway logs and counts by it.')
    upstream: Annotated[
        str,
        Field(min_length=3, max_length=64, pattern=r"^([0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$"),
    ] = Field(description='Address and port of the Site\'s Service, for example "10.96.3.4:8080".')


class DomainClaimSpec(Model):
    """Who holds the host, and where its visitors go."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            immutable(
                "host", "spec.host cannot be changed; delete the claim and create one for the other host"
            )
        )
    )

    host: Annotated[
        str,
        Field(
            min_length=3,
            max_length=253,
            pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$",
        ),
    ] = Field(description="The host in its normal form: lower case, other scripts as xn-- names.")
    domain_ref: DomainRef = Field(description="The Domain that holds the host.")
    route: Route | None = Field(
        None,
        description="Where the gateway sends visitors of the host; absent until the Site can take them.",
    )


class DomainClaim(CustomResource[DomainClaimSpec, NoStatus]):
    """The reservation of a host in the whole cluster, and its route.

    Written by the operator alone. Its name is the host, so that a host can be claimed only once.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            Rule(
                "self.metadata.name == self.spec.host",
                "metadata.name must be equal to spec.host, so that a host can be claimed only once",
            )
        )
    )

    NAMES: ClassVar[group.KindNames] = group.DOMAIN_CLAIM

    status: NoStatus = Field(default_factory=NoStatus)
