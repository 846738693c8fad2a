// SPDX-License-Identifier: Apache-2.0
//
// Handlers of somebody else beside ours.
#include "signals_support.hpp"

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
            // Unnoticed at first, these are sent while ours is laid over theirs.
            const uint32_t count = noticed ? kRounds : 50 * kRounds;
            expect_seen(child, number, count);
            expect_death(child, number == SIGTERM ? SIGINT : SIGTERM, probe);
            CHECK(g_seen->count == count);
        }
    }
}

TEST(a_handler_that_gives_way_to_its_predecessor_is_called_no_more) {
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
                CHECK(sigaction(number, &g_predecessor, nullptr) == 0);
            });
            expect_death(child, number, probe);
            CHECK(g_seen->count == 0);
        }
    }
}

TEST(a_handler_keeps_the_gate_open_under_a_storm_of_signals) {
    Probe* const probe = shared<Probe>();
    g_seen = shared<Seen>();
    const pid_t child = calling_process(probe, [] { set(SIGHUP, count_signal); }, nothing);
    const auto calls_in_a_while = [&](int number) {
        const uint64_t until_ns = qipc::now_ns() + qipc::ms_to_ns(200);
        const uint32_t calls_before = probe->calls;
        while (qipc::now_ns() < until_ns) {
            CHECK(kill(child, number) == 0);
            qipc::sleep_ns(qipc::ms_to_ns(1));
        }
        return probe->calls - calls_before;
    };
    uint32_t in_peace = 0;
    uint32_t in_storm = 0;
    for (int round = 0; round < 6; round++) { // in turn, so that what else runs on the machine slows both down
        in_peace += calls_in_a_while(0);
        in_storm += calls_in_a_while(SIGHUP);
    }
    // A gate that each signal pauses leaves a third, measured on an idle machine; one that rests, almost all.
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
