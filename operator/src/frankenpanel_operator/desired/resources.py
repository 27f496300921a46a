"""How much of a node a pod gets, and what follows from it: threads, and Go's share of the memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from frankenpanel_crds.site import Site
from frankenpanel_crds.site_runtime import ResourceAmounts, RuntimeSpec

from frankenpanel_operator.desired.quantity import parse_quantity
from frankenpanel_operator.observed import Manifest

# An idle WordPress pod was measured at 95 to 120 MB; the request is what a node must have free, not the peak.
DEFAULT_REQUESTS: Mapping[str, str] = {"cpu": "100m", "memory": "128Mi"}
DEFAULT_LIMITS: Mapping[str, str] = {"cpu": "1", "memory": "512Mi"}
# The sum of the emptyDirs of a pod (see `pod`) and some room for logs.
EPHEMERAL_STORAGE: Mapping[str, str] = {"requests": "64Mi", "limits": "2Gi"}
DEFAULT_MEMORY_LIMIT_INI = "256M"

_MIN_THREADS = 2
_MAX_THREADS = 64
_THREADS_PER_CORE = 2
_MEBIBYTE = 2**20
_INI_SIZES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def effective_resources(site: Site) -> Manifest:
    """Return requests and limits: the Site's own, else defaults, with no request above its limit."""
    spec = site.spec.resources
    requests = _stated(spec.requests if spec else None)
    limits = _stated(spec.limits if spec else None)
    result: Manifest = {"requests": {}, "limits": {}}
    for name in DEFAULT_REQUESTS:
        request, limit = requests.get(name), limits.get(name)
        result["requests"][name] = request or _smaller(DEFAULT_REQUESTS[name], limit)
        result["limits"][name] = limit or _larger(DEFAULT_LIMITS[name], request)
    result["requests"]["ephemeral-storage"] = EPHEMERAL_STORAGE["requests"]
    result["limits"]["ephemeral-storage"] = EPHEMERAL_STORAGE["limits"]
    return result


def php_threads(site: Site) -> int:
    """Return how many requests a pod works on at once: as asked, else two per core it may use."""
    spec = site.spec.runtime or RuntimeSpec()
    if spec.threads is not None:
        return spec.threads
    cores = _amount(effective_resources(site)["limits"]["cpu"])
    return min(_MAX_THREADS, max(_MIN_THREADS, math.ceil(cores * _THREADS_PER_CORE)))


def go_memory_limit(site: Site) -> str:
    """Return GOMEMLIMIT: what PHP's threads leave of the pod's memory, but at least a quarter of it.

    It is a soft limit: near it Go collects garbage more often, instead of being killed with the whole pod.
    """
    spec = site.spec.runtime or RuntimeSpec()
    total = _amount(effective_resources(site)["limits"]["memory"])
    per_thread = ini_size_bytes(spec.ini.get("memory_limit", DEFAULT_MEMORY_LIMIT_INI))
    left = max(total - php_threads(site) * per_thread, total / 4)
    return f"{max(int(left) // _MEBIBYTE, 16)}MiB"


def ini_size_bytes(text: str) -> int:
    """Return the bytes that a PHP size such as `256M` stands for; PHP counts in powers of 1024."""
    number = text.rstrip("KMG")
    return int(number) * _INI_SIZES[text[len(number) :]]


def _stated(amounts: ResourceAmounts | None) -> dict[str, str]:
    return {} if amounts is None else amounts.model_dump(exclude_none=True)


def _smaller(default: str, other: str | None) -> str:
    return other if other is not None and _amount(other) < _amount(default) else default


def _larger(default: str, other: str | None) -> str:
    return other if other is not None and _amount(other) > _amount(default) else default


def _amount(quantity: str) -> Decimal:
    return parse_quantity(quantity) or Decimal(0)
