"""Who wrote what and when, by the API server's own word: its audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

_LOG = "audit.log"
_POLICY = "audit-policy.yaml"
_READING_VERBS = ["get", "list", "watch"]


def audit_arguments(folder: Path, users: Sequence[str]) -> list[str]:
    """Write a policy that logs the writes of some users, and return kube-apiserver's arguments for it."""
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "verbs": _READING_VERBS},
            # Who holds a Lease stands in the body.
            {
                "level": "Request",
                "users": list(users),
                "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}],
            },
            {"level": "Metadata", "users": list(users)},
            {"level": "None"},
        ],
    }
    (folder / _POLICY).write_text(yaml.safe_dump(policy), encoding="utf-8")
    return [f"--audit-policy-file={folder / _POLICY}", f"--audit-log-path={folder / _LOG}"]


@dataclass(frozen=True)
class Write:
    """One write that the server has carried out; times are the server's."""

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    received: datetime
    answered: datetime
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.received:%T.%f} {self.user} {self.verb} {self.resource} {self.namespace}/{self.name}"


class ApiAudit:
    """The audit log of the server that wrote a kubeconfig, from now on."""

    def __init__(self, kubeconfig: Path) -> None:
        self._path = kubeconfig.with_name(_LOG)
        self._begin = self._path.stat().st_size if self._path.exists() else 0

    def writes(self) -> list[Write]:
        """Return what was written since this was made, in the order in which it came in."""
        return sorted(self._successful(), key=lambda write: write.received)

    def _successful(self) -> Iterator[Write]:
        with self._path.open("rb") as log:
            log.seek(self._begin)
            for line in log:
                # The last line may still be on its way; what follows it is not waited for.
                if line.endswith(b"\n") and (event := json.loads(line))["responseStatus"]["code"] < 300:
                    yield _write(event)


def _write(event: dict[str, Any]) -> Write:
    what = event["objectRef"]
    return Write(
        user=event["user"]["username"],
        verb=event["verb"],
        resource="/".join(filter(None, (what["resource"], what.get("subresource")))),
        namespace=what.get("namespace", ""),
        name=what.get("name", ""),
        received=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        answered=datetime.fromisoformat(event["stageTimestamp"]),
        body=event.get("requestObject", {}),
    )
