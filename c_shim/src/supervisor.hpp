// SPDX-License-Identifier: Apache-2.0
//
// A thread that looks after the connection of this process: when its daemon has died, was replaced, or has given the process up,
// it attaches to the next one, and starts one where the options ask for that.
#pragma once

namespace qipc {

/** There is a connection to look after. */
void supervisor_start() noexcept;

} // namespace qipc
