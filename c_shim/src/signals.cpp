// SPDX-License-Identifier: Apache-2.0
//
// How a signal travels
//  1. The handler runs on whatever thread the kernel chose. It closes the gate to newcomers (kGatePaused).
//  2. Under it lies a real handler and nobody is inside: it is called at once. Otherwise the signal goes to the keeper, a
//     thread of this file, which waits until nobody is inside, QIPC_SIGNAL_DEFER_MS_MAX at the most.
//  3. The keeper then delivers: a real handler is called, on the keeper's thread and by the kernel, so that it sees the
//     signal's own information and a real context; the default action is restored and the signal raised again, so that the
//     process ends by that very signal.
//  4. The gate stays closed for kGateLingerMs after a real handler ran. Deno's handler only writes to a pipe, and when no
//     listener is left its own thread restores the default action and raises the signal again, out of reach of this file:
//     that happens within this time.
// Every kLookIntervalMs the keeper looks whether its handler still is on top (Bun replaces it when a listener is added and
// again when the last one is removed; Deno's replaces it once, and calls it afterwards) and puts it back.
#include "signals.hpp"

#include "clock.hpp"
#include "qaultra_ipc/qipc.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <mutex>
#include <pthread.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace qipc {
namespace {

constexpr size_t kCacheLineBytes = 64;
constexpr uint32_t kSlotCount = 512;           // threads beyond share one slot and pay an atomic addition for it
constexpr uint32_t kLookIntervalMs = 50;      // how long another handler may stay on top unnoticed
constexpr uint32_t kOutPollNs = 50000;        // between two looks whether everybody is out
constexpr uint32_t kGateLingerMs = 20;        // see (4) above
constexpr uint32_t kGateRestMs = 100;         // a signal with a handler closes the gate once in this time, not more often
constexpr uint32_t kGateWaitMs = 100;         // one turn of waiting before a paused gate,
constexpr uint32_t kGateWaitTurns = 20;       // after so many turns the keeper is not believed to come back
constexpr size_t kKeeperStackBytes = 256 * 1024;
constexpr char kKeeperName[] = "qipc-keeper"; // at most 15 characters

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr uint32_t kSignalCount = sizeof kSignals / sizeof kSignals[0];

// ---- the gate ---------------------------------------------------------------------------------------------------------

constexpr uint32_t kGatePaused = 1; // a signal is being delivered: newcomers wait
constexpr uint32_t kGateClosed = 2; // the process is going down: newcomers are turned away

struct alignas(kCacheLineBytes) Slot {
    std::atomic<uint32_t> inside{0};
    std::atomic<uint32_t> owned{0};
};

// All state of this file is constant-initialized and never destroyed: the keeper may outlive the static destructors.
constinit Slot g_slots[kSlotCount];
constinit Slot g_shared_slot;
constinit std::atomic<uint32_t> g_slots_used{0}; // slots at and above were never owned
constinit std::atomic<uint32_t> g_gate{0};
constinit std::atomic<bool> g_fence_in_enter{true}; // until membarrier is known to do the fence from the other side

// Initial-exec: the handler reads these, and the lazy model could allocate there.
#define QIPC_TLS __attribute__((tls_model("initial-exec"))) thread_local
constinit QIPC_TLS Slot* t_own_slot = nullptr;   // null before the first call, and on threads that share a slot
constinit QIPC_TLS bool t_shares_slot = false;
constinit QIPC_TLS uint32_t t_shared_inside = 0; // this thread's part of g_shared_slot
constinit QIPC_TLS uint32_t t_in_handler = 0;    // bit per signal: the handler underneath runs on this thread
constinit QIPC_TLS bool t_is_keeper = false;

pthread_key_t g_slot_key;
constinit std::atomic<bool> g_slot_key_made{false};
pthread_once_t g_slot_key_once = PTHREAD_ONCE_INIT;

long membarrier(int command) noexcept {
    return syscall(SYS_membarrier, command, 0, 0);
}

/// Orders this thread's stores before its later loads, and every other thread's store in call_enter before its load there.
void fence_all_threads() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!g_fence_in_enter.load(std::memory_order_relaxed)) {
        membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
    }
}

void release_slot(void* slot) {
    auto* mine = static_cast<Slot*>(slot);
    t_own_slot = nullptr;
    mine->inside.store(0, std::memory_order_release);
    mine->owned.store(0, std::memory_order_release);
}

void make_slot_key() {
    g_slot_key_made.store(pthread_key_create(&g_slot_key, release_slot) == 0, std::memory_order_release);
}

/// Gives this thread a slot of its own, if there is one left.
void acquire_slot() noexcept {
    pthread_once(&g_slot_key_once, make_slot_key);
    if (g_slot_key_made.load(std::memory_order_acquire)) {
        for (uint32_t i = 0; i < kSlotCount; i++) {
            uint32_t unowned = 0;
            if (g_slots[i].owned.load(std::memory_order_relaxed) != 0 ||
                !g_slots[i].owned.compare_exchange_strong(unowned, 1, std::memory_order_acq_rel)) {
                continue;
            }
            uint32_t used = g_slots_used.load(std::memory_order_relaxed);
            while (used < i + 1 && !g_slots_used.compare_exchange_weak(used, i + 1, std::memory_order_seq_cst)) {
            }
            if (pthread_setspecific(g_slot_key, &g_slots[i]) != 0) {
                g_slots[i].owned.store(0, std::memory_order_release);
                break;
            }
            t_own_slot = &g_slots[i];
            return;
        }
    }
    t_shares_slot = true;
}

void shared_enter() noexcept {
    t_shared_inside++;
    g_shared_slot.inside.fetch_add(1, std::memory_order_seq_cst);
}

void shared_leave() noexcept {
    t_shared_inside--;
    g_shared_slot.inside.fetch_sub(1, std::memory_order_release);
}

void step_in() noexcept {
    t_own_slot != nullptr ? t_own_slot->inside.store(1, std::memory_order_seq_cst) : shared_enter();
}

void step_out() noexcept {
    t_own_slot != nullptr ? t_own_slot->inside.store(0, std::memory_order_release) : shared_leave();
}

/// Whether no thread but this one is inside; with `and_self`, this one neither. To be called behind fence_all_threads.
bool all_out(bool and_self) noexcept {
    const Slot* mine = and_self ? nullptr : t_own_slot;
    const uint32_t used = g_slots_used.load(std::memory_order_seq_cst);
    for (uint32_t i = 0; i < used; i++) {
        if (&g_slots[i] != mine && g_slots[i].inside.load(std::memory_order_acquire) != 0) {
            return false;
        }
    }
    return g_shared_slot.inside.load(std::memory_order_acquire) == (and_self ? 0 : t_shared_inside);
}

bool wait_all_out(bool and_self, uint32_t wait_ms) noexcept {
    const uint64_t deadline = now_ns() + ms_to_ns(wait_ms);
    while (!all_out(and_self)) {
        if (now_ns() >= deadline) {
            return false;
        }
        sleep_ns(kOutPollNs);
    }
    return true;
}

void gate_set(uint32_t bit) noexcept {
    g_gate.fetch_or(bit, std::memory_order_seq_cst);
    fence_all_threads();
}

void gate_wake() noexcept {
    syscall(SYS_futex, &g_gate, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

void gate_clear(uint32_t bit) noexcept {
    g_gate.fetch_and(~bit, std::memory_order_seq_cst);
    gate_wake();
}

/// The gate is not open, and this thread has marked itself as inside, not nested. Waits while the gate is paused.
__attribute__((noinline)) bool enter_waiting() noexcept {
    const int saved_errno = errno;
    bool entered = true;
    for (uint32_t turn = 0; turn < kGateWaitTurns; turn++) {
        const uint32_t state = g_gate.load(std::memory_order_seq_cst);
        if (state == 0) {
            break;
        }
        step_out();
        if ((state & kGateClosed) != 0) {
            entered = false;
            break;
        }
        const timespec wait = to_timespec(ms_to_ns(kGateWaitMs));
        syscall(SYS_futex, &g_gate, FUTEX_WAIT_PRIVATE, state, &wait, nullptr, 0);
        step_in();
    }
    // After the last turn: rather a signal that is not deferred than a script that stands still for ever.
    errno = saved_errno;
    return entered;
}

/// The first call of a thread, and every call of a thread that shares a slot.
__attribute__((noinline)) bool enter_slotless() noexcept {
    if (!t_shares_slot) {
        acquire_slot();
        if (t_own_slot != nullptr) {
            return call_enter();
        }
    }
    const bool nested = t_shared_inside != 0;
    shared_enter();
    return nested || g_gate.load(std::memory_order_seq_cst) == 0 || enter_waiting();
}

} // namespace

bool call_enter() noexcept {
    Slot* const slot = t_own_slot;
    if (__builtin_expect(slot == nullptr, 0)) {
        return enter_slotless();
    }
    const uint32_t depth = slot->inside.load(std::memory_order_relaxed);
    slot->inside.store(depth + 1, std::memory_order_relaxed);
    if (__builtin_expect(g_fence_in_enter.load(std::memory_order_relaxed), 0)) {
        std::atomic_thread_fence(std::memory_order_seq_cst);
    } else {
        // Whoever closes the gate runs membarrier between that and looking at the slots: the processor may exchange the
        // store above and the load below, the compiler must not.
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    if (__builtin_expect(g_gate.load(std::memory_order_acquire) == 0, 1)) {
        return true;
    }
    return depth != 0 || enter_waiting();
}

void call_leave() noexcept {
    Slot* const slot = t_own_slot;
    if (__builtin_expect(slot == nullptr, 0)) {
        shared_leave();
        return;
    }
    slot->inside.store(slot->inside.load(std::memory_order_relaxed) - 1, std::memory_order_release);
}

bool gate_close(uint32_t wait_ms) {
    gate_set(kGateClosed);
    gate_wake();
    return wait_all_out(false, wait_ms);
}

void gate_open() {
    gate_clear(kGateClosed);
}

// ---- the signals ------------------------------------------------------------------------------------------------------

namespace {

/// What lies under our handler, in one word so that the handler reads it whole: the address of the function, or SIG_DFL, or
/// SIG_IGN, and in the top bits, which no user-space address has, how to call it.
using Under = uint64_t;
constexpr Under kUnderTakesInfo = Under{1} << 63;
constexpr Under kUnderIsOnce = Under{1} << 62; // SA_RESETHAND
constexpr Under kUnderAddress = kUnderIsOnce - 1;
const Under kUnderDefault = reinterpret_cast<uintptr_t>(SIG_DFL);
const Under kUnderIgnore = reinterpret_cast<uintptr_t>(SIG_IGN);

struct Watched {
    std::atomic<Under> under{0};
    std::atomic<bool> hooked{false};        // our handler was installed and `under` is what it replaced
    std::atomic<uint32_t> deferred{0};      // DEFERRED_...
    std::atomic<uint64_t> rest_until_ns{0}; // a handler ran lately: no pause of the gate for its sake until then
    siginfo_t info{};                       // of the deferred signal
    struct sigaction replaced{};            // in full, for uninstalling; guarded by `g_lock`
};
constexpr uint32_t kDeferredNone = 0;
constexpr uint32_t kDeferredWriting = 1; // a handler copies `info`
constexpr uint32_t kDeferredReady = 2;   // the keeper may read it

constinit Watched g_watched[kSignalCount];
constinit std::mutex g_lock;                 // installing, uninstalling, looking; never taken in a handler
constinit std::atomic<bool> g_installed{false};
constinit bool g_keeper_made = false;        // guarded by `g_lock`
constinit std::atomic<pid_t> g_own_pid{0};
sem_t g_keeper_work;

void on_signal(int number, siginfo_t* info, void* context);

bool is_ours(const struct sigaction& action) noexcept {
    return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == on_signal;
}

Under under_of(const struct sigaction& action) noexcept {
    Under under = 0;
    if ((action.sa_flags & SA_SIGINFO) != 0) {
        under = static_cast<Under>(reinterpret_cast<uintptr_t>(action.sa_sigaction)) | kUnderTakesInfo;
    } else {
        under = static_cast<Under>(reinterpret_cast<uintptr_t>(action.sa_handler));
    }
    return (action.sa_flags & SA_RESETHAND) != 0 ? under | kUnderIsOnce : under;
}

bool is_handler(Under under) noexcept {
    return (under & kUnderAddress) != kUnderDefault && (under & kUnderAddress) != kUnderIgnore;
}

void set_default(int number) noexcept {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, nullptr);
}

uint32_t index_of(int number) noexcept {
    for (uint32_t i = 0; i < kSignalCount; i++) {
        if (kSignals[i] == number) {
            return i;
        }
    }
    return kSignalCount;
}

/// Calls the handler underneath. Should it call ours in turn, as one does that remembers its predecessor, that returns.
void chain(uint32_t index, Under under, siginfo_t* info, void* context) {
    Watched& signal = g_watched[index];
    if ((under & kUnderIsOnce) != 0) {
        signal.under.store(kUnderDefault, std::memory_order_relaxed);
    }
    t_in_handler |= 1u << index;
    const auto address = static_cast<uintptr_t>(under & kUnderAddress);
    if ((under & kUnderTakesInfo) != 0) {
        reinterpret_cast<void (*)(int, siginfo_t*, void*)>(address)(kSignals[index], info, context);
    } else {
        reinterpret_cast<void (*)(int)>(address)(kSignals[index]);
    }
    t_in_handler &= ~(1u << index);
    signal.rest_until_ns.store(now_ns() + ms_to_ns(kGateRestMs), std::memory_order_relaxed);
}

/// Async-signal-safe, like all that it calls.
void on_signal(int number, siginfo_t* info, void* context) {
    const int saved_errno = errno;
    const uint32_t index = index_of(number);
    if (index == kSignalCount || (t_in_handler & (1u << index)) != 0) {
        return;
    }
    Watched& signal = g_watched[index];
    if (getpid() != g_own_pid.load(std::memory_order_relaxed)) {
        // A child between fork and exec: it has no keeper, and no part in what its parent's handlers are for.
        set_default(number);
        raise(number);
        errno = saved_errno;
        return;
    }
    struct sigaction top {};
    sigaction(number, nullptr, &top);
    const bool on_top = is_ours(top);
    const Under under = on_top ? signal.under.load(std::memory_order_acquire) : under_of(top);
    if ((!on_top && is_handler(under)) || (under & kUnderAddress) == kUnderIgnore) {
        // In the first case somebody installed a handler of theirs over ours, which calls ours as its predecessor: the signal
        // is theirs.
        errno = saved_errno;
        return;
    }
    if (is_handler(under) && (t_is_keeper || now_ns() < signal.rest_until_ns.load(std::memory_order_relaxed))) {
        chain(index, under, info, context);
        errno = saved_errno;
        return;
    }
    gate_set(kGatePaused);
    if (is_handler(under) && all_out(true)) {
        chain(index, under, info, context);
    } else {
        // A second signal of this number before the first was delivered is one signal, as the kernel has it.
        uint32_t none = kDeferredNone;
        if (signal.deferred.compare_exchange_strong(none, kDeferredWriting, std::memory_order_acq_rel)) {
            signal.info = *info;
            signal.deferred.store(kDeferredReady, std::memory_order_release);
        }
    }
    sem_post(&g_keeper_work);
    errno = saved_errno;
}

/// Puts our handler on top, unless the signal is ignored: a program that is started inherits that, and a handler not.
/// With `g_lock` held.
void hook(uint32_t index) noexcept {
    Watched& signal = g_watched[index];
    struct sigaction top {};
    if (sigaction(kSignals[index], nullptr, &top) != 0 || is_ours(top) || (top.sa_handler == SIG_IGN)) {
        return;
    }
    struct sigaction ours {};
    ours.sa_sigaction = on_signal;
    ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    ours.sa_mask = top.sa_mask;
    // First what is under, then the handler that reads it. When somebody installed another one in between, that one is under.
    for (;;) {
        signal.under.store(under_of(top), std::memory_order_release);
        struct sigaction replaced {};
        if (sigaction(kSignals[index], &ours, &replaced) != 0) {
            return;
        }
        signal.replaced = replaced;
        if (is_ours(replaced) || under_of(replaced) == under_of(top)) {
            break;
        }
        top = replaced;
    }
    signal.hooked.store(true, std::memory_order_release);
}

/// Ends the process by this signal, or returns when it does not end by it (a handler appeared, or it is the first process of
/// its namespace).
void die_by(uint32_t index) noexcept {
    const int number = kSignals[index];
    struct sigaction action {};
    struct sigaction replaced {};
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, &replaced);
    if (!is_ours(replaced) && under_of(replaced) != kUnderDefault) {
        sigaction(number, &replaced, nullptr);
    }
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    kill(getpid(), number);
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    pthread_sigmask(SIG_BLOCK, &only, nullptr);
}

/// Has the kernel call the handler on this thread, with the information that the signal came with.
void redeliver(uint32_t index, siginfo_t info) noexcept {
    const int number = kSignals[index];
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), number, &info) != 0) {
        tgkill(getpid(), gettid(), number);
    }
    pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    pthread_sigmask(SIG_BLOCK, &only, nullptr);
}

void deliver_deferred() noexcept {
    for (uint32_t i = 0; i < kSignalCount; i++) {
        Watched& signal = g_watched[i];
        if (signal.deferred.load(std::memory_order_acquire) != kDeferredReady) {
            continue;
        }
        const siginfo_t info = signal.info;
        signal.deferred.store(kDeferredNone, std::memory_order_release);
        fence_all_threads();
        wait_all_out(true, QIPC_SIGNAL_DEFER_MS_MAX);
        if (is_handler(signal.under.load(std::memory_order_acquire))) {
            redeliver(i, info);
        } else {
            die_by(i);
        }
    }
}

void wait_for_work(uint32_t ms) noexcept {
    const timespec until = to_timespec(now_ns() + ms_to_ns(ms));
    sem_clockwait(&g_keeper_work, CLOCK_MONOTONIC, &until);
}

void look() noexcept {
    const std::lock_guard<std::mutex> held(g_lock);
    if (g_installed.load(std::memory_order_relaxed)) {
        for (uint32_t i = 0; i < kSignalCount; i++) {
            hook(i);
        }
    }
}

void* keep(void*) {
    t_is_keeper = true;
    pthread_setname_np(pthread_self(), kKeeperName);
    for (;;) {
        if (g_installed.load(std::memory_order_acquire)) {
            wait_for_work(kLookIntervalMs);
        } else {
            sem_wait(&g_keeper_work);
        }
        deliver_deferred();
        if ((g_gate.load(std::memory_order_acquire) & kGatePaused) != 0) {
            const uint64_t until = now_ns() + ms_to_ns(kGateLingerMs);
            for (uint64_t now = now_ns(); now < until; now = now_ns()) {
                wait_for_work(static_cast<uint32_t>((until - now) / kNsPerMs) + 1);
                deliver_deferred();
            }
            gate_clear(kGatePaused);
        }
        look();
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
    if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0) {
        g_fence_in_enter.store(false, std::memory_order_seq_cst);
    }
    g_own_pid.store(getpid(), std::memory_order_relaxed);
    if (!g_keeper_made) {
        g_keeper_made = make_keeper();
    }
    if (!g_keeper_made) {
        return; // Nobody could deliver what a handler defers: leave the signals as they are.
    }
    g_installed.store(true, std::memory_order_release);
    for (uint32_t i = 0; i < kSignalCount; i++) {
        hook(i);
    }
    sem_post(&g_keeper_work);
}

void signals_uninstall() {
    const std::lock_guard<std::mutex> held(g_lock);
    g_installed.store(false, std::memory_order_release);
    for (uint32_t i = 0; i < kSignalCount; i++) {
        Watched& signal = g_watched[i];
        struct sigaction top {};
        if (signal.hooked.load(std::memory_order_acquire) && sigaction(kSignals[i], nullptr, &top) == 0 && is_ours(top)) {
            sigaction(kSignals[i], &signal.replaced, nullptr);
        }
        signal.hooked.store(false, std::memory_order_release);
    }
}

} // namespace qipc
