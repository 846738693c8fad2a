// SPDX-License-Identifier: Apache-2.0
//
// The mappings of this process, as the kernel lists them.
#pragma once

#include <cstdint>
#include <string>

namespace qipc {

struct Mapping {
    uintptr_t base = 0;
    uint64_t length = 0;
};

/** The shared mapping of one file that `address` lies in, with the neighbours into which the kernel may have split it. False
 * when there is none. `file` becomes the path of the file. */
bool mapping_of(const void* address, Mapping* mapping, std::string* file = nullptr);

} // namespace qipc
