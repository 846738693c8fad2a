// SPDX-License-Identifier: Apache-2.0
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

namespace {

using qipc::call_enter;
using qipc::call_leave;
using qipc::CallGuard;
using unit::end_of;
using unit::in_child;

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr int kRounds = 20;
constexpr uint32_t kBusyNs = 20000;
constexpr uint32_t kThreads = 3;
constexpr size_t kColdBytes = 64u << 20;
constexpr int kColdStores = 56; // about as many as a processor holds back
constexpr int kLooks = 1000;
constexpr uint32_t kThreadsBeyondSlots = 600; // there are slots for 512

/** Memory that a process under test shares with the one that watches it. */
template <typename T>
T* shared() {
    void* const memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    return new (memory) T();
}

void call(Probe* probe, uint64_t busy_ns) {
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

[[noreturn]] void call_for_ever(Probe* probe) {
    for (;;) {
        call(probe, kBusyNs);
    }
}

/** A process that installs, does `before` and `after` around that, and calls from several threads until a signal ends it. */
pid_t calling_process(Probe* probe, const std::function<void()>& before, const std::function<void()>& after) {
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

void nothing() {}

struct sigaction disposition(int number) {
    struct sigaction now {};
    CHECK(sigaction(number, nullptr, &now) == 0);
    return now;
}

bool is(int number, void (*handler)(int, siginfo_t*, void*)) {
    return disposition(number).sa_sigaction == handler;
}

void set(int number, void (*handler)(int, siginfo_t*, void*)) {
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
Seen* g_seen;
struct sigaction g_predecessor;
int g_pipe[2];

void count_signal(int, siginfo_t* info, void* context) {
    g_seen->sender = info->si_pid;
    if (context != nullptr) {
        g_seen->count++;
    }
}

void count_plainly(int) {
    g_seen->count++;
}

/** As a library does that shares signals: whoever was there before is called too. */
void count_and_call_predecessor(int number, siginfo_t* info, void* context) {
    if ((g_predecessor.sa_flags & SA_SIGINFO) != 0) {
        g_predecessor.sa_sigaction(number, info, context);
    }
    g_seen->count++;
}

void write_to_pipe(int number, siginfo_t*, void*) {
    const char byte = static_cast<char>(number);
    [[maybe_unused]] const ssize_t written = write(g_pipe[1], &byte, 1);
}

/** Sends `count` signals, one after the other was seen, and expects that the process lives on and saw no more than these. */
void expect_seen(pid_t child, int number, uint32_t count) {
    for (uint32_t i = 1; i <= count; i++) {
        CHECK(kill(child, number) == 0);
        EVENTUALLY(g_seen->count == i);
    }
}

/** That no further one comes is known after something else that takes the same way: another signal. */
void expect_death(pid_t child, int number, const Probe* probe) {
    CHECK(kill(child, number) == 0);
    CHECK(end_of(child) == -number);
    CHECK(probe->inside == 0 && probe->refused == 0);
}

} // namespace

// ---- the gate -------------------------------------------------------------------------------------------------------

TEST(call_enter_nests) {
    CHECK(call_enter() && call_enter() && call_enter());
    CHECK(!qipc::gate_all_out());
    call_leave();
    call_leave();
    CHECK(!qipc::gate_all_out());
    call_leave();
    CHECK(qipc::gate_all_out());
}

TEST(call_enter_is_refused_when_the_gate_is_closed) {
    CHECK(qipc::gate_close(0));
    CHECK(!call_enter());
    CHECK(!CallGuard().entered);
    CHECK(qipc::gate_all_out());
    qipc::gate_open();
    CHECK(call_enter());
    call_leave();
}

TEST(call_enter_nests_through_a_closed_gate) {
    const CallGuard outer;
    CHECK(qipc::gate_close(0));
    CHECK(CallGuard().entered);
}

TEST(call_enter_waits_while_the_gate_is_paused) {
    std::atomic<bool> is_in{false};
    qipc::gate_pause();
    std::thread other([&] {
        const CallGuard guard;
        is_in = guard.entered;
    });
    CHECK(!qipc::gate_wait_all_out(0) || !is_in);
    qipc::sleep_ns(qipc::ms_to_ns(30));
    CHECK(!is_in);
    qipc::gate_resume();
    other.join();
    CHECK(is_in);
}

TEST(call_enter_that_waits_is_refused_when_the_gate_closes) {
    std::atomic<bool> is_refused{false};
    qipc::gate_pause();
    std::thread other([&] { is_refused = !CallGuard().entered; });
    qipc::sleep_ns(qipc::ms_to_ns(10));
    CHECK(qipc::gate_close(1000));
    other.join();
    CHECK(is_refused);
}

TEST(gate_close_waits_for_threads_that_are_inside) {
    for (const bool with_membarrier : {false, true}) {
        if (with_membarrier) {
            qipc::gate_prepare();
        }
        std::atomic<int> step{0};
        std::thread other([&] {
            const CallGuard guard;
            step = 1;
            while (step != 2) {
            }
            qipc::sleep_ns(qipc::ms_to_ns(20));
            step = 3;
        });
        EVENTUALLY(step == 1);
        const uint64_t before_ns = qipc::now_ns();
        CHECK(!qipc::gate_close(30));
        CHECK(qipc::now_ns() - before_ns >= qipc::ms_to_ns(30));
        step = 2;
        CHECK(qipc::gate_close(20000));
        CHECK(step == 3);
        other.join();
        qipc::gate_open();
    }
}

TEST(gate_never_closes_over_a_thread_that_entered) {
    // Entering and closing race; whoever entered must be seen inside, with both ways to order the two.
    for (const bool with_membarrier : {false, true}) {
        if (with_membarrier) {
            qipc::gate_prepare();
        }
        std::atomic<bool> is_in{false};
        std::atomic<bool> ends{false};
        std::thread other([&] {
            // Stores that miss the caches hold up those of call_enter behind them.
            std::vector<char> cold(kColdBytes);
            size_t at = 0;
            while (!ends.load(std::memory_order_relaxed)) {
                for (int i = 0; i < kColdStores; i++) {
                    at = (at * 5 + 4099 * 64) % kColdBytes;
                    cold[at] = 1;
                }
                if (!call_enter()) {
                    continue;
                }
                // Without any order of its own, which would do the gate's work.
                is_in.store(true, std::memory_order_relaxed);
                for (int i = 0; i < kLooks; i++) {
                    std::atomic_signal_fence(std::memory_order_seq_cst);
                }
                is_in.store(false, std::memory_order_relaxed);
                call_leave();
            }
        });
        for (int round = 0; round < 250000; round++) {
            CHECK(qipc::gate_close(20000));
            for (int look = 0; look < kLooks; look++) {
                CHECK(!is_in.load(std::memory_order_relaxed));
            }
            qipc::gate_open();
            // A little later each time.
            for (int i = 0; i < round % 512; i++) {
                std::atomic_signal_fence(std::memory_order_seq_cst);
            }
        }
        ends = true;
        other.join();
    }
}

TEST(gate_counts_threads_beyond_its_slots) {
    qipc::gate_prepare();
    std::atomic<uint32_t> entered{0};
    std::vector<std::thread> threads;
    std::vector<std::atomic<bool>> leave(kThreadsBeyondSlots);
    const auto join = [&](uint32_t i) {
        leave[i] = true;
        leave[i].notify_all();
        threads[i].join();
    };
    for (uint32_t i = 0; i < kThreadsBeyondSlots; i++) {
        threads.emplace_back([&, i] {
            const CallGuard outer;
            const CallGuard inner;
            entered++;
            leave[i].wait(false);
        });
        EVENTUALLY(entered == i + 1);
    }
    // The last ones came when there was no slot left.
    for (uint32_t i = 0; i < kThreadsBeyondSlots - 2; i++) {
        join(i);
    }
    CHECK(!qipc::gate_close(0));
    join(kThreadsBeyondSlots - 2);
    CHECK(!qipc::gate_close(0));
    join(kThreadsBeyondSlots - 1);
    CHECK(qipc::gate_close(0));
    qipc::gate_open();
    // The slots of threads that have ended are given to others.
    for (uint32_t i = 0; i < 2 * kThreadsBeyondSlots; i++) {
        std::thread([] { CHECK(CallGuard().entered); }).join();
    }
    CHECK(qipc::gate_close(0));
}

// ---- death ----------------------------------------------------------------------------------------------------------

TEST(without_deferring_a_process_dies_inside) {
    // What the other tests would see if nothing were deferred.
    Probe* const probe = shared<Probe>();
    for (int round = 0; round < 200 && probe->inside == 0; round++) {
        const uint32_t before = probe->calls;
        const pid_t child = in_child([&] { call_for_ever(probe); });
        EVENTUALLY(probe->calls > before + 10);
        CHECK(kill(child, SIGTERM) == 0);
        CHECK(end_of(child) == -SIGTERM);
    }
    CHECK(probe->inside == 1);
}

TEST(a_signal_ends_the_process_by_itself_and_outside_of_calls) {
    for (int round = 0; round < kRounds; round++) {
        for (const int number : kSignals) {
            Probe* const probe = shared<Probe>();
            expect_death(calling_process(probe, nothing, nothing), number, probe);
        }
    }
}

TEST(a_signal_ends_the_process_outside_of_calls_without_membarrier) {
    // The fence is in call_enter as long as membarrier is not known to work; the library's own thread is not needed for it.
    Probe* const probe = shared<Probe>();
    std::atomic<bool>* const closed = shared<std::atomic<bool>>();
    const pid_t child = in_child([&] {
        std::thread(call_for_ever, probe).detach();
        EVENTUALLY(probe->calls > 10);
        for (int round = 0; round < 2000; round++) {
            CHECK(qipc::gate_close(20000));
            CHECK(probe->inside == 0);
            qipc::gate_open();
        }
        *closed = true;
    });
    unit::succeeds(child);
    CHECK(*closed);
}

TEST(a_thread_that_stays_inside_defers_the_end_for_the_stated_time) {
    Probe* const probe = shared<Probe>();
    const pid_t child = in_child([&] {
        qipc::signals_install();
        call(probe, 3600 * qipc::kNsPerS);
    });
    EVENTUALLY(probe->inside == 1);
    const uint64_t before_ns = qipc::now_ns();
    CHECK(kill(child, SIGTERM) == 0);
    CHECK(end_of(child) == -SIGTERM);
    CHECK(qipc::now_ns() - before_ns >= qipc::ms_to_ns(QIPC_SIGNAL_DEFER_MS_MAX));
}

TEST(a_signal_ends_an_idle_process) {
    bool* const installed = shared<bool>();
    for (const int number : kSignals) {
        *installed = false;
        const pid_t child = in_child([&] {
            qipc::signals_install();
            *installed = true;
            for (;;) {
                pause();
            }
        });
        EVENTUALLY(*installed);
        CHECK(kill(child, number) == 0);
        CHECK(end_of(child) == -number);
    }
}

TEST(a_signal_that_all_threads_block_waits_until_it_is_unblocked) {
    Seen* const steps = shared<Seen>();
    const pid_t child = in_child([&] {
        sigset_t only;
        sigemptyset(&only);
        sigaddset(&only, SIGTERM);
        CHECK(sigprocmask(SIG_BLOCK, &only, nullptr) == 0);
        qipc::signals_install();
        CHECK(raise(SIGTERM) == 0);
        qipc::sleep_ns(qipc::ms_to_ns(100));
        steps->ready = true;
        CHECK(sigprocmask(SIG_UNBLOCK, &only, nullptr) == 0);
        for (;;) {
            pause();
        }
    });
    CHECK(end_of(child) == -SIGTERM);
    CHECK(steps->ready);
}

TEST(a_child_between_fork_and_exec_ends_by_the_signal) {
    qipc::signals_install();
    for (const int number : kSignals) {
        bool* const forked = shared<bool>();
        const pid_t child = in_child([&] {
            *forked = true;
            for (;;) {
                pause();
            }
        });
        EVENTUALLY(*forked);
        CHECK(kill(child, number) == 0);
        CHECK(end_of(child) == -number);
    }
}

TEST(an_ignored_signal_stays_ignored_also_for_programs_that_are_started) {
    CHECK(std::signal(SIGHUP, SIG_IGN) == SIG_DFL);
    qipc::signals_install();
    CHECK(disposition(SIGHUP).sa_handler == SIG_IGN);
    CHECK(raise(SIGHUP) == 0);
    CHECK(std::system("kill -HUP $$") == 0);
    // When it is no longer ignored it is deferred.
    CHECK(std::signal(SIGHUP, SIG_DFL) == SIG_IGN);
    EVENTUALLY(disposition(SIGHUP).sa_handler != SIG_DFL);
}

// ---- handlers of somebody else's --------------------------------------------------------------------------------------

TEST(a_handler_from_before_gets_each_signal_once_with_its_information) {
    for (const int number : kSignals) {
        Probe* const probe = shared<Probe>();
        g_seen = shared<Seen>();
        const pid_t child = calling_process(probe, [&] { set(number, count_signal); }, nothing);
        expect_seen(child, number, kRounds);
        CHECK(g_seen->sender == getpid());
        const int other = number == SIGTERM ? SIGINT : SIGTERM;
        expect_death(child, other, probe);
        CHECK(g_seen->count == kRounds);
    }
}

TEST(a_handler_from_afterwards_gets_each_signal_once) {
    for (const int number : kSignals) {
        Probe* const probe = shared<Probe>();
        g_seen = shared<Seen>();
        const pid_t child = calling_process(probe, nothing, [&] {
            set(number, count_signal);
            EVENTUALLY(!is(number, count_signal));
        });
        expect_seen(child, number, kRounds);
        expect_death(child, number == SIGTERM ? SIGINT : SIGTERM, probe);
        CHECK(g_seen->count == kRounds);
    }
}

TEST(a_handler_that_calls_ours_as_its_predecessor_gets_each_signal_once) {
    for (const bool noticed : {false, true}) {
        for (const int number : kSignals) {
            Probe* const probe = shared<Probe>();
            g_seen = shared<Seen>();
            const pid_t child = calling_process(probe, nothing, [&] {
                g_predecessor = disposition(number);
                set(number, count_and_call_predecessor);
                if (noticed) {
                    EVENTUALLY(!is(number, count_and_call_predecessor));
                }
            });
            expect_seen(child, number, kRounds);
            expect_death(child, number == SIGTERM ? SIGINT : SIGTERM, probe);
            CHECK(g_seen->count == kRounds);
        }
    }
}

TEST(a_handler_keeps_the_gate_open_under_a_storm_of_signals) {
    Probe* const probe = shared<Probe>();
    g_seen = shared<Seen>();
    const pid_t child = calling_process(probe, [] { set(SIGHUP, count_signal); }, nothing);
    const auto calls_in_a_while = [&](int number) {
        const uint64_t until_ns = qipc::now_ns() + qipc::ms_to_ns(1000);
        const uint32_t calls_before = probe->calls;
        while (qipc::now_ns() < until_ns) {
            CHECK(kill(child, number) == 0);
            qipc::sleep_ns(qipc::ms_to_ns(1));
        }
        return probe->calls - calls_before;
    };
    const uint32_t in_peace = calls_in_a_while(0);
    const uint32_t in_storm = calls_in_a_while(SIGHUP);
    CHECK(in_storm > in_peace / 2);
    expect_death(child, SIGTERM, probe);
}

TEST(a_handler_by_signal_2_is_left_alone_and_its_removal_noticed) {
    for (const bool from_before : {false, true}) {
        for (const int number : kSignals) {
            Probe* const probe = shared<Probe>();
            g_seen = shared<Seen>();
            std::atomic<bool>* const remove = shared<std::atomic<bool>>();
            const auto listen = [&] { std::signal(number, count_plainly); };
            const pid_t child = calling_process(probe, from_before ? std::function<void()>(listen) : nothing, [&] {
                if (!from_before) {
                    listen();
                }
                std::thread([=] {
                    EVENTUALLY(*remove);
                    // As Bun does: what is not its own goes back.
                    const auto found = std::signal(number, SIG_DFL);
                    if (found != count_plainly) {
                        std::signal(number, found);
                    }
                    EVENTUALLY(disposition(number).sa_handler != SIG_DFL);
                    g_seen->ready = true;
                }).detach();
            });
            expect_seen(child, number, kRounds);
            *remove = true;
            EVENTUALLY(g_seen->ready);
            expect_death(child, number, probe);
            CHECK(g_seen->count == kRounds);
        }
    }
}

TEST(our_handler_works_after_it_was_put_back_by_signal_2) {
    for (const bool noticed : {false, true}) {
        Probe* const probe = shared<Probe>();
        const pid_t child = calling_process(probe, nothing, [&] {
            std::signal(SIGTERM, std::signal(SIGTERM, count_plainly));
            if (noticed) {
                EVENTUALLY((disposition(SIGTERM).sa_flags & SA_SIGINFO) != 0);
            }
        });
        expect_death(child, SIGTERM, probe);
    }
}

TEST(a_default_action_that_another_thread_emulates_ends_the_process_outside_of_calls) {
    // As Deno does when no listener is left.
    for (const bool from_before : {false, true}) {
        for (int round = 0; round < kRounds; round++) {
            Probe* const probe = shared<Probe>();
            const auto listen = [] {
                CHECK(pipe(g_pipe) == 0);
                g_predecessor = disposition(SIGTERM);
                set(SIGTERM, write_to_pipe);
                std::thread([] {
                    char byte = 0;
                    CHECK(read(g_pipe[0], &byte, 1) == 1);
                    std::signal(SIGTERM, SIG_DFL);
                    raise(SIGTERM);
                }).detach();
            };
            const pid_t child = from_before ? calling_process(probe, listen, nothing) : calling_process(probe, nothing, [&] {
                listen();
                EVENTUALLY(!is(SIGTERM, write_to_pipe));
            });
            expect_death(child, SIGTERM, probe);
        }
    }
}

TEST(a_handler_for_one_time_runs_one_time) {
    Probe* const probe = shared<Probe>();
    g_seen = shared<Seen>();
    const pid_t child = calling_process(probe, [] {
        struct sigaction action {};
        action.sa_sigaction = count_signal;
        action.sa_flags = static_cast<int>(SA_SIGINFO | SA_RESETHAND);
        CHECK(sigaction(SIGTERM, &action, nullptr) == 0);
    }, nothing);
    expect_seen(child, SIGTERM, 1);
    CHECK(kill(child, SIGTERM) == 0);
    CHECK(end_of(child) == -SIGTERM);
    CHECK(g_seen->count == 1);
}

// ---- installing and uninstalling --------------------------------------------------------------------------------------

TEST(uninstall_gives_back_what_was_under) {
    set(SIGTERM, count_signal);
    for (int round = 0; round < 3; round++) {
        qipc::signals_install();
        CHECK(!is(SIGTERM, count_signal) && disposition(SIGINT).sa_handler != SIG_DFL);
        qipc::signals_uninstall();
        CHECK(is(SIGTERM, count_signal) && disposition(SIGINT).sa_handler == SIG_DFL);
        CHECK((disposition(SIGTERM).sa_flags & SA_RESTART) != 0);
    }
}

TEST(uninstall_leaves_a_handler_on_top_that_calls_ours) {
    g_seen = shared<Seen>();
    qipc::signals_install();
    g_predecessor = disposition(SIGTERM);
    set(SIGTERM, count_and_call_predecessor);
    qipc::signals_uninstall();
    const bool was_on_top = is(SIGTERM, count_and_call_predecessor);
    CHECK(raise(SIGTERM) == 0);
    CHECK(g_seen->count == 1 && was_on_top && is(SIGTERM, count_and_call_predecessor));
}

TEST(a_signal_after_uninstall_ends_the_process) {
    const pid_t child = in_child([] {
        qipc::signals_install();
        qipc::signals_uninstall();
        raise(SIGTERM);
    });
    CHECK(end_of(child) == -SIGTERM);
}

TEST(a_signal_that_is_deferred_while_uninstalling_is_not_lost) {
    for (int round = 0; round < kRounds; round++) {
        Probe* const probe = shared<Probe>();
        const pid_t child = in_child([&] {
            qipc::signals_install();
            const CallGuard guard;
            raise(SIGTERM);
            qipc::signals_uninstall();
            probe->calls++;
            for (;;) {
                pause();
            }
        });
        CHECK(end_of(child) == -SIGTERM);
        CHECK(probe->calls == 1);
    }
}

TEST(the_handler_keeps_errno) {
    g_seen = shared<Seen>();
    set(SIGTERM, [](int, siginfo_t*, void*) {
        errno = EPROTO;
        g_seen->count++;
    });
    qipc::signals_install();
    errno = ENOTTY;
    CHECK(raise(SIGTERM) == 0);
    CHECK(errno == ENOTTY && g_seen->count == 1);
}
