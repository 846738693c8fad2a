// SPDX-License-Identifier: Apache-2.0
#include "supervisor.hpp"

#include "background_thread.hpp"
#include "clock.hpp"
#include "exit.hpp"
#include "hang_watch.hpp"
#include "lease.hpp"
#include "link.hpp"
#include "reattach.hpp"
#include "signals.hpp"
#include "turn.hpp"

#include <semaphore.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <mutex>

namespace qipc {
namespace {

constexpr char kThreadName[] = "qipc-superv";
constexpr uint32_t kLookMs = 150;     // between two looks for the daemon
constexpr uint32_t kRetryMsMax = 1200; // between two tries to attach to, or to start, a daemon that is unwell
constexpr uint32_t kProbeMsMax = 1000; // how long its answer is awaited, if the options do not say less
constexpr uint32_t kTurnWaitMs = 50;   // who opens or closes goes first; the next look comes soon
constexpr uint32_t kDeadLooks = 3;     // so often its process is not found: what it had sent has arrived

sem_t g_work;
const bool g_work_is_made = sem_init(&g_work, 0, 0) == 0; // when the library is loaded: signal handlers post it
std::atomic<pid_t> g_told_by{0}; // the daemon that wants to end, until it was left

/** The current world, and whether its daemon is there. */
struct Look {
    std::shared_ptr<World> world;
    int32_t status = QIPC_OK;
};

/** With the turn, so that the world is not taken apart meanwhile. */
Look look() {
    const TurnGuard turn(kTurnWaitMs);
    Look found;
    found.world = turn.has_turn && !process_is_exiting() ? world_current() : nullptr;
    found.status = found.world != nullptr ? world_check(*found.world) : QIPC_OK;
    return found;
}

/** Disconnects from the daemon that has asked for it. */
void leave() {
    const pid_t told_by = g_told_by.load(std::memory_order_acquire);
    if (told_by == 0) {
        return;
    }
    const TurnGuard turn(kTurnWaitMs);
    if (!turn.has_turn || process_is_exiting()) {
        return;
    }
    const std::shared_ptr<World> world = world_current();
    const bool is_ours = world != nullptr && world->daemon.pid == told_by;
    if (!is_ours || leave_daemon() == QIPC_OK) {
        g_told_by.store(0, std::memory_order_release);
    }
}

/** The number of a process that has gone can become that of another one, whose signals are for the program. */
void forget_sender(pid_t daemon) {
    static pid_t last = 0;
    static uint32_t looks = 0;
    const bool is_gone = daemon != 0 && kill(daemon, 0) != 0 && errno == ESRCH;
    looks = !is_gone ? 0 : daemon == last ? looks + 1 : 1;
    last = daemon;
    if (looks == kDeadLooks) {
        signals_take_no_more_from(daemon);
    }
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

/** Tries to attach; returns after how long to look again. */
uint32_t attach_or_pause(const World& world, uint32_t pause_ms) {
    forget_sender(world.daemon.pid);
    const int32_t status = attach(world);
    // One that is not there costs nothing to be asked for.
    const bool is_easy = status == QIPC_OK || (status == QIPC_E_DAEMON_ABSENT && !world.options.spawn);
    return is_easy ? kLookMs : std::min(2 * pause_ms, kRetryMsMax);
}

void supervise(void*) {
    HangWatch hang;
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
            leave();
            const Look found = look();
            pause_ms = found.status == QIPC_E_DAEMON_GONE ? attach_or_pause(*found.world, pause_ms) : kLookMs;
            if (found.world != nullptr && found.status == QIPC_OK && found.world->options.spawn) {
                hang.look(found.world->daemon);
            }
        } catch (...) {
            pause_ms = kRetryMsMax; // without memory
        }
    }
}

} // namespace

void supervisor_told(pid_t daemon) noexcept {
    g_told_by.store(daemon, std::memory_order_release);
    sem_post(&g_work);
}

void supervisor_start() noexcept {
    static std::once_flag once;
    std::call_once(once, [] { start_background_thread(kThreadName, supervise, nullptr); });
    sem_post(&g_work);
}

} // namespace qipc
