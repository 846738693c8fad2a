// SPDX-License-Identifier: Apache-2.0
//
// The keeper of this process's rings: a thread that beats for writers and readers, counts native subscribers, and frees the
// entries of readers that have died. Nobody ever waits for it.
#pragma once

#include "ring.hpp"

#include <functional>

namespace qipc {

/** Takes the ring into care, from its first beat on. False when the thread cannot be started. */
bool keeper_add(const std::shared_ptr<Ring>& ring);

/** Lets go of it. The keeper may look at it once more, which is why it is shared. */
void keeper_remove(const Ring& ring) noexcept;

/** There is something to be done sooner than the keeper thought. */
void keeper_hurry() noexcept;

/** Removes the names of a ring that was closed with its names kept, when the time is over. `for_others`: another process may
 * still want to attach, so that the end of this one does not remove them. */
void keeper_unlink_later(uint64_t epoch, bool for_others) noexcept;

/** At the end of the process: names that were kept for nobody else go. */
void keeper_unlink_at_exit() noexcept;

/** Every ring of this process. The rings live as long as the call; none is locked. */
void rings_each(const std::function<void(Ring&)>& visit);

} // namespace qipc
