// SPDX-License-Identifier: Apache-2.0
//
// iceoryx2 leaves a service half made, and for good, when it may open no further file in the middle of it.
#pragma once

#include <cstdint>

namespace qipc {

/** Whether this process may still open as many files as a node, or a port with a new service, may take. */
int32_t check_free_files(const char* action);

} // namespace qipc
