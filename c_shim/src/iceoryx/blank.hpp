// SPDX-License-Identifier: Apache-2.0
//
// Memory of the daemon that this user may not read. The stack maps what he may and leaves the rest out; but the daemon connects
// his subscribers to everybody, and a chunk from memory that is not mapped would end the process at the first look at it. So
// blank memory stands for it: the header of such a chunk reads as zeros, which the stack knows to be none of its own, and gives
// the chunk back.
#pragma once

namespace qipc {

/** Puts blank memory in the place of what is not mapped. Called on the control thread, after attaching. */
void blank_fill();

/** Whether this user may read any of the daemon's memory for chunks, as of the last attaching. */
bool blank_has_segment() noexcept;

} // namespace qipc
