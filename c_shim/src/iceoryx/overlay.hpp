// SPDX-License-Identifier: Apache-2.0
//
// Our handler of a signal on top of whatever was there, and back.
//
// It lies over the default action and over every handler, but not over SIG_IGN, which a program that is started inherits, while it
// does not inherit a handler.
//
// Who manages a handler of one argument by signal(2), as Bun does, and finds ours where he wants to take his own out, puts ours back by
// signal(2), that is without the signal's information. So ours in that form says that his has gone, and the default action is meant.
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
using PlainHandler = void (*)(int);

/** How a signal is handled now. */
struct Disposition {
    bool is_default = false;
    int level = -1;          // of our handler; -1 when it is not ours
    bool takes_info = false; // it is called with the signal's information
    Handler under = nullptr; // what lies under ours; null for the default action, and where `plain` is
    PlainHandler plain = nullptr;
    bool runs_once = false;  // what lies under ours is to give way to the default action when it is called
};

/** The disposition of kSignals[index]. Async-signal-safe. */
Disposition overlay_look(uint32_t index) noexcept;

/** Lays ours over what is there, if that may be and is not so yet. One thread at a time. */
void overlay_hook(uint32_t index) noexcept;

/** Gives back what lies under ours, if ours is on top. One thread at a time. */
void overlay_unhook(uint32_t index) noexcept;

/** Restores the default action, unless a handler of somebody else's is on top. */
void overlay_make_default(uint32_t index) noexcept;

/** What ours does with a signal: defined in signals.cpp. `level` is that of the handler that was called. */
void handle_signal(uint32_t index, int level, siginfo_t* info, void* context) noexcept;

} // namespace qipc
