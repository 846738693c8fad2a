// SPDX-License-Identifier: Apache-2.0
//
// The pattern of the interop tests: what a block with a given sequence contains, so that a receiver on the other side of a
// language border can check every field of every block without having been told anything. `tests/support/pattern.ts` states
// the same formulas in TypeScript. All integers wrap at their width and are little endian.
//
//   header, pattern `ticks`:  record_count = 1 + sequence mod 113, data_type = Tick
//   header, pattern `full`:   record_count = 1020, data_type = (Tick, Bar, Kline, OrderBook, Trade, Unknown)[sequence mod 6]
//   header, C++ sender:       timestamp_ns = BASE + 1000 * sequence, bytes 26 to 31 zero, flags zero
//   tick i of block s:        timestamp_ns = BASE + 1000 s + i
//                             last = s / 4 + i, bid = last - 1/8, ask = last + 1/8
//                             volume = 2^63 + 113 s + i          (beyond 2^53 and beyond i64)
//                             symbol = "SYM" and (s + i) mod 10000 in four digits, zero-padded to 32 bytes
//   u32 word w of a full block s: s * 0x9E3779B1 + w * 0x85EBCA77  (2040 words, 8160 bytes)
//   checksum:                 sum of the used data as u32 words, modulo 2^32
#ifndef QAULTRA_TESTS_PEERS_PATTERN_HPP
#define QAULTRA_TESTS_PEERS_PATTERN_HPP

#include <cstdint>
#include <cstring>
#include <string>

#include "qaultra_ipc/market_data_block.h"

namespace pattern
{
enum class Kind
{
    TICKS,
    FULL,
};

constexpr uint64_t BASE_TIMESTAMP_NS = 1'700'000'000'000'000'000U;
constexpr uint64_t TICKS_PER_BLOCK_MAX = 113;
constexpr uint64_t FULL_RECORD_COUNT = 1020;
constexpr uint32_t FULL_RECORD_SIZE = 8;
constexpr uint32_t FULL_WORD_COUNT = QAULTRA_BLOCK_DATA_SIZE / 4;

struct Tick
{
    int64_t timestamp_ns;
    double last;
    double bid;
    double ask;
    uint64_t volume;
    char symbol[32];
};
static_assert(sizeof(Tick) == 72, "a tick is 72 bytes");

inline uint64_t record_count(Kind kind, uint64_t sequence)
{
    return kind == Kind::TICKS ? 1 + sequence % TICKS_PER_BLOCK_MAX : FULL_RECORD_COUNT;
}

inline uint32_t record_size(Kind kind)
{
    return kind == Kind::TICKS ? sizeof(Tick) : FULL_RECORD_SIZE;
}

inline uint32_t data_length(Kind kind, uint64_t sequence)
{
    return static_cast<uint32_t>(record_count(kind, sequence)) * record_size(kind);
}

inline uint8_t data_type(Kind kind, uint64_t sequence)
{
    constexpr uint8_t TYPES[] = {QAULTRA_DATA_TYPE_TICK,
                                 QAULTRA_DATA_TYPE_BAR,
                                 QAULTRA_DATA_TYPE_KLINE,
                                 QAULTRA_DATA_TYPE_ORDER_BOOK,
                                 QAULTRA_DATA_TYPE_TRADE,
                                 QAULTRA_DATA_TYPE_UNKNOWN};
    return kind == Kind::TICKS ? QAULTRA_DATA_TYPE_TICK : TYPES[sequence % 6];
}

inline uint64_t header_timestamp_ns(uint64_t sequence)
{
    return BASE_TIMESTAMP_NS + 1000 * sequence;
}

inline Tick tick(uint64_t sequence, uint64_t index)
{
    Tick tick{};
    tick.timestamp_ns = static_cast<int64_t>(BASE_TIMESTAMP_NS + 1000 * sequence + index);
    tick.last = static_cast<double>(sequence) * 0.25 + static_cast<double>(index);
    tick.bid = tick.last - 0.125;
    tick.ask = tick.last + 0.125;
    tick.volume = (uint64_t{1} << 63) + TICKS_PER_BLOCK_MAX * sequence + index;
    // By hand: printf would cost more than everything else in a block.
    auto number = static_cast<uint32_t>((sequence + index) % 10000);
    std::memcpy(tick.symbol, "SYM", 3);
    for (int digit = 6; digit >= 3; --digit)
    {
        tick.symbol[digit] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
    return tick;
}

inline uint32_t word(uint64_t sequence, uint32_t index)
{
    return static_cast<uint32_t>(sequence) * 0x9E3779B1U + index * 0x85EBCA77U;
}

inline uint32_t checksum(const uint8_t* data, uint32_t length)
{
    uint32_t sum = 0;
    for (uint32_t at = 0; at + 4 <= length; at += 4)
    {
        uint32_t value;
        std::memcpy(&value, data + at, 4);
        sum += value;
    }
    return sum;
}

inline void fill_data(Kind kind, uint64_t sequence, uint8_t* data)
{
    if (kind == Kind::TICKS)
    {
        const uint64_t count = record_count(kind, sequence);
        for (uint64_t i = 0; i < count; ++i)
        {
            const Tick record = tick(sequence, i);
            std::memcpy(data + i * sizeof(Tick), &record, sizeof(Tick));
        }
        return;
    }
    for (uint32_t i = 0; i < FULL_WORD_COUNT; ++i)
    {
        const uint32_t value = word(sequence, i);
        std::memcpy(data + i * 4, &value, 4);
    }
}

/// Writes what the original C++ sender writes: 26 bytes of header and the data; bytes 26 to 31 are left as they are (zero).
inline void fill_block(Kind kind, uint64_t sequence, qaultra_market_data_block& block)
{
    block.sequence = sequence;
    block.timestamp_ns = header_timestamp_ns(sequence);
    block.record_count = record_count(kind, sequence);
    block.data_type = data_type(kind, sequence);
    block.flags = 0;
    fill_data(kind, sequence, block.data);
}

/// CRC-32C (Castagnoli), continued from `crc`; begin with 0.
inline uint32_t crc32c(uint32_t crc, const uint8_t* data, size_t length)
{
    crc = ~crc;
    for (size_t i = 0; i < length; ++i)
    {
        crc ^= data[i];
        for (int bit = 0; bit < 8; ++bit)
        {
            crc = (crc >> 1) ^ (0x82F63B78U & (0U - (crc & 1U)));
        }
    }
    return ~crc;
}

/// Compares the used data with the pattern. Returns an empty string, or what differs.
inline std::string check_data(Kind kind, uint64_t sequence, const uint8_t* data)
{
    if (kind == Kind::TICKS)
    {
        const uint64_t count = record_count(kind, sequence);
        for (uint64_t i = 0; i < count; ++i)
        {
            Tick found;
            std::memcpy(&found, data + i * sizeof(Tick), sizeof(Tick));
            const Tick wanted = tick(sequence, i);
            const char* field = found.timestamp_ns != wanted.timestamp_ns                            ? "timestamp_ns"
                                : found.last != wanted.last                                          ? "last"
                                : found.bid != wanted.bid                                            ? "bid"
                                : found.ask != wanted.ask                                            ? "ask"
                                : found.volume != wanted.volume                                      ? "volume"
                                : std::memcmp(found.symbol, wanted.symbol, sizeof(found.symbol)) != 0 ? "symbol"
                                                                                                      : nullptr;
            if (field != nullptr)
            {
                return "tick " + std::to_string(i) + " field " + field;
            }
        }
        return {};
    }
    for (uint32_t i = 0; i < FULL_WORD_COUNT; ++i)
    {
        uint32_t value;
        std::memcpy(&value, data + i * 4, 4);
        if (value != word(sequence, i))
        {
            return "word " + std::to_string(i);
        }
    }
    return {};
}
} // namespace pattern

#endif
