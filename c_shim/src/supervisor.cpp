// SPDX-License-Identifier: Apache-2.0
#include "supervisor.hpp"

#include "background_thread.hpp"
#include "clock.hpp"
#include "exit.hpp"
#include "lease.hpp"
#include "link.hpp"
#include "reattach.hpp"
#include "turn.hpp"

#include <semaphore.h>

#include <algorithm>
#include <mutex>

namespace qipc {
namespace {

constexpr char kThreadName[] = "qipc-superv";
constexpr uint32_t kLookMs = 150;     // between two looks for the daemon
constexpr uint32_t kRetryMsMax = 1200; // between two tries to attach to, or to start, a daemon that is unwell
constexpr uint32_t kProbeMsMax = 1000; // how long its answer is awaited, if the options do not say less
constexpr uint32_t kTurnWaitMs = 50;   // who opens or closes goes first; the next look comes soon

sem_t g_work;

/** The current world when its daemon is gone. With the turn, so that it is not taken apart meanwhile. */
std::shared_ptr<World> world_without_daemon() {
    const TurnGuard turn(kTurnWaitMs);
    const std::shared_ptr<World> world = turn.has_turn && !process_is_exiting() ? world_current() : nullptr;
    return world != nullptr && world_check(*world) == QIPC_E_DAEMON_GONE ? world : nullptr;
}

/** Sees to it that there is a daemon to attach to. Without the turn, because that can take seconds. */
int32_t prepare(const Options& options) {
    bool spawned = false;
    const int32_t status = link_ensure_daemon(options, &spawned);
    return status == QIPC_OK ? daemon_probe(std::min(options.timeout_ms, kProbeMsMax), nullptr) : status;
}

int32_t attach(const World& world) {
    int32_t status = prepare(world.options);
    if (status != QIPC_OK && !world.options.spawn) {
        return status;
    }
    const TurnGuard turn(kTurnWaitMs);
    if (!turn.has_turn || process_is_exiting()) {
        return status;
    }
    const std::shared_ptr<World> now = world_current();
    if (world.options.spawn && (now == nullptr || !now->options.spawn)) {
        daemon_leave(); // it was closed while a daemon was started for it
    }
    return status == QIPC_OK && now != nullptr ? attach_again() : status;
}

void supervise(void*) {
    uint32_t pause_ms = kLookMs;
    for (;;) {
        if (process_is_exiting() || world_current() == nullptr) {
            pause_ms = kLookMs;
            sem_wait(&g_work);
            continue;
        }
        const timespec until = to_timespec(now_ns() + ms_to_ns(pause_ms));
        sem_clockwait(&g_work, CLOCK_MONOTONIC, &until);
        try {
            const std::shared_ptr<World> world = world_without_daemon();
            const int32_t status = world != nullptr ? attach(*world) : QIPC_OK;
            // One that is not there costs nothing to be asked for.
            const bool is_easy = status == QIPC_OK || (status == QIPC_E_DAEMON_ABSENT && !world->options.spawn);
            pause_ms = is_easy ? kLookMs : std::min(2 * pause_ms, kRetryMsMax);
        } catch (...) {
            pause_ms = kRetryMsMax; // without memory
        }
    }
}

} // namespace

void supervisor_start() noexcept {
    static std::once_flag once;
    std::call_once(once, [] {
        sem_init(&g_work, 0, 0);
        start_background_thread(kThreadName, supervise, nullptr);
    });
    sem_post(&g_work);
}

} // namespace qipc
