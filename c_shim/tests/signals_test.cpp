// SPDX-License-Identifier: Apache-2.0
//
// Signals that would end the process, and what installing and uninstalling leaves.
#include "signals_support.hpp"

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
            idle();
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
        idle();
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
            idle();
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
            idle();
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
