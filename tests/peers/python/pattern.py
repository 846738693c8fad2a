# SPDX-License-Identifier: Apache-2.0
"""What a block with a given sequence contains: the formulas of tests/peers/pattern.hpp, which tells about them, stated once more in
Python, so that no side of a language border trusts the code of the other."""
import array
import struct
import sys

BASE_TIMESTAMP_NS = 1_700_000_000_000_000_000
TICK_SIZE = 72
TICKS_PER_BLOCK_MAX = 113
FULL_RECORD_COUNT = 1020
FULL_WORD_COUNT = 2040
DATA_TYPES = (0, 1, 2, 3, 4, 255)
HEADER = struct.Struct("<QQQBBHHH")
# What each number of a tick's symbol looks like; struct fills it up with zeros.
_SYMBOLS = [b"SYM%04d" % number for number in range(10_000)]
_TICKS = [struct.Struct("<" + "QdddQ32s" * count) for count in range(TICKS_PER_BLOCK_MAX + 1)]
# The words of a full block as one number, each in the lower half of 8 bytes: a sum of such numbers adds all of them at once.
_FULL_BASE = sum((index * 0x85EBCA77 & 0xFFFFFFFF) << 64 * index for index in range(FULL_WORD_COUNT))
_FULL_ONES = sum(1 << 64 * index for index in range(FULL_WORD_COUNT))

assert sys.byteorder == "little"


def record_count(kind: str, sequence: int) -> int:
    return 1 + sequence % TICKS_PER_BLOCK_MAX if kind == "ticks" else FULL_RECORD_COUNT


def record_size(kind: str) -> int:
    return TICK_SIZE if kind == "ticks" else 8


def data_length(kind: str, sequence: int) -> int:
    return record_count(kind, sequence) * record_size(kind)


def data_type(kind: str, sequence: int) -> int:
    return 0 if kind == "ticks" else DATA_TYPES[sequence % 6]


def timestamp_ns(sequence: int) -> int:
    return BASE_TIMESTAMP_NS + 1000 * sequence


def header(kind: str, sequence: int) -> bytes:
    """What the original C++ sender writes, with bytes 25 to 31 zero."""
    return HEADER.pack(
        sequence, timestamp_ns(sequence), record_count(kind, sequence), data_type(kind, sequence), 0, 0, 0, 0
    )


def data(kind: str, sequence: int) -> bytes:
    """The used data bytes."""
    if kind == "full":
        wide = (_FULL_BASE + _FULL_ONES * (sequence * 0x9E3779B1 & 0xFFFFFFFF)).to_bytes(8 * FULL_WORD_COUNT, "little")
        return array.array("I", wide)[::2].tobytes()
    values: list = []
    base = timestamp_ns(sequence)
    volume = (1 << 63) + TICKS_PER_BLOCK_MAX * sequence
    for index in range(record_count(kind, sequence)):
        last = sequence * 0.25 + index
        values += (base + index, last, last - 0.125, last + 0.125, volume + index, _SYMBOLS[(sequence + index) % 10_000])
    return _TICKS[len(values) // 6].pack(*values)


def checksum(used: bytes) -> int:
    """Sum of the bytes as u32 words."""
    return sum(array.array("I", used)) & 0xFFFFFFFF
