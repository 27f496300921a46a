"""Remove the packet filter rules that the cluster's programs leave behind."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Iterable
from itertools import pairwise

from frankenpanel_hack.host.nftables import delete_table
from frankenpanel_hack.images.commands import quiet
from frankenpanel_hack.programs import capture

# Chains of kube-proxy and kubelet, of kube-router, and of the CNI plugins.
_OUR_CHAINS = re.compile(r"^(KUBE-|CNI-)")
PROXY_TABLE = "kube-proxy"
_IPSET_PREFIXES = ("kube-router-", "inet6:kube-router-", "KUBE-")


def removal_rules(saved: str) -> str:
    """Return input for `iptables-restore --noflush` that removes our chains; `iptables-save` printed them.

    Rules in other chains that jump to ours go first, then the contents of our chains, then the chains.
    """
    lines: list[str] = []
    for table, chains, rules in _tables(saved):
        ours = [chain for chain in chains if _OUR_CHAINS.match(chain)]
        jumps = [rule for rule in rules if not _OUR_CHAINS.match(rule.split()[1]) and _jumps_to(rule, ours)]
        if ours:
            deletions = [rule.replace("-A ", "-D ", 1) for rule in jumps]
            flushes = [f"-F {chain}" for chain in ours]
            lines += [f"*{table}", *deletions, *flushes, *(f"-X {chain}" for chain in ours), "COMMIT"]
    return "".join(f"{line}\n" for line in lines)


def _tables(saved: str) -> Iterable[tuple[str, list[str], list[str]]]:
    table, chains, rules = "", [], []  # type: tuple[str, list[str], list[str]]
    for line in saved.splitlines():
        if line.startswith("*"):
            table, chains, rules = line[1:], [], []
        elif line.startswith(":"):
            chains.append(line[1:].split()[0])
        elif line.startswith("-A "):
            rules.append(line)
        elif line == "COMMIT":
            yield table, chains, rules


def _jumps_to(rule: str, chains: Iterable[str]) -> bool:
    words = rule.split()
    return any(flag in {"-j", "-g"} and target in chains for flag, target in pairwise(words))


def remove_rules() -> None:
    """Remove everything, from both kinds of iptables, nftables and ipset; what is not there is no error."""
    for family in ("iptables", "ip6tables"):
        for kind in ("nft", "legacy"):
            _remove_iptables(f"{family}-{kind}")
    for address_family in (socket.AF_INET, socket.AF_INET6):
        delete_table(address_family, PROXY_TABLE)
    if shutil.which("ipset"):
        # A set that a rule still names cannot go, so the rules went first.
        for name in capture(["ipset", "list", "-name"]).split():
            if name.startswith(_IPSET_PREFIXES):
                quiet(["ipset", "destroy", name], os.environ)


def _remove_iptables(program: str) -> None:
    if shutil.which(f"{program}-save") is None or not quiet([f"{program}-save"], os.environ):
        return
    commands = removal_rules(capture([f"{program}-save"]))
    if commands:
        capture([f"{program}-restore", "--noflush"], stdin=commands)
