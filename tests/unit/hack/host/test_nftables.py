import errno
import struct

import pytest
from frankenpanel_hack.host.nftables import answered_error, deletion

IPV4 = 2


def test_a_deletion_is_one_transaction_that_names_the_table() -> None:
    data = deletion(IPV4, "kube-proxy")
    messages = []
    while data:
        length, kind = struct.unpack_from("=IH", data)
        messages.append((kind, data[16:length]))
        data = data[length:]
    assert [kind for kind, _ in messages] == [16, 10 << 8 | 2, 17]
    payload = messages[1][1]
    assert payload[0] == IPV4
    assert payload[4:] == b"\x0f\x00\x01\x00kube-proxy\x00\x00"


@pytest.mark.parametrize("code", [0, errno.ENOENT, errno.EPERM])
def test_the_kernels_answer_is_read(code: int) -> None:
    assert answered_error(struct.pack("=IHHIIi", 36, 2, 0, 0, 0, -code) + bytes(16)) == code


def test_another_answer_is_an_error() -> None:
    with pytest.raises(OSError, match="unexpected answer"):
        answered_error(struct.pack("=IHHIIi", 36, 3, 0, 0, 0, 0))
