// SPDX-License-Identifier: Apache-2.0
//
// iceoryx2 has a queue for each publisher and empties one after the other. What one take brings is put into the order of
// publishing, as one queue would have it: a reader with a smaller capacity than the port's loses the oldest blocks, not those of
// the publisher that happens to come first.
#pragma once

#include <cstdint>

namespace qipc {

/** Orders entries of a take by the times that their publishers wrote, those of one publisher never changing places. */
void order_taken(uint8_t* entries, const uint64_t* times, uint32_t count) noexcept;

} // namespace qipc
