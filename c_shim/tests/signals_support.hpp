// SPDX-License-Identifier: Apache-2.0
//
// What the tests of signals and of the gate share: processes that call, and handlers of somebody else's.
#pragma once

#include "signals.hpp"

#include "gate.hpp"
#include "signals_probe.hpp"
#include "unit.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using qipc::call_enter;
using qipc::call_leave;
using qipc::CallGuard;
using unit::end_of;
using unit::in_child;

inline constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
inline constexpr int kRounds = 20;
inline constexpr uint32_t kBusyNs = 20000;
inline constexpr uint32_t kThreads = 3;
inline constexpr size_t kColdBytes = 64u << 20;
inline constexpr int kColdStores = 56; // about as many as a processor holds back
inline constexpr int kLooks = 1000;
inline constexpr uint32_t kThreadsBeyondSlots = 600; // there are slots for 512

/** Memory that a process under test shares with the one that watches it. */
template <typename T>
T* shared() {
    void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return new (memory) T();
}

inline void call(Probe* probe, uint64_t busy_ns) {
    const CallGuard guard;
    if (!guard.entered) {
        probe->refused++;
        return;
    }
    probe->inside++;
    const uint64_t until_ns = qipc::now_ns() + busy_ns;
    while (qipc::now_ns() < until_ns) {
    }
    probe->calls++;
    probe->inside--;
}

[[noreturn]] inline void call_for_ever(Probe* probe) {
    for (;;) {
        call(probe, kBusyNs);
    }
}

/** A process that installs, does `before` and `after` around that, and calls from several threads until a signal ends it. */
inline pid_t calling_process(Probe* probe, const std::function<void()>& before, const std::function<void()>& after) {
    const uint32_t calls_before = probe->calls;
    const pid_t child = in_child([&] {
        before();
        qipc::signals_install();
        after();
        for (uint32_t i = 1; i < kThreads; i++) {
            std::thread(call_for_ever, probe).detach();
        }
        call_for_ever(probe);
    });
    EVENTUALLY(probe->calls > calls_before + 10);
    return child;
}

inline void nothing() {}

/** Waits until a signal ends the process. */
[[noreturn]] inline void idle() {
    for (;;) {
        sleep(1);
    }
}

inline struct sigaction disposition(int number) {
    struct sigaction now {};
    CHECK(sigaction(number, nullptr, &now) == 0);
    return now;
}

inline bool is(int number, void (*handler)(int, siginfo_t*, void*)) {
    return disposition(number).sa_sigaction == handler;
}

inline void set(int number, void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    CHECK(sigaction(number, &action, nullptr) == 0);
}

// Handlers of somebody else's, and what they saw.
struct Seen {
    std::atomic<uint32_t> count{0};
    std::atomic<int32_t> sender{0};
    std::atomic<bool> ready{false};
};
inline Seen* g_seen;
inline struct sigaction g_predecessor;
inline int g_pipe[2];

inline void count_signal(int, siginfo_t* info, void* context) {
    g_seen->sender = info->si_pid;
    if (context != nullptr) {
        g_seen->count++;
    }
}

inline void count_plainly(int) {
    g_seen->count++;
}

/** As a library does that shares signals: whoever was there before is called too. */
inline void count_and_call_predecessor(int number, siginfo_t* info, void* context) {
    if ((g_predecessor.sa_flags & SA_SIGINFO) != 0) {
        g_predecessor.sa_sigaction(number, info, context);
    }
    g_seen->count++;
}

inline void write_to_pipe(int number, siginfo_t*, void*) {
    const char byte = static_cast<char>(number);
    [[maybe_unused]] const ssize_t written = write(g_pipe[1], &byte, 1);
}

/** Sends `count` signals, one after the other was seen, and expects that the process lives on and saw no more than these. */
inline void expect_seen(pid_t child, int number, uint32_t count) {
    for (uint32_t i = 1; i <= count; i++) {
        CHECK(kill(child, number) == 0);
        EVENTUALLY(g_seen->count == i);
    }
}

/** That no further one comes is known after something else that takes the same way: another signal. On a machine so busy that a
 * thread inside gets no turn for the whole deferral, the process ends all the same, but not before. */
inline void expect_death(pid_t child, int number, const Probe* probe) {
    const uint64_t before_ns = qipc::now_ns();
    CHECK(kill(child, number) == 0);
    CHECK(end_of(child) == -number);
    const bool was_deferred_long = qipc::now_ns() - before_ns >= qipc::ms_to_ns(QIPC_SIGNAL_DEFER_MS_MAX);
    CHECK((probe->inside == 0 && probe->refused == 0) || was_deferred_long);
}
