"""Delete a table of nftables by talking to the kernel.

The host's `nft` reads every rule there is before it changes any, and Debian 12's crashes on those that the
newer programs in the cluster's images have written.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

_NETLINK_NETFILTER = 12
_NFTABLES = 10
_BATCH_BEGIN = 0x10
_BATCH_END = 0x11
_DELETE_TABLE = _NFTABLES << 8 | 2
_TABLE_NAME = 1
_REQUEST = 0x1
_ACK = 0x4
_NETLINK_ERROR = 2
_HEADER = struct.Struct("=IHHII")
_ANSWER_BYTES = 65536
_ANSWER_SECONDS = 10


def delete_table(family: socket.AddressFamily, name: str) -> None:
    """Delete a table with everything in it; one that is not there is no error.

    Raises:
        OSError: when the kernel refuses.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as kernel:
        kernel.settimeout(_ANSWER_SECONDS)
        kernel.send(deletion(family, name))
        code = answered_error(kernel.recv(_ANSWER_BYTES))
    if code not in (0, errno.ENOENT):
        raise OSError(code, f"nftables table {name}: {os.strerror(code)}")


def deletion(family: int, name: str) -> bytes:
    """Return the transaction that deletes a table."""
    begin = _message(_BATCH_BEGIN, _REQUEST, socket.AF_UNSPEC, _NFTABLES)
    end = _message(_BATCH_END, _REQUEST, socket.AF_UNSPEC, _NFTABLES)
    attribute = _attribute(_TABLE_NAME, name.encode() + b"\0")
    return begin + _message(_DELETE_TABLE, _REQUEST | _ACK, family, 0, attribute) + end


def answered_error(answer: bytes) -> int:
    """Return the error number in the kernel's answer, 0 for success.

    Raises:
        OSError: when the answer is none to our request.
    """
    _, kind, _, _, _ = _HEADER.unpack_from(answer)
    if kind != _NETLINK_ERROR:
        raise OSError(errno.EPROTO, f"nftables: unexpected answer of kind {kind}")
    (code,) = struct.unpack_from("=i", answer, _HEADER.size)
    return -int(code)


def _message(kind: int, flags: int, family: int, resource: int, body: bytes = b"") -> bytes:
    payload = struct.pack("!BBH", family, 0, resource) + body
    return _HEADER.pack(_HEADER.size + len(payload), kind, flags, 0, 0) + payload


def _attribute(kind: int, value: bytes) -> bytes:
    length = struct.calcsize("=HH") + len(value)
    padding = b"\0" * (-length % 4)
    return struct.pack("=HH", length, kind) + value + padding
