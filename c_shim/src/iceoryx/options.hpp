// SPDX-License-Identifier: Apache-2.0
//
// The option text of qipc_runtime_open: lines "key=value\n".
#pragma once

#include "option_lines.hpp"
#include "stack.hpp"

#include <cstdint>
#include <string>

namespace qipc {

inline constexpr uint64_t kPoolBytesDefault = 64u << 20;
/** 1 TiB: beyond any machine's shared memory, and far from where sums of sizes could overflow. */
inline constexpr uint64_t kPoolBytesMax = uint64_t{1} << 40;

struct Options {
    std::string text; // as given
    std::string name; // empty: one that is unique
    bool spawn = false;
    bool daemon_keep = false;
    uint64_t pool_bytes = kPoolBytesDefault;
    uint32_t timeout_ms = QIPC_CONTROL_TIMEOUT_MS;
    LogLevel log = LogLevel::off;
    std::string readers;
    std::string writers;
};

/** QIPC_OK, or the status to return: unknown keys, malformed and repeated ones, values out of range, a wrong name. */
int32_t parse_options(const uint8_t* bytes, uint32_t length, Options* options);

} // namespace qipc
