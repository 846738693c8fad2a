// SPDX-License-Identifier: Apache-2.0
//
// Deferring the end of the process until no thread is inside the stack.
//
// A process that dies inside one of the stack's critical sections leaves a lock behind that freezes its daemon. Therefore
// every call into the stack is bracketed by call_enter and call_leave, and SIGINT, SIGTERM and SIGHUP that would end the
// process wait for the moment when no thread is between the two, for QIPC_SIGNAL_DEFER_MS_MAX at the most.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace qipc {

/// Marks this thread as inside the stack. Calls may nest. Costs a store and a load; waits only while a signal is being
/// delivered. Returns false when the gate is closed (the process is going down): the stack must not be called then, and
/// call_leave neither.
bool call_enter() noexcept;

/// Takes back one call_enter that returned true.
void call_leave() noexcept;

/// call_enter for a scope. Look at `entered` before calling the stack.
struct CallGuard {
    bool entered;
    CallGuard() noexcept : entered(call_enter()) {}
    ~CallGuard() {
        if (entered) {
            call_leave();
        }
    }
    CallGuard(const CallGuard&) = delete;
    CallGuard& operator=(const CallGuard&) = delete;
};

/// Puts the deferring handler on top of whatever handles SIGINT, SIGTERM and SIGHUP, and keeps it there. Handlers that the
/// program installs before or afterwards keep working. The caller counts: first open installs, last close uninstalls.
void signals_install();

/// SIGTERM that the process `sender` sends is not for the program from now on: in place of being delivered it calls `told(sender)`, in
/// the handler. There is one such sender; 0 stands for none.
void signals_take_from(pid_t sender, void (*told)(pid_t sender)) noexcept;

/// Takes that back, unless it is another's turn by now.
void signals_take_no_more_from(pid_t sender) noexcept;

/// Gives back what was under the deferring handler, where that is still on top.
void signals_uninstall();

/// No thread enters any more: call_enter returns false at once. Waits up to `wait_ms` until all other threads are out, and
/// returns whether they are. What the calling thread itself is inside of does not count.
bool gate_close(uint32_t wait_ms);

/// Takes gate_close back.
void gate_open();

} // namespace qipc
