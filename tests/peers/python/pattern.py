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
# Each part of a tick at once, for as many ticks as a block has: symbols of every number, and those after the last once more, of
# which each fills one of its four words; and every multiple of an eighth, of which prices are slices.
_SYMBOL_WORDS = array.array(
    "Q", (int.from_bytes(b"SYM%04d" % (number % 10_000), "little") for number in range(10_000 + TICKS_PER_BLOCK_MAX))
)
_TICK_WORDS = TICK_SIZE // 8
_EIGHTHS = array.array("d")
# The words of a full block as one number, each in the lower half of 8 bytes: a sum of such numbers adds all of them at once.
_FULL_BASE = sum((index * 0x85EBCA77 & 0xFFFFFFFF) << 64 * index for index in range(FULL_WORD_COUNT))
_FULL_ONES = sum(1 << 64 * index for index in range(FULL_WORD_COUNT))
# Every other word of 1024 pairs, and the halves that sums of that many are folded at.
_EVEN_WORDS = sum(0xFFFFFFFF << 64 * index for index in range(1024))
_HALVES = [(64 << half, (1 << (64 << half)) - 1) for half in reversed(range(10))]

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
    count = record_count(kind, sequence)
    used = bytearray(count * TICK_SIZE)
    words = memoryview(used).cast("Q")
    prices = memoryview(used).cast("d")
    base = timestamp_ns(sequence)
    words[0::_TICK_WORDS] = memoryview(array.array("Q", range(base, base + count)))
    eighth = 2 * sequence
    end = eighth + 8 * count
    if len(_EIGHTHS) <= end + 1:
        _EIGHTHS.extend(number / 8 for number in range(len(_EIGHTHS) - 1, end * 2))
    # The first of the list is -1/8, so that every number lies one behind its own.
    for word, first in ((1, eighth + 1), (2, eighth), (3, eighth + 2)):
        prices[word::_TICK_WORDS] = memoryview(_EIGHTHS)[first : first + 8 * count : 8]
    volume = (1 << 63) + TICKS_PER_BLOCK_MAX * sequence
    words[4::_TICK_WORDS] = memoryview(array.array("Q", range(volume, volume + count)))
    symbol = sequence % 10_000
    words[5::_TICK_WORDS] = memoryview(_SYMBOL_WORDS)[symbol : symbol + count]
    return bytes(used)


def checksum(used: bytes) -> int:
    """Sum of the bytes as u32 words."""
    # As one number: its odd words on top of the even ones, each with 32 bits to spare, and then one half on top of the other.
    number = int.from_bytes(used, "little")
    words = (number & _EVEN_WORDS) + (number >> 32 & _EVEN_WORDS)
    for bits, mask in _HALVES:
        words = (words & mask) + (words >> bits)
    return words & 0xFFFFFFFF
