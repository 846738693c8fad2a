// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace qipc {

/** Subscribers of one stream: those of this process, and those of others. */
struct SubscriberCount {
    uint32_t own = 0;
    uint32_t others = 0;
};

} // namespace qipc
