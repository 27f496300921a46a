"""Asks name servers by dnspython: those of the settings, or the machine's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rdata
import dns.resolver
import dns.ttl
import structlog
from dns.rdatatype import RdataType

from frankenpanel_operator import metrics
from frankenpanel_operator.findings import DnsAnswer, DnsOutcome

log = structlog.stdlib.get_logger(__name__)

TRY_SECONDS = 2.0
"""How long one name server may take."""
LIFETIME_SECONDS = 5.0
"""How long all of them together may take for one question."""
MOST_QUESTIONS = 32
"""How many questions may be under way."""

# The largest answer that crosses any network in one piece (DNS flag day 2020); more comes by TCP.
_PAYLOAD_BYTES = 1232
_CACHED_ANSWERS = 1024
# An answer is kept for the Domains that ask the same at the same time, not to save name servers work.
_LONGEST_CACHED_SECONDS = 20.0
_DEFECTS = (dns.exception.DNSException, OSError, EOFError, ValueError)


class DnspythonResolver:
    """Implements `ports.DomainResolver`.

    Args:
        name_servers: addresses and ports; those of the machine where empty.
        try_seconds: how long one name server may take.
        lifetime_seconds: how long all of them together may take.
    """

    def __init__(
        self,
        name_servers: Sequence[tuple[str, int]] = (),
        *,
        try_seconds: float = TRY_SECONDS,
        lifetime_seconds: float = LIFETIME_SECONDS,
    ) -> None:
        self._resolver = _build_resolver(name_servers)
        self._resolver.timeout = try_seconds
        self._resolver.lifetime = lifetime_seconds
        self._resolver.cache = _ShortCache(_CACHED_ANSWERS)
        self._resolver.use_edns(0, 0, _PAYLOAD_BYTES)
        self._slots = asyncio.Semaphore(MOST_QUESTIONS)

    async def addresses(self, name: str) -> DnsAnswer:
        """Return the IPv4 and IPv6 addresses of a name, with the aliases that lead to them."""
        of_ipv4, of_ipv6 = await asyncio.gather(self._ask(name, RdataType.A), self._ask(name, RdataType.AAAA))
        return _joined(of_ipv4, of_ipv6)

    async def texts(self, name: str) -> DnsAnswer:
        """Return the values of the TXT records of a name."""
        return await self._ask(name, RdataType.TXT)

    async def alias(self, name: str) -> DnsAnswer:
        """Return the name of which this one is an alias, whether or not that one exists."""
        return await self._ask(name, RdataType.CNAME)

    async def _ask(self, name: str, kind: RdataType) -> DnsAnswer:
        answer = await self._answer(name, kind)
        metrics.DNS_QUESTIONS.labels(kind.name, answer.outcome).inc()
        return answer

    async def _answer(self, name: str, kind: RdataType) -> DnsAnswer:
        try:
            question = dns.name.from_text(name)
            async with self._slots:
                answer = await self._resolver.resolve(question, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN as error:
            response: dns.message.QueryMessage = error.kwargs["responses"][question]
            return _nothing(DnsOutcome.NO_SUCH_NAME, response.resolve_chaining())
        except _DEFECTS as error:
            log.debug("name servers gave no answer", name=name, kind=kind.name, reason=str(error))
            return DnsAnswer(DnsOutcome.UNREACHABLE)
        chain = answer.chaining_result
        if answer.rrset is None:
            return _nothing(DnsOutcome.NO_SUCH_RECORD, chain)
        values = tuple(sorted({_text_of(item) for item in answer.rrset}))
        return DnsAnswer(DnsOutcome.FOUND, values, _aliases(chain), int(chain.minimum_ttl))


class _ShortCache(dns.resolver.LRUCache):
    """Keeps the answers asked for last, each as long as its own TTL says and never for long."""

    def put(self, key: dns.resolver.CacheKey, value: dns.resolver.Answer) -> None:
        value.expiration = min(value.expiration, time.time() + _LONGEST_CACHED_SECONDS)
        super().put(key, value)


def _build_resolver(name_servers: Sequence[tuple[str, int]]) -> dns.asyncresolver.Resolver:
    if not name_servers:
        try:
            return dns.asyncresolver.Resolver(configure=True)
        except dns.resolver.NoResolverConfiguration:
            log.warning("this machine names no name server, so no host can be looked up")
            return dns.asyncresolver.Resolver(configure=False)
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(*server) for server in name_servers]
    return resolver


def _text_of(record: dns.rdata.Rdata) -> str:
    if record.rdtype == RdataType.TXT:
        # One value may come in several strings of 255 bytes each (RFC 7208, section 3.3, says how to join).
        return b"".join(record.strings).decode("utf-8", "replace")  # type: ignore[attr-defined]
    if record.rdtype == RdataType.CNAME:
        return _plain(record.target)  # type: ignore[attr-defined]
    return str(ip_address(record.address))  # type: ignore[attr-defined]


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _aliases(chain: dns.message.ChainingResult) -> tuple[str, ...]:
    return tuple(_plain(rrset[0].target) for rrset in chain.cnames)


def _nothing(outcome: DnsOutcome, chain: dns.message.ChainingResult) -> DnsAnswer:
    # Without a SOA record nobody says how long it is remembered.
    ttl = int(chain.minimum_ttl) if chain.minimum_ttl < dns.ttl.MAX_TTL else None
    return DnsAnswer(outcome, (), _aliases(chain), ttl)


def _joined(first: DnsAnswer, second: DnsAnswer) -> DnsAnswer:
    """Join what is known of both families of addresses; one that answers is enough.

    Name servers that never answer for IPv6 are many, and visitors come all the same.
    """
    found = [answer for answer in (first, second) if answer.outcome is DnsOutcome.FOUND]
    if not found:
        for outcome in (DnsOutcome.NO_SUCH_NAME, DnsOutcome.UNREACHABLE):
            for answer in (first, second):
                if answer.outcome is outcome:
                    return answer
        return first
    ttls = [answer.ttl_seconds for answer in found if answer.ttl_seconds is not None]
    values = tuple(sorted({value for answer in found for value in answer.values}))
    return DnsAnswer(DnsOutcome.FOUND, values, found[0].aliases, min(ttls, default=None))
