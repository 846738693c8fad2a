// SPDX-License-Identifier: Apache-2.0
//
// Each thread marks in a slot of its own that it is inside, with plain stores; whoever closes the gate looks at all slots.
// That is Dekker's pattern (store mine, look at yours), which needs a full fence on both sides: the closing side executes
// both, one of them in every other thread by membarrier, because entering happens for every block and closing hardly ever.
#include "gate.hpp"

#include "clock.hpp"
#include "fd.hpp"
#include "signals.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace qipc {
namespace {

constexpr size_t kCacheLineBytes = 64;
constexpr uint32_t kSlotCount = 512;          // threads beyond share one slot and pay an atomic addition for it
constexpr uint64_t kOutPollNs = 50 * 1000;    // between two looks whether everybody is out
constexpr uint32_t kPausedWaitMs = 100;       // one turn of waiting before a paused gate;
constexpr uint32_t kPausedWaitTurns = 20;     // after so many turns nobody is believed to resume it

constexpr uint32_t kClosed = 1; // the process is going down: newcomers are turned away
constexpr uint32_t kPause = 2;  // times the signals that are being delivered: newcomers wait

struct alignas(kCacheLineBytes) Slot {
    std::atomic<uint32_t> inside{0}; // how deep its thread is
    std::atomic<pid_t> owner{0};     // its thread; 0 when it has none
};

// All of this is constant-initialized and never destroyed, because it is used until the very end of the process.
constinit Slot g_slots[kSlotCount];
constinit Slot g_shared_slot;
constinit std::atomic<uint32_t> g_slots_used{0};       // slots at and above were never owned
constinit std::atomic<uint32_t> g_gate{0};
constinit std::atomic<bool> g_fence_in_enter{true};    // until membarrier is known to do it from the other side

// Initial-exec: a signal handler reads these, and the lazy model could allocate there.
#define QIPC_TLS __attribute__((tls_model("initial-exec"))) thread_local
constinit QIPC_TLS Slot* t_slot = nullptr;             // null before the first call, and on threads that share a slot
constinit QIPC_TLS bool t_shares_slot = false;
constinit QIPC_TLS uint32_t t_shared_depth = 0;        // this thread's part of g_shared_slot

pthread_key_t g_slot_key;
constinit bool g_slot_key_made = false;
pthread_once_t g_slot_key_once = PTHREAD_ONCE_INIT;

/** Orders this thread's stores before its later loads, and every other thread's store in call_enter before its load there. */
void fence_all_threads() noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!g_fence_in_enter.load(std::memory_order_relaxed)) {
        syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    }
}

void release_slot(void* slot) {
    auto* const mine = static_cast<Slot*>(slot);
    t_slot = nullptr;
    mine->inside.store(0, std::memory_order_release);
    mine->owner.store(0, std::memory_order_release);
}

void make_slot_key() {
    g_slot_key_made = pthread_key_create(&g_slot_key, release_slot) == 0;
}

/** Gives this thread a slot of its own, if there is one left. */
void acquire_slot() noexcept {
    pthread_once(&g_slot_key_once, make_slot_key);
    for (uint32_t i = 0; g_slot_key_made && i < kSlotCount; i++) {
        pid_t nobody = 0;
        if (g_slots[i].owner.load(std::memory_order_relaxed) != 0 ||
            !g_slots[i].owner.compare_exchange_strong(nobody, gettid(), std::memory_order_acq_rel)) {
            continue;
        }
        uint32_t used = g_slots_used.load(std::memory_order_relaxed);
        while (used < i + 1 && !g_slots_used.compare_exchange_weak(used, i + 1, std::memory_order_seq_cst)) {
        }
        if (pthread_setspecific(g_slot_key, &g_slots[i]) == 0) {
            t_slot = &g_slots[i];
            return;
        }
        g_slots[i].owner.store(0, std::memory_order_release);
        break;
    }
    t_shares_slot = true;
}

void shared_enter() noexcept {
    t_shared_depth++;
    g_shared_slot.inside.fetch_add(1, std::memory_order_seq_cst);
}

void shared_leave() noexcept {
    t_shared_depth--;
    g_shared_slot.inside.fetch_sub(1, std::memory_order_release);
}

void step_in() noexcept {
    t_slot != nullptr ? t_slot->inside.store(1, std::memory_order_seq_cst) : shared_enter();
}

void step_out() noexcept {
    t_slot != nullptr ? t_slot->inside.store(0, std::memory_order_release) : shared_leave();
}

/** Whether no thread is inside, this one left out of account if `but_this`. */
bool all_out(bool but_this) noexcept {
    const Slot* const mine = but_this ? t_slot : nullptr;
    const uint32_t used = g_slots_used.load(std::memory_order_seq_cst);
    for (uint32_t i = 0; i < used; i++) {
        if (&g_slots[i] != mine && g_slots[i].inside.load(std::memory_order_acquire) != 0) {
            return false;
        }
    }
    return g_shared_slot.inside.load(std::memory_order_acquire) == (but_this ? t_shared_depth : 0);
}

bool wait_all_out(bool but_this, uint32_t wait_ms) noexcept {
    const uint64_t deadline_ns = now_ns() + ms_to_ns(wait_ms);
    while (!all_out(but_this)) {
        if (now_ns() >= deadline_ns) {
            return false;
        }
        sleep_ns(kOutPollNs);
    }
    return true;
}

bool owns_slot(pid_t thread) noexcept {
    const uint32_t used = g_slots_used.load(std::memory_order_acquire);
    for (uint32_t i = 0; i < used; i++) {
        if (g_slots[i].owner.load(std::memory_order_relaxed) == thread) {
            return true;
        }
    }
    return false;
}

/** The state letter of a thread of this process as /proc has it; '?' when it has gone. */
char state_of(pid_t thread) noexcept {
    char path[64];
    char line[128] = {};
    std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
    const Fd file(open(path, O_RDONLY | O_CLOEXEC));
    const ssize_t length = file ? read(file.get(), line, sizeof line - 1) : 0;
    const char* const name_end = length > 0 ? std::strrchr(line, ')') : nullptr;
    return name_end != nullptr && name_end[1] == ' ' ? name_end[2] : '?';
}

void wake_waiting() noexcept {
    syscall(SYS_futex, &g_gate, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

/** At the most as many as there are. */
void take_back_pauses(uint32_t pauses) noexcept {
    uint32_t state = g_gate.load(std::memory_order_seq_cst);
    while (!g_gate.compare_exchange_weak(state, state - std::min(state / kPause, pauses) * kPause, std::memory_order_seq_cst)) {
    }
    wake_waiting();
}

/** The gate is not open, and this thread has marked itself as inside, not nested. Waits while the gate is paused. */
__attribute__((noinline)) bool enter_waiting() noexcept {
    const int saved_errno = errno;
    bool entered = true;
    uint32_t turns = 0;
    for (uint32_t state = g_gate.load(std::memory_order_seq_cst); state != 0 && turns < kPausedWaitTurns; turns++) {
        step_out();
        if ((state & kClosed) != 0) {
            entered = false;
            break;
        }
        const timespec wait = to_timespec(ms_to_ns(kPausedWaitMs));
        syscall(SYS_futex, &g_gate, FUTEX_WAIT_PRIVATE, state, &wait, nullptr, 0);
        step_in();
        state = g_gate.load(std::memory_order_seq_cst);
    }
    if (turns == kPausedWaitTurns) {
        // A handler that never returns: rather signals that are not deferred than a script that stands still for ever.
        take_back_pauses(UINT32_MAX);
    }
    errno = saved_errno;
    return entered;
}

/** The first call of a thread, and every call of a thread that shares a slot. */
__attribute__((noinline)) bool enter_slotless() noexcept {
    if (!t_shares_slot) {
        acquire_slot();
        if (t_slot != nullptr) {
            return call_enter();
        }
    }
    const bool nested = t_shared_depth != 0;
    shared_enter();
    return nested || g_gate.load(std::memory_order_seq_cst) == 0 || enter_waiting();
}

} // namespace

bool call_enter() noexcept {
    Slot* const slot = t_slot;
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
    Slot* const slot = t_slot;
    if (__builtin_expect(slot == nullptr, 0)) {
        shared_leave();
        return;
    }
    slot->inside.store(slot->inside.load(std::memory_order_relaxed) - 1, std::memory_order_release);
}

bool gate_close(uint32_t wait_ms) {
    g_gate.fetch_or(kClosed, std::memory_order_seq_cst);
    fence_all_threads();
    wake_waiting();
    return wait_all_out(true, wait_ms);
}

void gate_open() {
    g_gate.fetch_and(~kClosed, std::memory_order_seq_cst);
}

void gate_prepare() noexcept {
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0) {
        g_fence_in_enter.store(false, std::memory_order_seq_cst);
    }
}

void gate_pause() noexcept {
    g_gate.fetch_add(kPause, std::memory_order_seq_cst);
    fence_all_threads();
}

void gate_resume(uint32_t pauses) noexcept {
    take_back_pauses(pauses);
}

bool gate_all_out() noexcept {
    return all_out(false);
}

bool gate_wait_all_out(uint32_t wait_ms) noexcept {
    return wait_all_out(false, wait_ms);
}

bool gate_outsider_runs() noexcept {
    DIR* const threads = opendir("/proc/self/task");
    bool runs = false;
    while (const dirent* const entry = threads != nullptr && !runs ? readdir(threads) : nullptr) {
        const pid_t thread = std::atoi(entry->d_name);
        runs = thread != 0 && thread != gettid() && !owns_slot(thread) && state_of(thread) == 'R';
    }
    if (threads != nullptr) {
        closedir(threads);
    }
    return runs;
}

} // namespace qipc
