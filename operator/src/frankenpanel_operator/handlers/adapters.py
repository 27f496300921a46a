"""What reconcilers are built from, made anew for each term: nothing that was believed before lives on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from frankenpanel_crds import group
from frankenpanel_crds.labels import FINALIZER_DATA

from frankenpanel_operator.cluster.applier import KubernetesApplier
from frankenpanel_operator.cluster.blind_writes import BlindWrites
from frankenpanel_operator.cluster.cache import MemoryObjectCache
from frankenpanel_operator.cluster.client import KubernetesClient
from frankenpanel_operator.cluster.events import KubernetesEventRecorder
from frankenpanel_operator.cluster.platform_secrets import PlatformSecrets
from frankenpanel_operator.cluster.tenant_secrets import KubernetesTenantSecrets
from frankenpanel_operator.engine.dispatcher import Reconcile
from frankenpanel_operator.engine.leadership import Leadership
from frankenpanel_operator.handlers import gauges
from frankenpanel_operator.ports import Clock
from frankenpanel_operator.reconcilers.certificate_memory import CertificateMemory
from frankenpanel_operator.settings import Settings


@dataclass(frozen=True, slots=True)
class Adapters:
    """What reconcilers are built from; `resources` they open are closed after the last worker has ended."""

    resources: AsyncExitStack
    cache: MemoryObjectCache
    applier: KubernetesApplier
    events: KubernetesEventRecorder
    secrets: PlatformSecrets
    tenant_secrets: KubernetesTenantSecrets
    certificates: CertificateMemory
    leadership: Leadership
    clock: Clock
    platform_key: bytes


BuildReconcilers = Callable[[Adapters], Mapping[str, Reconcile]]


@dataclass(frozen=True, slots=True)
class Foundation:
    """What lives as long as the process, and adapters are built on."""

    settings: Settings
    client: KubernetesClient
    cache: MemoryObjectCache
    leadership: Leadership
    clock: Clock


async def build_adapters(base: Foundation, resources: AsyncExitStack) -> Adapters:
    """Make the adapters of one term; the platform's own Secrets exist after it.

    Raises:
        PlatformKeyLostError: a person must decide.
        FrankenPanelError: try again.
    """
    settings = base.settings
    platform = PlatformSecrets(base.client, settings.platform_namespace, secrets.token_bytes)
    key = await platform.ensure_platform_key(may_generate=_may_generate_key(base))
    if settings.embedded_mariadb:
        await platform.ensure_mariadb_account()
    blind_writes = BlindWrites(time.monotonic, settings.secret_rewrite_seconds)
    return Adapters(
        resources=resources,
        cache=base.cache,
        applier=KubernetesApplier(base.client, base.cache, blind_writes),
        events=KubernetesEventRecorder(base.client, base.clock),
        secrets=platform,
        tenant_secrets=KubernetesTenantSecrets(base.client),
        certificates=_remember_certificates(base, resources),
        leadership=base.leadership,
        clock=base.clock,
        platform_key=key,
    )


def _remember_certificates(base: Foundation, resources: AsyncExitStack) -> CertificateMemory:
    """Make the memory of one term, which the metrics ask as long as it lasts."""
    memory = CertificateMemory()
    gauges.publish_certificates(memory, base.cache)
    resources.callback(memory.clear)
    return memory


def _may_generate_key(base: Foundation) -> bool:
    """Say whether a lost platform key may be replaced: not where credentials were derived from it."""
    has_data = any(
        FINALIZER_DATA in (site["metadata"].get("finalizers") or ())
        for site in base.cache.list(group.SITE.kind)
    )
    return base.settings.allow_new_platform_key or not has_data
