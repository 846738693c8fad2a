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
    struct sigaction replaced{}; // the same in full, for giving it back
};

struct Overlay {
    Level levels[kLevels];
    int highest = 0; // of those that were used
};

constinit Overlay g_overlays[kSignalCount];

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

/** See overlay.hpp. A handler that is to run once would be gone after the first signal. */
bool may_lie_over(const struct sigaction& action) noexcept {
    return is_default(action) || (takes_info(action) && (action.sa_flags & SA_RESETHAND) == 0);
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
    if (found.level >= 0) {
        found.under = g_overlays[index].levels[found.level].under.load(std::memory_order_acquire);
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
        if (level < 0) {
            // First what lies under, then the handler that reads it.
            level = is_default(top) ? overlay.highest : std::min(overlay.highest + 1, kLevels - 1);
            overlay.highest = level;
            overlay.levels[level].replaced = top;
            overlay.levels[level].under.store(is_default(top) ? nullptr : top.sa_sigaction, std::memory_order_release);
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
    const int level = level_of(action_now(index));
    if (level >= 0) {
        sigaction(kSignals[index], &g_overlays[index].levels[level].replaced, nullptr);
    }
}

void overlay_make_default(uint32_t index) noexcept {
    struct sigaction action {};
    struct sigaction replaced {};
    action.sa_handler = SIG_DFL;
    sigaction(kSignals[index], &action, &replaced);
    if (level_of(replaced) < 0 && !is_default(replaced)) {
        sigaction(kSignals[index], &replaced, nullptr);
    }
}

} // namespace qipc
