"""The composition root: `kopf run -m frankenpanel_operator.main` starts here, and only here things are wired.

kopf is the shell: the command line, the sign-in, signals, start-up and clean-up, the liveness endpoint. The
data path is ours, from watch to queue (docs/adr says why); `handlers.runtime` shows the order of its start.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import kopf

from frankenpanel_operator.databases.provisioner import PyMySQLProvisioner
from frankenpanel_operator.desired.inputs import Platform
from frankenpanel_operator.dns.prober import AiohttpProber
from frankenpanel_operator.dns.resolver import DnspythonResolver
from frankenpanel_operator.engine.backoff import Backoff
from frankenpanel_operator.engine.dispatcher import Reconcile
from frankenpanel_operator.errors import FrankenPanelError
from frankenpanel_operator.handlers import probes
from frankenpanel_operator.handlers.keys import CLAIM, DATABASE_SERVER, DOMAIN, SITE
from frankenpanel_operator.handlers.login import find_login, to_connection
from frankenpanel_operator.handlers.runtime import Adapters, BuildReconcilers, Runtime
from frankenpanel_operator.log_config import configure_logging
from frankenpanel_operator.reconcilers.claim_expiry import ClaimExpiry
from frankenpanel_operator.reconcilers.database_server import DatabaseServerReconciler
from frankenpanel_operator.reconcilers.domain import DomainReconciler
from frankenpanel_operator.reconcilers.domain_certificate import DomainCertificates
from frankenpanel_operator.reconcilers.domain_checks import DomainChecks
from frankenpanel_operator.reconcilers.domain_rewrite import DomainRewrites
from frankenpanel_operator.reconcilers.host_looks import HostLooks
from frankenpanel_operator.reconcilers.site import SiteReconciler
from frankenpanel_operator.settings import Settings, read_name_server


class SystemClock:
    """Implements `ports.Clock` by the machine's clock."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)


def build_reconcilers(settings: Settings, adapters: Adapters) -> Mapping[str, Reconcile]:
    """Give each kind its reconciler."""
    platform = build_platform(settings)
    databases = PyMySQLProvisioner(adapters.secrets.read, fence=adapters.leadership.check)
    adapters.resources.push_async_callback(databases.close)
    adapters.resources.push_async_callback(adapters.events.close)
    cache, applier, clock = adapters.cache, adapters.applier, adapters.clock
    site = SiteReconciler(
        cache=cache,
        applier=applier,
        databases=databases,
        events=adapters.events,
        clock=clock,
        platform_key=adapters.platform_key,
        platform=platform,
        deletion_patience_seconds=settings.deletion_patience_seconds,
    )
    expiry = ClaimExpiry(
        cache=cache,
        applier=applier,
        clock=clock,
        released_claim_seconds=settings.released_claim_seconds,
    )
    server = DatabaseServerReconciler(
        cache=cache, applier=applier, databases=databases, events=adapters.events, clock=clock
    )
    return {
        SITE: site.reconcile,
        DOMAIN: build_domain_reconciler(settings, adapters, platform).reconcile,
        CLAIM: expiry.reconcile,
        DATABASE_SERVER: server.reconcile,
    }


def build_domain_reconciler(settings: Settings, adapters: Adapters, platform: Platform) -> DomainReconciler:
    """Put together what looks after Domains."""
    cache, applier, clock = adapters.cache, adapters.applier, adapters.clock
    return DomainReconciler(
        cache=cache,
        applier=applier,
        events=adapters.events,
        clock=clock,
        platform=platform,
        checks=build_domain_checks(settings, adapters, platform),
        certificates=DomainCertificates(
            platform=platform,
            secrets=adapters.tenant_secrets,
            applier=applier,
            clock=clock,
            memory=adapters.certificates,
        ),
        rewrites=DomainRewrites(
            cache=cache, applier=applier, platform_key=adapters.platform_key, platform=platform
        ),
        unproven_claim_seconds=settings.unproven_claim_seconds,
        deletion_patience_seconds=settings.deletion_patience_seconds,
    )


def build_platform(settings: Settings) -> Platform:
    """Return what builders and checks may know of this installation."""
    return Platform(
        namespace=settings.platform_namespace,
        http_port=settings.public_http_port,
        https_port=settings.public_https_port,
        gateway_addresses=settings.gateway_addresses,
        trusted_namespaces=settings.trusted_namespaces,
        reserved_hosts=settings.reserved_hosts,
        managed_certificates=settings.managed_certificates,
        certificates_namespace=settings.certificates_namespace,
    )


def build_domain_checks(settings: Settings, adapters: Adapters, platform: Platform) -> DomainChecks:
    """Make what asks name servers and web servers about hosts."""
    looks = HostLooks(
        resolver=DnspythonResolver([read_name_server(text) for text in settings.dns_resolvers]),
        prober=AiohttpProber(settings.http_proof_networks),
    )
    adapters.resources.push_async_callback(looks.close)
    return DomainChecks(
        platform=platform,
        platform_key=adapters.platform_key,
        looks=looks,
        clock=adapters.clock,
        spread=Backoff(random.random).spread,
        recheck_seconds=settings.dns_recheck_seconds,
    )


def register(
    registry: kopf.OperatorRegistry, own: Settings | None = None, build: BuildReconcilers | None = None
) -> None:
    """Register everything with kopf.

    Args:
        registry: kopf's registry of handlers.
        own: our settings; those of the environment, read at start-up, unless given.
        build: makes the reconcilers; the real ones unless given.
    """

    @kopf.on.startup(id="start", registry=registry)
    async def on_startup(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
        chosen = own or Settings()
        configure_logging(chosen.log_level)
        configure_kopf(settings)
        make = build or (lambda adapters: build_reconcilers(chosen, adapters))
        runtime = Runtime(chosen, to_connection(find_login(settings)), SystemClock(), make)
        await runtime.open()
        memo.runtime, memo.health = runtime, runtime.health
        await _start(runtime)

    @kopf.on.login(id="login", registry=registry)
    def on_login(settings: kopf.OperatorSettings, **_: Any) -> kopf.ConnectionInfo:
        return find_login(settings)

    @kopf.on.cleanup(id="stop", registry=registry)
    async def on_cleanup(memo: kopf.Memo, **_: Any) -> None:
        await memo.runtime.stop()

    probes.register(registry)


async def _start(runtime: Runtime) -> None:
    """Start, or end for good: whatever may heal by itself is waited for inside.

    kopf calls the clean-up only after a start that succeeded.
    """
    try:
        await runtime.start()
    except FrankenPanelError as error:
        await runtime.stop()
        raise kopf.PermanentError(str(error)) from error
    except BaseException:
        await runtime.stop()
        raise


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """Turn off what nobody uses: kopf watches nothing here, so it must neither scan nor post nor peer."""
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.networking.request_timeout = 30


register(kopf.get_default_registry())
