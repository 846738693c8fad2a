// SPDX-License-Identifier: Apache-2.0
//
// The option text of qipc_runtime_open, as this stack has it.
#pragma once

#include "option_lines.hpp"

#include "qaultra_ipc/qipc.h"

#include <cstdint>
#include <string>

namespace qipc {

/** iceoryx2 makes paths of these, and gives up where they become too long. */
inline constexpr uint32_t kRootBytesMax = 128;
inline constexpr uint32_t kPrefixBytesMax = 32;
inline constexpr uint32_t kTypeNameBytesMax = 255;
/** What may be asked of a service that this process creates. */
inline constexpr uint32_t kPublishersMaxMax = 256;
inline constexpr uint32_t kSubscribersMaxMax = 1024;
inline constexpr uint32_t kNodesMaxMax = 1024;

struct Options {
    std::string text; // as given
    std::string name; // empty: one that is unique
    std::string root; // empty: iceoryx2's own
    std::string prefix; // the same
    std::string type_name = "ZeroCopyMarketBlock";
    uint32_t timeout_ms = QIPC_CONTROL_TIMEOUT_MS;
    uint32_t publishers_max = 16;
    uint32_t subscribers_max = 64;
    uint32_t nodes_max = 128;
};

/** QIPC_OK, or the status to return: unknown keys, malformed and repeated ones, values out of range, a wrong name. */
int32_t parse_options(const uint8_t* bytes, uint32_t length, Options* options);

} // namespace qipc
