// SPDX-License-Identifier: Apache-2.0
//
// What this library keeps for each thread that calls it: its token, its last error and what it owns.
#pragma once

#include "error.hpp"

#include <cstdint>
#include <vector>

namespace qipc {

struct Thread {
    uint32_t token = 0;
    /** Its script has ended before it. */
    bool is_ending = false;
    ErrorDetail detail;
    /** Handles that this thread opened and has not closed, in the order of opening. */
    std::vector<uint32_t> handles;
    /** Windows that this thread has mapped and not unmapped. */
    std::vector<uint32_t> windows;
};

/** The calling thread's token; 0 until its first call that needs one. Static storage in the initial TLS block, so that the
 * check of a handle's owner is one load. */
extern __thread uint32_t t_token __attribute__((tls_model("initial-exec")));

/** The calling thread's record, made at first use. Null when there is no memory or the thread's end has begun. */
Thread* thread_current() noexcept;

} // namespace qipc
