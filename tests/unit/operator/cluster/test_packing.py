from __future__ import annotations

import orjson
import pytest
from frankenpanel_operator.cluster.packing import FIRST_LESSON, Packer


def document(number: int, filling: str = "the same in all of them " * 20) -> bytes:
    return orjson.dumps({"name": f"object-{number}", "filling": filling, "hash": hash(number) % 7919})


@pytest.mark.parametrize("count", [1, FIRST_LESSON - 1, FIRST_LESSON, 200, 2000])
def test_returns_what_was_packed_before_and_after_it_learnt(count: int) -> None:
    packer = Packer()
    plain = [document(number) for number in range(count)]
    packed = [packer.pack(item) for item in plain]
    assert [packer.unpack(item) for item in packed] == plain


def test_what_objects_share_is_kept_once() -> None:
    packer = Packer()
    sizes = [len(packer.pack(document(number))) for number in range(500)]
    assert sizes[-1] < sizes[0] / 5


def test_learns_anew_when_objects_change_their_looks() -> None:
    packer = Packer()
    for number in range(FIRST_LESSON):
        packer.pack(document(number))
    status = "a status that came later, with conditions and messages " * 10
    sizes = [len(packer.pack(document(number, status))) for number in range(500)]
    assert sizes[-1] < sizes[0]


@pytest.mark.parametrize("text", [b"", b"x", bytes(range(256)) * 4])
def test_packs_anything(text: bytes) -> None:
    packer = Packer()
    for _ in range(3 * FIRST_LESSON):
        assert packer.unpack(packer.pack(text)) == text
