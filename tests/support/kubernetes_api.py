"""A small client for an API server, as people and controllers around the operator use it."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

REQUEST_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What the API server said to one request."""

    status: int
    body: dict[str, Any]

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class _Connection(http.client.HTTPSConnection):
    """Closes itself when the thread that it belongs to has ended."""

    def __del__(self) -> None:
        self.close()


class KubernetesApi:
    """Plain requests to an API server, as the user of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        context = _named(config["contexts"], config["current-context"])["context"]
        self._user = _named(config["users"], context["user"])["user"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        self.server = cluster["server"].rstrip("/")
        self._tls = self._tls_context(cluster)
        self._connections = threading.local()

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        """Send one request; any HTTP status is an answer, only a dead server raises."""
        headers = {"Content-Type": content_type, "Accept": accept}
        if token := self._user.get("token"):
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        try:
            return self._send(method, path, data, headers)
        except (ConnectionError, ssl.SSLEOFError):
            # The server closes a connection that nobody has used for a while, or was another one then.
            self._connections.__dict__.clear()
            return self._send(method, path, data, headers)

    def _send(self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]) -> Answer:
        """Send over this thread's connection: a handshake costs more than a request."""
        server = urlsplit(self.server)
        connection = self._connections.__dict__.get("own")
        if connection is None:
            connection = _Connection(server.netloc, timeout=REQUEST_SECONDS, context=self._tls)
            self._connections.own = connection
        try:
            connection.request(method, server.path + path, data, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, _json_object(response.read()))
        except (OSError, http.client.HTTPException):
            connection.close()
            raise

    def apply(self, path: str, manifest: Mapping[str, Any], *, manager: str = "tests") -> Answer:
        """Server-side apply; `path` is that of the object and may carry a query."""
        separator = "&" if "?" in path else "?"
        return self.request(
            "PATCH",
            f"{path}{separator}fieldManager={manager}&force=true&fieldValidation=Strict",
            manifest,
            content_type="application/apply-patch+yaml",
        )

    def _tls_context(self, cluster: Mapping[str, Any]) -> ssl.SSLContext:
        authority = cluster.get("certificate-authority-data")
        context = ssl.create_default_context(
            cafile=cluster.get("certificate-authority"),
            cadata=base64.b64decode(authority).decode() if authority else None,
        )
        # Old-style authorities of clusters lack extensions that newer Pythons insist on.
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        if "client-certificate-data" in self._user:
            _load_client_certificate(context, self._user)
        elif "client-certificate" in self._user:
            context.load_cert_chain(self._user["client-certificate"], self._user["client-key"])
        return context


def _load_client_certificate(context: ssl.SSLContext, user: Mapping[str, str]) -> None:
    """Load a certificate that the kubeconfig embeds; ssl reads files only, so through one in memory."""
    pem = b"\n".join(base64.b64decode(user[key]) for key in ("client-certificate-data", "client-key-data"))
    descriptor = os.memfd_create("client-certificate")
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _named(items: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(item for item in items if item["name"] == name)


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")}
    return parsed if isinstance(parsed, dict) else {"message": str(parsed)}
