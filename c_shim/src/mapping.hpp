// SPDX-License-Identifier: Apache-2.0
//
// The mappings of this process, as the kernel lists them.
#pragma once

#include <cstdint>

namespace qipc {

struct Mapping {
    uintptr_t base = 0;
    uint64_t length = 0;
};

/** The shared mapping of one file that `address` lies in, with the neighbours into which the kernel may have split it. False
 * when there is none. */
bool mapping_of(const void* address, Mapping* mapping);

} // namespace qipc
