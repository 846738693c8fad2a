// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM of one process, the daemon, that is not for the program; and handlers of one argument, which ours lies over for its sake.
#include "signals_support.hpp"

namespace {

struct Told {
    std::atomic<uint32_t> count{0};
    std::atomic<pid_t> sender{0};
};
Told* g_told;

void told(pid_t sender) {
    g_told->sender = sender;
    g_told->count++;
}

void set_plain(int number, void (*handler)(int), int flags) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    CHECK(sigaction(number, &action, nullptr) == 0);
}

/** As Bun does in a terminal, for its two signals: puts that in order and dies by the signal. */
void tidy_up_and_die(int number) {
    g_seen->count++;
    raise(number);
}

/** The signal comes from a process that is neither the test nor its subject. */
void send_from_another(pid_t process, int number) {
    unit::succeeds(in_child([=] { CHECK(kill(process, number) == 0); }));
}

const std::function<void()> kListeners[] = {
    nothing,
    [] { set(SIGTERM, count_signal); },
    [] { set_plain(SIGTERM, count_plainly, SA_RESTART); },
};

bool is_on_top(int number, void (*handler)(int)) {
    return disposition(number).sa_handler == handler;
}

/** A process that takes SIGTERM from this one, with a listener from before or afterwards. */
pid_t taking_process(Probe* probe, const std::function<void()>& listen, bool from_before) {
    g_seen = shared<Seen>();
    g_told = shared<Told>();
    const pid_t self = getpid();
    return calling_process(probe, from_before ? listen : nothing, [&, self] {
        qipc::signals_take_from(self, told);
        if (!from_before) {
            listen();
            EVENTUALLY(!is(SIGTERM, count_signal) && !is_on_top(SIGTERM, count_plainly));
        }
    });
}

} // namespace

TEST(sigterm_of_the_one_it_is_taken_from_reaches_nobody) {
    for (const bool from_before : {true, false}) {
        for (const auto& listen : kListeners) {
            Probe* const probe = shared<Probe>();
            const pid_t child = taking_process(probe, listen, from_before);
            for (uint32_t i = 1; i <= kRounds; i++) {
                CHECK(kill(child, SIGTERM) == 0);
                EVENTUALLY(g_told->count == i);
            }
            CHECK(g_seen->count == 0 && g_told->sender == getpid());
            expect_death(child, SIGINT, probe);
            CHECK(g_seen->count == 0);
        }
    }
}

TEST(sigterm_of_others_reaches_the_listener_or_ends_the_process) {
    for (const auto& listen : kListeners) {
        Probe* const probe = shared<Probe>();
        const pid_t child = taking_process(probe, listen, true);
        send_from_another(child, SIGTERM);
        if (&listen == &kListeners[0]) {
            CHECK(end_of(child) == -SIGTERM);
        } else {
            EVENTUALLY(g_seen->count == 1);
            CHECK(kill(child, SIGTERM) == 0);
            EVENTUALLY(g_told->count == 1);
            send_from_another(child, SIGTERM);
            EVENTUALLY(g_seen->count == 2);
            CHECK(kill(child, SIGKILL) == 0 && end_of(child) == -SIGKILL);
        }
        CHECK(g_told->count == (&listen == &kListeners[0] ? 0u : 1u));
    }
}

TEST(other_signals_of_the_one_it_is_taken_from_are_for_the_program) {
    for (const int number : {SIGINT, SIGHUP}) {
        Probe* const probe = shared<Probe>();
        expect_death(taking_process(probe, nothing, true), number, probe);
        CHECK(g_told->count == 0);
    }
}

TEST(sigterm_that_is_not_taken_any_more_ends_the_process) {
    Probe* const probe = shared<Probe>();
    g_told = shared<Told>();
    const pid_t self = getpid();
    const pid_t child = calling_process(probe, nothing, [self] {
        qipc::signals_take_from(self, told);
        qipc::signals_take_no_more_from(self + 1);
        qipc::signals_take_no_more_from(self);
    });
    expect_death(child, SIGTERM, probe);
    CHECK(g_told->count == 0);
}

TEST(a_plain_handler_comes_and_goes_again_and_again) {
    // As Bun's listeners do; more often than there are levels of ours.
    Probe* const probe = shared<Probe>();
    g_seen = shared<Seen>();
    g_told = shared<Told>();
    const pid_t child = calling_process(probe, nothing, [] {
        for (int round = 0; round < 20; round++) {
            set_plain(SIGTERM, count_plainly, SA_RESTART);
            EVENTUALLY(!is_on_top(SIGTERM, count_plainly));
            const uint32_t before = g_seen->count;
            CHECK(raise(SIGTERM) == 0);
            EVENTUALLY(g_seen->count == before + 1);
            std::signal(SIGTERM, std::signal(SIGTERM, SIG_DFL));
            EVENTUALLY((disposition(SIGTERM).sa_flags & SA_SIGINFO) != 0);
        }
    });
    expect_death(child, SIGTERM, probe);
    CHECK(g_seen->count == 20);
}

TEST(a_handler_that_dies_itself_does_so_outside_of_calls) {
    for (const int number : {SIGINT, SIGTERM}) {
        for (int round = 0; round < kRounds; round++) {
            Probe* const probe = shared<Probe>();
            g_seen = shared<Seen>();
            const pid_t child = calling_process(
                probe, [&] { set_plain(number, tidy_up_and_die, static_cast<int>(SA_RESETHAND)); }, nothing);
            expect_death(child, number, probe);
            CHECK(g_seen->count == 1);
        }
    }
}
