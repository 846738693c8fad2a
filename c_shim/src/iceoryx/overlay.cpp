// SPDX-License-Identifier: Apache-2.0
#include "overlay.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

namespace qipc {
namespace {

constexpr int kLevels = 8; // the last is used again and again, should so many handlers ever pile up

struct Level {
    std::atomic<Handler> under{nullptr};
    std::atomic<PlainHandler> plain{nullptr};
    std::atomic<bool> runs_once{false};
    struct sigaction replaced{}; // all this in full, for giving it back
};

struct Overlay {
    Level levels[kLevels];
    int highest = 0; // of those that were used
};

constinit Overlay g_overlays[kSignalCount];
const struct sigaction kDefault {}; // all zero
static_assert(SIG_DFL == static_cast<PlainHandler>(nullptr));

uint32_t index_of(int number) noexcept {
    uint32_t index = 0;
    while (index + 1 < kSignalCount && kSignals[index] != number) {
        index++;
    }
    return index;
}

template <int level>
void on_signal(int number, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    handle_signal(index_of(number), level, info, context);
    errno = saved_errno;
}

template <int... levels>
constexpr std::array<Handler, kLevels> handlers_of(std::integer_sequence<int, levels...>) {
    return {on_signal<levels>...};
}
constexpr std::array<Handler, kLevels> kHandlers = handlers_of(std::make_integer_sequence<int, kLevels>());

/** Also when somebody put ours back by signal(2), without the flags that it needs. */
int level_of(const struct sigaction& action) noexcept {
    const auto* const found = std::find(kHandlers.begin(), kHandlers.end(), action.sa_sigaction);
    return found != kHandlers.end() ? static_cast<int>(found - kHandlers.begin()) : -1;
}

bool is_default(const struct sigaction& action) noexcept {
    return action.sa_handler == SIG_DFL;
}

bool takes_info(const struct sigaction& action) noexcept {
    return (action.sa_flags & SA_SIGINFO) != 0;
}

/** See overlay.hpp. */
bool may_lie_over(const struct sigaction& action) noexcept {
    return action.sa_handler != SIG_IGN;
}

/** The level now has this under it. A signal that comes meanwhile may see a part: of a handler and none, never of two. */
void set_under(Level& level, const struct sigaction& action) noexcept {
    level.under.store(nullptr, std::memory_order_release);
    level.plain.store(nullptr, std::memory_order_release);
    level.replaced = action;
    level.runs_once.store(!is_default(action) && (action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0, std::memory_order_release);
    if (takes_info(action)) {
        level.under.store(action.sa_sigaction, std::memory_order_release);
    } else if (!is_default(action)) {
        level.plain.store(action.sa_handler, std::memory_order_release);
    }
}

/** Whether who has laid ours back has taken his own out: see overlay.hpp. */
bool has_given_way(const struct sigaction& top, const Level& level) noexcept {
    return !takes_info(top) && level.plain.load(std::memory_order_acquire) != nullptr;
}

struct sigaction action_now(uint32_t index) noexcept {
    struct sigaction now {};
    sigaction(kSignals[index], nullptr, &now);
    return now;
}

} // namespace

Disposition overlay_look(uint32_t index) noexcept {
    const struct sigaction now = action_now(index);
    Disposition found;
    found.is_default = is_default(now);
    found.level = level_of(now);
    found.takes_info = takes_info(now);
    if (found.level < 0) {
        return found;
    }
    const Level& level = g_overlays[index].levels[found.level];
    if (!has_given_way(now, level)) {
        found.under = level.under.load(std::memory_order_acquire);
        found.plain = level.plain.load(std::memory_order_acquire);
        found.runs_once = level.runs_once.load(std::memory_order_acquire);
    }
    return found;
}

void overlay_hook(uint32_t index) noexcept {
    Overlay& overlay = g_overlays[index];
    struct sigaction top = action_now(index);
    if (level_of(top) >= 0 ? takes_info(top) : !may_lie_over(top)) {
        return;
    }
    for (;;) {
        int level = level_of(top);
        // First what lies under, then the handler that reads it.
        if (level < 0) {
            level = takes_info(top) ? std::min(overlay.highest + 1, kLevels - 1) : overlay.highest;
            overlay.highest = level;
            set_under(overlay.levels[level], top);
        } else if (has_given_way(top, overlay.levels[level])) {
            set_under(overlay.levels[level], kDefault);
        }
        struct sigaction ours {};
        struct sigaction replaced {};
        ours.sa_sigaction = kHandlers[static_cast<size_t>(level)];
        ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
        ours.sa_mask = top.sa_mask;
        // One at a time: a runtime's alternate stack has no room for three of these handlers on top of each other.
        for (const int other : kSignals) {
            sigaddset(&ours.sa_mask, other);
        }
        sigaction(kSignals[index], &ours, &replaced);
        if (replaced.sa_sigaction == top.sa_sigaction) {
            return;
        }
        // Somebody was faster. His lies under ours now, or goes back.
        if (level_of(replaced) < 0 && !may_lie_over(replaced)) {
            sigaction(kSignals[index], &replaced, nullptr);
            return;
        }
        top = replaced;
    }
}

void overlay_unhook(uint32_t index) noexcept {
    const struct sigaction top = action_now(index);
    const int number = level_of(top);
    if (number >= 0) {
        const Level& level = g_overlays[index].levels[number];
        sigaction(kSignals[index], has_given_way(top, level) ? &kDefault : &level.replaced, nullptr);
    }
}

void overlay_make_default(uint32_t index) noexcept {
    struct sigaction replaced {};
    sigaction(kSignals[index], &kDefault, &replaced);
    if (level_of(replaced) < 0 && !is_default(replaced)) {
        sigaction(kSignals[index], &replaced, nullptr);
    }
}

} // namespace qipc
