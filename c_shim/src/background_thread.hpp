// SPDX-License-Identifier: Apache-2.0
//
// Threads of this library that run until the process ends, and that no signal of the process ever reaches.
#pragma once

namespace qipc {

/** Starts `main(context)` in a thread of this name (at most 15 characters). False when there is no memory for it. */
bool start_background_thread(const char* name, void (*main)(void*), void* context) noexcept;

} // namespace qipc
