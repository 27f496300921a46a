"""Certificates on disk, by the names of their Secrets: what is served while the API server is gone.

One file per certificate, chain and key together, so that a reader never sees one without the other. Only
the ends of their lives and digests stay in memory; the last ones that were asked for are kept besides.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from frankenpanel_gateway.pem_certificate import BadCertificateError, Certificate, read_certificate, split_pem

_SUFFIX = ".pem"
_STAGED = ".new"


class Life(NamedTuple):
    """From when until when a certificate is valid."""

    not_before: datetime
    not_after: datetime


class _Entry(NamedTuple):
    digest: bytes
    life: Life | None
    """None for what an earlier run left and nobody has told about since."""


def write_private(path: Path, content: bytes) -> None:
    """Put a file in place as a whole, readable to this user alone."""
    staged = path.with_name(path.name + _STAGED)
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    staged.replace(path)


class CertificateStore:
    """Owns one folder; its files are readable to this user alone.

    Args:
        folder: made where it does not exist.
        capacity: how many certificates are kept in memory; one is about 4 KB.
    """

    def __init__(self, folder: Path, capacity: int = 2048) -> None:
        self._folder = folder
        self._capacity = capacity
        self._entries: dict[str, _Entry] = {}
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def open(self) -> int:
        """Take over what an earlier run left; return how many certificates these are."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            if path.suffix == _SUFFIX:
                self._entries[path.name.removesuffix(_SUFFIX)] = _Entry(b"", None)
            else:
                path.unlink()
        return len(self._entries)

    def names(self) -> Collection[str]:
        """Return the names of all certificates."""
        return self._entries.keys()

    def put(self, name: str, certificate: Certificate) -> bool:
        """Keep a certificate under a name; say whether it is another one than before."""
        digest = hashlib.sha256(certificate.pem).digest()
        before = self._entries.get(name)
        entry = _Entry(digest, Life(certificate.not_before, certificate.not_after))
        if before is not None and before.digest == digest:
            return False
        if before is None or before.digest or self._read(name) != certificate.pem:
            write_private(self._path(name), certificate.pem)
        self._entries[name] = entry
        self._kept.pop(name, None)
        return True

    def remove(self, name: str) -> None:
        """Forget a certificate; one that is not there will do."""
        self._entries.pop(name, None)
        self._kept.pop(name, None)
        self._path(name).unlink(missing_ok=True)

    def pem(self, name: str) -> bytes | None:
        """Return chain and key."""
        kept = self._kept.get(name)
        if kept is not None:
            self._kept.move_to_end(name)
            return kept
        if name not in self._entries or (pem := self._read(name)) is None:
            return None
        self._kept[name] = pem
        if len(self._kept) > self._capacity:
            self._kept.popitem(last=False)
        return pem

    def certificate(self, name: str) -> Certificate | None:
        """Return a certificate with what is known of it.

        Raises:
            BadCertificateError: the file is damaged.
        """
        pem = self.pem(name)
        return None if pem is None else read_certificate(*split_pem(pem))

    def life(self, name: str) -> Life | None:
        """Return how long a certificate is valid; None where there is none that can be read."""
        entry = self._entries.get(name)
        if entry is None:
            return None
        if entry.life is None:
            try:
                certificate = self.certificate(name)
            except BadCertificateError:
                return None
            if certificate is not None:
                life = Life(certificate.not_before, certificate.not_after)
                entry = self._entries[name] = _Entry(entry.digest, life)
        return entry.life

    def _read(self, name: str) -> bytes | None:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def _path(self, name: str) -> Path:
        # Names of objects have no slash; dots alone would be a folder.
        return self._folder / f"{name}{_SUFFIX}"
