# SPDX-License-Identifier: Apache-2.0
"""What a user of the iceoryx2 wheel declares to read and write blocks; market_data_block.h states the same for C and C++."""
import ctypes

DATA_SIZE = 8160
HEADER_SIZE = 32
BLOCK_SIZE = HEADER_SIZE + DATA_SIZE
# ctypes aligns a structure to 8 bytes: whoever makes the service asks for this.
ALIGNMENT = 64
# Bits of flags: data_length and record_size are valid; the last 24 data bytes are a trailer; it has a checksum.
FLAG_LENGTH = 1
FLAG_TRAILER = 2
FLAG_CHECKSUM = 4
# Where the trailer lies in the block.
TRAILER_OFFSET = 8168


class ZeroCopyMarketBlock(ctypes.Structure):
    """A block. Both sides have to agree on its size and on the name of its type, which without type_name would be that of this class."""

    _fields_ = [
        ("sequence", ctypes.c_uint64),
        ("timestamp_ns", ctypes.c_uint64),
        ("record_count", ctypes.c_uint64),
        ("data_type", ctypes.c_uint8),
        ("flags", ctypes.c_uint8),
        ("data_length", ctypes.c_uint16),
        ("record_size", ctypes.c_uint16),
        ("schema_id", ctypes.c_uint16),
        ("data", ctypes.c_uint8 * DATA_SIZE),
    ]

    @staticmethod
    def type_name() -> str:
        """The name that both sides have to agree on."""
        return "ZeroCopyMarketBlock"


assert ctypes.sizeof(ZeroCopyMarketBlock) == BLOCK_SIZE
