// SPDX-License-Identifier: Apache-2.0
//
// Blocking a thread until a word of a ring changes.
#pragma once

namespace qipc {

/** Wakes every thread that is blocked in a wait, to be told that the process ends. */
void ring_waits_end() noexcept;

} // namespace qipc
