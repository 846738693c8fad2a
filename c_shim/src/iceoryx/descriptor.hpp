// SPDX-License-Identifier: Apache-2.0
//
// File descriptors that the stack opens in this process without FD_CLOEXEC: found by comparison, and closed on exec, so that
// a program that the script starts does not inherit the runtime's socket, lock and memory.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace qipc {

using DescriptorSet = std::vector<int>;

/** The descriptors that this process has open now. */
DescriptorSet open_descriptors();

/** Sets FD_CLOEXEC on those of the runtime of this name that were not open `before`. */
void close_on_exec(const std::string& runtime_name, const DescriptorSet& before);

} // namespace qipc
