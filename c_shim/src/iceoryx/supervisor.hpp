// SPDX-License-Identifier: Apache-2.0
//
// A thread that looks after the connection of this process: when its daemon has died, was replaced, or has given the process up,
// it attaches to the next one, and starts one where the options ask for that. A daemon that is asked to end asks every process that it
// knows to end, and kills those that stay registered for long: there it disconnects, and the process goes on without a daemon.
#pragma once

#include <sys/types.h>

namespace qipc {

/** There is a connection to look after. */
void supervisor_start() noexcept;

/** The daemon, which is this process, has asked us to end. Async-signal-safe. */
void supervisor_told(pid_t daemon) noexcept;

} // namespace qipc
