// SPDX-License-Identifier: Apache-2.0
//
// Who may enter a call, and who closes the gate.
#include "signals_support.hpp"

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

TEST(call_enter_waits_until_each_pause_was_taken_back) {
    std::atomic<bool> is_in{false};
    qipc::gate_pause();
    qipc::gate_pause();
    qipc::gate_pause();
    std::thread other([&] { is_in = CallGuard().entered; });
    qipc::gate_resume(2);
    qipc::sleep_ns(qipc::ms_to_ns(30));
    CHECK(!is_in);
    qipc::gate_resume();
    other.join();
    CHECK(is_in);
}

TEST(call_enter_does_not_wait_for_ever) {
    // A handler that never returns leaves its pause behind.
    qipc::gate_pause();
    CHECK(CallGuard().entered);
    CHECK(CallGuard().entered);
    qipc::gate_resume();
    CHECK(qipc::gate_close(0));
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
