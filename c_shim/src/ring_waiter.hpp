// SPDX-License-Identifier: Apache-2.0
//
// Waking event loops when a word of a ring changes: threads that sleep on many words at once, and send one byte.
#pragma once

#include "ring.hpp"
#include "waiter.hpp"

#include <cstdint>

namespace qipc {

/** Sends a byte to the waiter, once, when the word does not have the expected value, be it now or later. */
int32_t ring_arm(Waiter& waiter, const Ring& ring, uint32_t word, uint32_t expected);

/** Takes the arming back, if there is one. */
void ring_disarm(const Waiter& waiter, const Ring& ring, uint32_t word) noexcept;

/** Takes all armings back: of a ring that is closed, of a waiter that is. */
void ring_disarm_all(const Ring& ring) noexcept;
void ring_disarm_all(const Waiter& waiter) noexcept;

} // namespace qipc
