"""Packs the JSON of many objects that are alike: what they share is kept once, in a dictionary per kind.

The first few objects are kept as they are. From them a dictionary is learnt, and it is learnt anew, ever more
seldom, because what is typical only shows in time: a status comes later than its object. What was packed
before keeps the dictionary that it was packed with, and names it in its first byte.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import zstandard

_Codec = Callable[[bytes], bytes]

# A dictionary is learnt when this many objects were packed, and whenever that number has grown by the factor.
FIRST_LESSON = 16
_LESSON_GROWTH = 16
# Learning from these takes ten milliseconds, in which nothing else happens; more samples save no more.
_SAMPLES = 64
_DICTIONARY_BYTES = 8 * 1024
# Higher levels take three times the time and save a tenth.
_LEVEL = 1


class Packer:
    """Packs and unpacks the objects of one kind; any order and number of both."""

    def __init__(self) -> None:
        self._samples: list[bytes] = []
        self._packed = 0
        self._next_lesson = FIRST_LESSON
        self._mark = b"\x00"
        self._compress: _Codec = bytes
        self._decompress: list[_Codec] = [bytes]

    def pack(self, plain: bytes) -> bytes:
        """Return the packed form, from which `unpack` makes the very same bytes."""
        self._packed += 1
        if self._packed > self._next_lesson - _SAMPLES:
            self._samples.append(plain)
            if self._packed >= self._next_lesson:
                self._learn()
        return self._mark + self._compress(plain)

    def unpack(self, packed: bytes) -> bytes:
        """Return what was packed."""
        return self._decompress[packed[0]](packed[1:])

    def _learn(self) -> None:
        dictionary = _dictionary_of(self._samples)
        dictionary.precompute_compress(level=_LEVEL)
        compressor = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=dictionary, write_checksum=False, write_dict_id=False
        )
        self._mark = bytes([len(self._decompress)])
        self._compress = compressor.compress
        self._decompress.append(zstandard.ZstdDecompressor(dict_data=dictionary).decompress)
        self._samples = []
        self._next_lesson *= _LESSON_GROWTH


def _dictionary_of(samples: list[bytes]) -> zstandard.ZstdCompressionDict:
    if len(samples) == _SAMPLES:
        with suppress(zstandard.ZstdError):
            return zstandard.train_dictionary(_DICTIONARY_BYTES, [*samples])
    # Too few or too small to learn from: then they themselves are what others are compared with.
    return zstandard.ZstdCompressionDict(b"".join(samples), dict_type=zstandard.DICT_TYPE_RAWCONTENT)
