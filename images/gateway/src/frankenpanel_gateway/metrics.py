"""Prometheus collectors of the agent; their number does not grow with hosts or sites."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """All collectors, in a registry of their own so that tests do not share counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.routes = Gauge(
            "frankenpanel_gateway_routes", "Hosts in the routing tree.", registry=self.registry
        )
        self.refused_claims = Gauge(
            "frankenpanel_gateway_refused_claims",
            "DomainClaims that are not routed because a value in them is not admitted.",
            registry=self.registry,
        )
        self.route_changes = Counter(
            "frankenpanel_gateway_route_changes",
            "Changes of single hosts in the routing tree.",
            ["change"],
            registry=self.registry,
        )
        self.rebuild_seconds = Histogram(
            "frankenpanel_gateway_rebuild_duration_seconds",
            "Time to write the whole routing tree anew.",
            buckets=(0.01, 0.1, 0.5, 1, 3, 10, 30),
            registry=self.registry,
        )
        self.apply_seconds = Histogram(
            "frankenpanel_gateway_apply_duration_seconds",
            "Time from a batch of events to its routes being on disk.",
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
            registry=self.registry,
        )
        self.lists = Counter(
            "frankenpanel_gateway_lists", "Complete listings.", ["kind"], registry=self.registry
        )
        self.api_failures = Counter(
            "frankenpanel_gateway_api_failures",
            "Requests to the API server that ended in an error.",
            registry=self.registry,
        )
        self.api_reachable = Gauge(
            "frankenpanel_gateway_api_reachable",
            "1 while the API server answers; 0 while the last known tree is served without it.",
            registry=self.registry,
        )
        self.blocked_networks = Gauge(
            "frankenpanel_gateway_blocked_networks",
            "Addresses and networks in the block list, as written to disk.",
            registry=self.registry,
        )
        self.refused_networks = Gauge(
            "frankenpanel_gateway_refused_networks",
            "Lines of the block list that could not be taken.",
            registry=self.registry,
        )
        self.permission_answers = Counter(
            "frankenpanel_gateway_permission_answers",
            "Questions of Caddy whether a certificate may be issued.",
            ["answer"],
            registry=self.registry,
        )
        self._add_certificates()

    def _add_certificates(self) -> None:
        self.certificate_answers = Counter(
            "frankenpanel_gateway_certificate_answers",
            "Questions of Caddy for a certificate, one per full handshake.",
            ["answer"],
            registry=self.registry,
        )
        self.certificates = Gauge(
            "frankenpanel_gateway_certificates", "Certificates of Secrets on disk.", registry=self.registry
        )
        self.refused_certificates = Gauge(
            "frankenpanel_gateway_refused_certificates",
            "Secrets in the certificates namespace that hold no certificate that can be served.",
            registry=self.registry,
        )
        self.orders = Counter(
            "frankenpanel_gateway_certificate_orders",
            "Certificates ordered by this replica.",
            ["result"],
            registry=self.registry,
        )
        self.leads = Gauge(
            "frankenpanel_gateway_leads",
            "1 on the replica that orders certificates.",
            registry=self.registry,
        )
