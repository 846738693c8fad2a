// SPDX-License-Identifier: Apache-2.0
//
// How a signal travels
//  1. Our handler runs on whatever thread the kernel chose, and pauses the gate.
//     SIGTERM of the daemon is not for the program and goes no further (signals_take_from).
//  2. If under it lies a handler of somebody else's and nobody is inside, that is called at once. Otherwise the signal goes
//     to the keeper, a thread of this file, which waits until nobody is inside, QIPC_SIGNAL_DEFER_MS_MAX at the most.
//  3. The keeper delivers. A handler is called, on the keeper's thread and by the kernel, so that it sees the signal's own
//     information and a real context. The default action is restored and the signal raised again, so that the process ends
//     by that very signal. A handler that is to run once gets its place back first, so that the kernel takes it out.
//     A handler of one argument, as Bun's, is called at once, inside or not: it only takes a note.
//  4. The gate stays paused for a while after a handler ran. Deno's handler only writes to a pipe; when no listener is left,
//     a thread of Deno's then restores the default action and raises the signal, out of reach of this file. That thread is
//     ready to run when the handler returns, and is not one of those that enter: the keeper waits for these to have run.
//
// Every kLookMs the keeper looks whether our handler is still on top (overlay.hpp): Bun replaces it when a listener is added, Deno
// replaces it once, at the first listener for whatever signal, and calls it as its predecessor from then on.
#include "signals.hpp"

#include "clock.hpp"
#include "gate.hpp"
#include "overlay.hpp"
#include "qaultra_ipc/qipc.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace qipc {
namespace {

constexpr uint32_t kLookMs = 50;              // how long a change of the dispositions may stay unnoticed
constexpr uint32_t kLingerMsMin = 10;         // see (4) above
constexpr uint32_t kLingerMsMax = 100;        // threads that always run, garbage collection and the like, are not that one
constexpr uint32_t kLookMsRunning = 2;        // between two looks whether they have run
constexpr uint32_t kRestMs = 100;             // a signal with a handler pauses the gate once in this time, not more often
constexpr size_t kKeeperStackBytes = 256 * 1024;
constexpr char kKeeperName[] = "qipc-keeper"; // at most 15 characters

enum class Deferred : uint32_t { no, writing, ready };

struct Watched {
    std::atomic<Deferred> deferred{Deferred::no};
    std::atomic<uint64_t> rest_until_ns{0};       // a handler ran lately: no pause of the gate for its sake until then
    siginfo_t info{};                             // of the deferred signal; written by who moved `deferred` to writing
};

// All of this is constant-initialized and never destroyed: the keeper may outlive the static destructors.
constinit Watched g_watched[kSignalCount];
constinit std::mutex g_lock; // installing, uninstalling, looking; never taken in a handler
constinit std::atomic<bool> g_installed{false};
constinit bool g_keeper_made = false; // guarded by g_lock
constinit std::atomic<pid_t> g_process{0};
constinit std::atomic<uint32_t> g_pauses{0}; // of the gate, left to the keeper by handlers that are done
sem_t g_keeper_work;
constinit std::atomic<pid_t> g_sender{0};
constinit std::atomic<void (*)(pid_t)> g_told{nullptr};

// Initial-exec: the handler reads these, and the lazy model could allocate there.
#define QIPC_TLS __attribute__((tls_model("initial-exec"))) thread_local
constinit QIPC_TLS uint32_t t_in_handler = 0; // bit per signal: the handler under ours runs on this thread
constinit QIPC_TLS bool t_is_keeper = false;

/** Calls the handler under ours. One that remembers ours as its predecessor calls it in turn: that returns at once. */
void chain(uint32_t index, const Disposition& top, siginfo_t* info, void* context) {
    t_in_handler |= 1u << index;
    if (top.plain != nullptr) {
        top.plain(kSignals[index]);
    } else {
        top.under(kSignals[index], info, context);
    }
    t_in_handler &= ~(1u << index);
    g_watched[index].rest_until_ns.store(now_ns() + ms_to_ns(kRestMs), std::memory_order_relaxed);
}

/** Whether the signal was taken, because it is not for the program. */
bool take(int number, const siginfo_t& info) noexcept {
    const pid_t sender = g_sender.load(std::memory_order_acquire);
    const bool was_sent = info.si_code == SI_USER || info.si_code == SI_TKILL;
    if (number != SIGTERM || sender == 0 || !was_sent || info.si_pid != sender) {
        return false;
    }
    g_told.load(std::memory_order_acquire)(sender);
    return true;
}

/** Hands the signal to the keeper. A second one of the same number before that has delivered the first is one with it, as
 * the kernel has it too. */
void defer(Watched* signal, const siginfo_t& info) noexcept {
    Deferred expected = Deferred::no;
    if (signal->deferred.compare_exchange_strong(expected, Deferred::writing, std::memory_order_acq_rel)) {
        signal->info = info;
        signal->deferred.store(Deferred::ready, std::memory_order_release);
    }
}

} // namespace

/** Async-signal-safe, like all that it calls. */
void handle_signal(uint32_t index, int level, siginfo_t* info, void* context) noexcept {
    const int number = kSignals[index];
    Watched& signal = g_watched[index];
    if ((t_in_handler & (1u << index)) != 0) {
        return; // The handler under ours calls ours.
    }
    const Disposition top = overlay_look(index);
    if (top.level != level && !top.is_default) {
        return; // Somebody laid a handler over this one and calls it as its predecessor: the signal is taken care of.
    }
    if (getpid() != g_process.load(std::memory_order_relaxed)) {
        // A child between fork and exec: it has no keeper, and no part in what its parent's handlers are for.
        overlay_make_default(index);
        raise(number);
        return;
    }
    siginfo_t unknown{};
    unknown.si_signo = number;
    if (!top.takes_info) {
        info = &unknown; // what was passed may be anything
    }
    if (take(number, *info)) {
        return;
    }
    const bool is_callable = !top.runs_once && (top.under != nullptr || top.plain != nullptr);
    const bool rests = t_is_keeper || now_ns() < signal.rest_until_ns.load(std::memory_order_relaxed);
    if (is_callable && (rests || top.plain != nullptr)) {
        chain(index, top, info, context);
        return;
    }
    gate_pause();
    if (is_callable && gate_all_out()) {
        chain(index, top, info, context);
    } else {
        defer(&signal, *info);
    }
    // The keeper takes the pause back; not before, however long this thread was kept from running.
    g_pauses.fetch_add(1, std::memory_order_release);
    sem_post(&g_keeper_work);
}

namespace {

void deliver_here(int number) noexcept {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    pthread_sigmask(SIG_BLOCK, &only, nullptr);
}

/** Ends the process by this signal. Returns only when it does not end by it: a handler appeared, which then was called, or
 * this is the first process of its namespace. */
void die_by(uint32_t index) noexcept {
    overlay_make_default(index);
    kill(getpid(), kSignals[index]);
    deliver_here(kSignals[index]);
}

/** Has the kernel call the handler on this thread, with the information that the signal came with. */
void redeliver(int number, siginfo_t info) noexcept {
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, &info) != 0) {
        tgkill(getpid(), gettid(), number);
    }
    deliver_here(number);
}

void deliver_deferred() noexcept {
    for (uint32_t i = 0; i < kSignalCount; i++) {
        Watched& signal = g_watched[i];
        if (signal.deferred.load(std::memory_order_acquire) != Deferred::ready) {
            continue;
        }
        const siginfo_t info = signal.info;
        signal.deferred.store(Deferred::no, std::memory_order_release);
        gate_wait_all_out(QIPC_SIGNAL_DEFER_MS_MAX);
        const Disposition top = overlay_look(i);
        if (top.is_default || (top.level >= 0 && top.under == nullptr && top.plain == nullptr)) {
            die_by(i);
            continue;
        }
        if (top.runs_once) {
            const std::lock_guard<std::mutex> held(g_lock);
            overlay_unhook(i);
        }
        redeliver(kSignals[i], info);
    }
}

void wait_for_work(uint64_t until_ns) noexcept {
    const timespec until = to_timespec(until_ns);
    sem_clockwait(&g_keeper_work, CLOCK_MONOTONIC, &until);
}

/** With the gate paused, waits for who ends the process after a handler ran, or not. */
void linger() noexcept {
    const uint64_t start_ns = now_ns();
    uint64_t until_ns = start_ns + ms_to_ns(kLingerMsMin);
    while (now_ns() < until_ns) {
        wait_for_work(until_ns);
        deliver_deferred();
        if (now_ns() >= until_ns && until_ns < start_ns + ms_to_ns(kLingerMsMax) && gate_outsider_runs()) {
            until_ns = now_ns() + ms_to_ns(kLookMsRunning);
        }
    }
}

void* keep(void*) {
    t_is_keeper = true;
    pthread_setname_np(pthread_self(), kKeeperName);
    for (;;) {
        if (g_installed.load(std::memory_order_acquire)) {
            wait_for_work(now_ns() + ms_to_ns(kLookMs));
        } else {
            sem_wait(&g_keeper_work);
        }
        const uint32_t pauses = g_pauses.exchange(0, std::memory_order_acquire);
        deliver_deferred();
        if (pauses > 0) {
            linger();
            gate_resume(pauses);
        }
        const std::lock_guard<std::mutex> held(g_lock);
        for (uint32_t i = 0; g_installed.load(std::memory_order_relaxed) && i < kSignalCount; i++) {
            overlay_hook(i);
        }
    }
    return nullptr;
}

bool make_keeper() noexcept {
    pthread_attr_t attributes;
    if (sem_init(&g_keeper_work, 0, 0) != 0 || pthread_attr_init(&attributes) != 0) {
        return false;
    }
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_attr_setstacksize(&attributes, kKeeperStackBytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t keeper;
    const bool made = pthread_create(&keeper, &attributes, keep, nullptr) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    return made;
}

} // namespace

void signals_install() {
    const std::lock_guard<std::mutex> held(g_lock);
    gate_prepare();
    g_process.store(getpid(), std::memory_order_relaxed);
    if (!g_keeper_made) {
        g_keeper_made = make_keeper();
    }
    if (!g_keeper_made) {
        return; // Nobody could deliver what our handler defers: leave the signals as they are.
    }
    g_installed.store(true, std::memory_order_release);
    for (uint32_t i = 0; i < kSignalCount; i++) {
        overlay_hook(i);
    }
    sem_post(&g_keeper_work);
}

void signals_take_from(pid_t sender, void (*told)(pid_t)) noexcept {
    g_told.store(told, std::memory_order_release);
    g_sender.store(sender, std::memory_order_release);
}

void signals_take_no_more_from(pid_t sender) noexcept {
    g_sender.compare_exchange_strong(sender, 0, std::memory_order_acq_rel);
}

void signals_uninstall() {
    const std::lock_guard<std::mutex> held(g_lock);
    g_installed.store(false, std::memory_order_release);
    g_sender.store(0, std::memory_order_release);
    for (uint32_t i = 0; i < kSignalCount; i++) {
        overlay_unhook(i);
    }
}

} // namespace qipc
