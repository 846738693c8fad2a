// SPDX-License-Identifier: Apache-2.0
//
// The streams that qipc_runtime_streams tells of.
#pragma once

#include "stream_name.hpp"

#include <cstdint>
#include <vector>

namespace qipc {

struct StreamCount {
    StreamName name;
    uint32_t publishers = 0;
    uint32_t lossy_publishers = 0; // of them: who waits for no subscriber
    uint32_t subscribers = 0;
};

/** Writes them as qipc_runtime_streams promises, and returns its status. */
int32_t write_streams(const std::vector<StreamCount>& streams, uint8_t* buffer, uint32_t buffer_len, uint8_t* result);

} // namespace qipc
