// SPDX-License-Identifier: Apache-2.0
//
// Our handler of a signal on top of whatever was there, and back.
//
// Where it may lie: over the default action, and over handlers that were installed by sigaction with SA_SIGINFO. Not over
// others: whoever manages his handler by signal(2) (as Bun does) would take ours out and put it back in a form that it is not
// made for, and a handler is not the death of the process anyway. Not over SIG_IGN, which a program that is started inherits,
// while it does not inherit a handler.
//
// A handler that is laid over ours may remember ours and call it as its predecessor. When ours is then laid over that one, a
// call of ours can have come from the kernel or from there. So that the two can be told apart there are several handlers of
// ours, levels, each with what lies under it: whoever is remembered is never on top again.
#pragma once

#include <csignal>
#include <cstdint>

namespace qipc {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr uint32_t kSignalCount = sizeof kSignals / sizeof kSignals[0];

using Handler = void (*)(int, siginfo_t*, void*);

/** How a signal is handled now. */
struct Disposition {
    bool is_default = false;
    int level = -1;          // of our handler; -1 when it is not ours
    bool takes_info = false; // it is called with the signal's information
    Handler under = nullptr; // what lies under ours; null for the default action
};

/** The disposition of kSignals[index]. Async-signal-safe. */
Disposition overlay_look(uint32_t index) noexcept;

/** Lays ours over what is there, if that may be and is not so yet. One thread at a time. */
void overlay_hook(uint32_t index) noexcept;

/** Gives back what lies under ours, if ours is on top. */
void overlay_unhook(uint32_t index) noexcept;

/** Restores the default action, unless a handler of somebody else's is on top. */
void overlay_make_default(uint32_t index) noexcept;

/** What ours does with a signal: defined in signals.cpp. `level` is that of the handler that was called. */
void handle_signal(uint32_t index, int level, siginfo_t* info, void* context) noexcept;

} // namespace qipc
