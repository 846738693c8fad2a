/* SPDX-License-Identifier: Apache-2.0
 *
 * Loan, publish, take, release: what arrives, and what misuse of slots says.
 */
#include "test.h"

#include <time.h>
#include <unistd.h>

#define BYTES(text) (const uint8_t*)(text), (uint32_t)(sizeof(text) - 1)

CASE(blocks_arrive_in_order_and_whole) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    for (uint32_t i = 0; i < 5000; ++i) {
        EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
        const uint32_t slot = WORD(0);
        const uint32_t offset = WORD(2);
        CHECK(offset % 64 == 0);
        EXPECT_OK(qipc_window_map(runtime, WORD(1), RESULT));
        uint64_t window[2];
        memcpy(window, RESULT, sizeof window);
        CHECK(WORD(4) == 1 && offset + 8192 <= window[1]);
        memset((uint8_t*)(uintptr_t)window[0] + offset, (int)i, 8192);
        EXPECT_OK(qipc_publisher_publish(publisher, slot, 0));
        EXPECT(1, qipc_subscriber_has_data(subscriber));
        EXPECT(1, qipc_subscriber_take(subscriber, 8, RESULT));
        EXPECT(0, qipc_subscriber_has_data(subscriber));
        const uint32_t held = WORD(0);
        const uint32_t at = WORD(2);
        CHECK(WORD(3) == 8192);
        EXPECT_OK(qipc_window_map(runtime, WORD(1), RESULT));
        memcpy(window, RESULT, sizeof window);
        CHECK(WORD(4) == 0);
        const uint8_t* block = (const uint8_t*)(uintptr_t)window[0] + at;
        for (uint32_t k = 0; k < 8192; ++k) {
            CHECK(block[k] == (uint8_t)i);
        }
        EXPECT_OK(qipc_subscriber_release(subscriber, held));
    }
    EXPECT(0, qipc_subscriber_take(subscriber, 8, RESULT));
}

CASE(a_full_queue_drops_the_oldest) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    EXPECT_OK(try_subscriber(runtime, "s", 3, 0, 0));
    const uint32_t subscriber = WORD(0);
    for (uint32_t i = 0; i < 10; ++i) {
        publish_word(runtime, publisher, i);
    }
    EXPECT(3, qipc_subscriber_take(subscriber, 10, RESULT));
    for (uint32_t i = 0; i < 3; ++i) {
        CHECK(taken_word(runtime, i) == 7 + i);
    }
}

CASE(history_reaches_a_late_subscriber) {
    const uint32_t runtime = open_runtime("");
    EXPECT_OK(try_publisher(runtime, "s", 4, 0));
    const uint32_t publisher = WORD(0);
    for (uint32_t i = 0; i < 10; ++i) {
        publish_word(runtime, publisher, i);
    }
    EXPECT_OK(try_subscriber(runtime, "s", 256, 2, 0));
    const uint32_t two = WORD(0);
    EXPECT(2, qipc_subscriber_take(two, 10, RESULT));
    CHECK(taken_word(runtime, 0) == 8 && taken_word(runtime, 1) == 9);
    EXPECT_OK(try_subscriber(runtime, "s", 256, 16, 0));
    EXPECT(4, qipc_subscriber_take(WORD(0), 10, RESULT));
    CHECK(taken_word(runtime, 0) == 6);
}

CASE(the_origin_tells_publishers_apart) {
    const uint32_t runtime = open_runtime("");
    uint64_t origin[2];
    uint32_t publisher[2];
    for (int i = 0; i < 2; ++i) {
        publisher[i] = open_publisher(runtime, "s");
        memcpy(&origin[i], RESULT + 8, 8);
        CHECK(WORD(1) == 8);
    }
    CHECK(origin[0] != origin[1]);
    const uint32_t subscriber = open_subscriber(runtime, "s");
    publish_word(runtime, publisher[1], 1);
    publish_word(runtime, publisher[0], 2);
    EXPECT(2, qipc_subscriber_take(subscriber, 2, RESULT));
    CHECK(memcmp(RESULT + 16, &origin[1], 8) == 0 && memcmp(RESULT + 32 + 16, &origin[0], 8) == 0);
}

CASE(the_stamp_is_the_time_of_publishing) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    struct timespec before;
    clock_gettime(CLOCK_REALTIME, &before);
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    EXPECT_OK(qipc_publisher_publish(publisher, WORD(0), 1));
    struct timespec after;
    clock_gettime(CLOCK_REALTIME, &after);
    EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
    const uint32_t offset = WORD(2);
    EXPECT_OK(qipc_window_map(runtime, WORD(1), RESULT));
    uint64_t base;
    memcpy(&base, RESULT, 8);
    uint64_t stamp;
    memcpy(&stamp, (const uint8_t*)(uintptr_t)base + offset + 8, 8);
    CHECK(stamp >= (uint64_t)before.tv_sec * 1000000000 + (uint64_t)before.tv_nsec);
    CHECK(stamp <= (uint64_t)after.tv_sec * 1000000000 + (uint64_t)after.tv_nsec);
}

CASE(loan_slots) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_publish(publisher, 0, 0));
    EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_discard(publisher, 7));
    EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_publish(publisher, 8, 0));
    EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_publish(publisher, UINT32_MAX, 0));
    uint32_t slots = 0;
    for (int i = 0; i < 8; ++i) {
        EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
        slots |= 1u << WORD(0);
    }
    CHECK(slots == 0xff);
    EXPECT(QIPC_E_TOO_MANY_LOANS, qipc_publisher_loan(publisher, RESULT));
    EXPECT_DETAIL(9, 8);
    EXPECT_OK(qipc_publisher_info(publisher, RESULT));
    CHECK(WORD(0) == 1 && WORD(1) == 8);
    EXPECT_OK(qipc_publisher_publish(publisher, 3, 0));
    EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_publish(publisher, 3, 0));
    EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_discard(publisher, 3));
    EXPECT_OK(qipc_publisher_discard(publisher, 5));
    EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_discard(publisher, 5));
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    EXPECT(QIPC_E_TOO_MANY_LOANS, qipc_publisher_loan(publisher, RESULT));
    EXPECT(1, qipc_subscriber_take(subscriber, 8, RESULT));
}

CASE(a_prepared_chunk_is_the_next_loan) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    uint32_t place[2] = {0, 0};
    for (uint32_t i = 0; i < 100; ++i) {
        EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
        const uint32_t slot = WORD(0);
        place[i % 2] = WORD(2);
        /* What is published is not what the next loan gets while a reader holds it. */
        CHECK(place[0] != place[1]);
        EXPECT_OK(qipc_publisher_publish(publisher, slot, QIPC_PUBLISH_STAMP | QIPC_PUBLISH_PREPARE));
        EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_publish(publisher, slot, 0));
        for (uint32_t other = 0; other < 8; ++other) {
            EXPECT(QIPC_E_NOT_LOANED, qipc_publisher_discard(publisher, other));
        }
        EXPECT_OK(qipc_publisher_info(publisher, RESULT));
        CHECK(WORD(1) == 0);
        EXPECT(1, qipc_subscriber_take(subscriber, 8, RESULT));
        EXPECT_OK(qipc_subscriber_release(subscriber, WORD(0)));
    }
    for (int i = 0; i < 8; ++i) {
        EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    }
    EXPECT(QIPC_E_TOO_MANY_LOANS, qipc_publisher_loan(publisher, RESULT));
    EXPECT_OK(qipc_publisher_publish(publisher, 3, QIPC_PUBLISH_PREPARE));
    EXPECT_OK(qipc_publisher_discard(publisher, 5));
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    CHECK(WORD(0) == 3);
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    CHECK(WORD(0) == 5);
    EXPECT(QIPC_E_TOO_MANY_LOANS, qipc_publisher_loan(publisher, RESULT));
}

CASE(held_slots) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT(QIPC_E_NOT_HELD, qipc_subscriber_release(subscriber, 0));
    EXPECT(QIPC_E_NOT_HELD, qipc_subscriber_release(subscriber, 256));
    EXPECT(QIPC_E_NOT_HELD, qipc_subscriber_release(subscriber, UINT32_MAX));
    for (uint32_t i = 0; i < 256; ++i) {
        publish_word(runtime, publisher, i);
    }
    EXPECT(200, qipc_subscriber_take(subscriber, 200, RESULT));
    EXPECT(56, qipc_subscriber_take(subscriber, 200, RESULT));
    CHECK(taken_word(runtime, 55) == 255);
    /* All are held, and nothing is queued: no error, there is nothing to take. */
    EXPECT(0, qipc_subscriber_take(subscriber, 1, RESULT));
    publish_word(runtime, publisher, 256);
    publish_word(runtime, publisher, 257);
    for (int i = 0; i < 10; ++i) {
        EXPECT(QIPC_E_TOO_MANY_HELD, qipc_subscriber_take(subscriber, 1, RESULT));
        EXPECT_DETAIL(257, 256);
    }
    EXPECT_OK(qipc_subscriber_release(subscriber, 17));
    EXPECT(QIPC_E_NOT_HELD, qipc_subscriber_release(subscriber, 17));
    EXPECT(1, qipc_subscriber_take(subscriber, 8, RESULT));
    CHECK(WORD(0) == 17 && taken_word(runtime, 0) == 256);
    EXPECT(QIPC_E_TOO_MANY_HELD, qipc_subscriber_take(subscriber, 8, RESULT));
    for (uint32_t slot = 0; slot < 256; ++slot) {
        EXPECT_OK(qipc_subscriber_release(subscriber, slot));
    }
    EXPECT(1, qipc_subscriber_take(subscriber, 8, RESULT));
    CHECK(taken_word(runtime, 0) == 257);
}

CASE(an_empty_pool_is_an_expected_outcome) {
    const uint32_t runtime = open_runtime("");
    uint32_t publisher[129];
    for (int i = 0; i < 129; ++i) {
        publisher[i] = open_publisher(runtime, "s");
    }
    for (int i = 0; i < 1024; ++i) {
        EXPECT_OK(qipc_publisher_loan(publisher[i / 8], RESULT));
    }
    EXPECT(QIPC_NO_CHUNK, qipc_publisher_loan(publisher[128], RESULT));
    /* A publisher can be opened although the pool is empty. */
    const uint32_t late = open_publisher(runtime, "s");
    EXPECT(QIPC_NO_CHUNK, qipc_publisher_loan(late, RESULT));
    EXPECT_OK(qipc_publisher_discard(publisher[0], 4));
    EXPECT_OK(qipc_publisher_loan(late, RESULT));
    EXPECT(QIPC_NO_CHUNK, qipc_publisher_loan(publisher[128], RESULT));
    EXPECT_OK(qipc_publisher_publish(late, 0, 0));
}

CASE(a_block_larger_than_every_pool) {
    const uint32_t runtime = open_runtime("");
    EXPECT(QIPC_E_BLOCK_TOO_LARGE,
           qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 65536, 64, 0, 0, RESULT));
    double detail[32];
    CHECK(qipc_error_detail((uint8_t*)detail, NULL, 0) == 0);
    CHECK(detail[0] >= 65536 && detail[0] <= 65536 + 128);
    EXPECT(QIPC_E_BLOCK_TOO_LARGE,
           qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 8321, 8, 0, 0, RESULT));
    EXPECT_OK(qipc_publisher_open(runtime, BYTES("s"), BYTES("t"), BYTES("e"), 8320, 8, 0, 0, RESULT));
    open_publisher(runtime, "s");
}

CASE(foreign_chunks_are_refused_one_by_one) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    EXPECT_OK(qipc_publisher_open(runtime, BYTES("QAULTRA"), BYTES("s"), BYTES("Data"), 200, 8, 0, 0, RESULT));
    const uint32_t foreign = WORD(0);
    const uint32_t subscriber = open_subscriber(runtime, "s");
    publish_word(runtime, publisher, 1);
    publish_word(runtime, publisher, 2);
    EXPECT_OK(qipc_publisher_loan(foreign, RESULT));
    EXPECT_OK(qipc_publisher_publish(foreign, WORD(0), 0));
    publish_word(runtime, publisher, 3);
    EXPECT(2, qipc_subscriber_take(subscriber, 8, RESULT));
    CHECK(taken_word(runtime, 0) == 1 && taken_word(runtime, 1) == 2);
    EXPECT(1, qipc_subscriber_has_data(subscriber));
    EXPECT(QIPC_E_FOREIGN_CHUNK, qipc_subscriber_take(subscriber, 8, RESULT));
    EXPECT_DETAIL(200, 8192);
    EXPECT(1, qipc_subscriber_take(subscriber, 8, RESULT));
    CHECK(taken_word(runtime, 0) == 3);
    for (int i = 0; i < 2000; ++i) {
        EXPECT_OK(qipc_publisher_loan(foreign, RESULT));
        EXPECT_OK(qipc_publisher_publish(foreign, WORD(0), 0));
        EXPECT(QIPC_E_FOREIGN_CHUNK, qipc_subscriber_take(subscriber, 8, RESULT));
    }
    EXPECT(0, qipc_subscriber_take(subscriber, 8, RESULT));
}

CASE(misaligned_chunks_are_refused) {
    const uint32_t runtime = open_runtime("");
    EXPECT_OK(qipc_publisher_open(runtime, BYTES("QAULTRA"), BYTES("s"), BYTES("Data"), 8192, 1, 0, 0, RESULT));
    const uint32_t loose = WORD(0);
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT_OK(qipc_publisher_loan(loose, RESULT));
    const bool is_aligned = WORD(2) % 64 == 0;
    EXPECT_OK(qipc_publisher_publish(loose, WORD(0), 0));
    CHECK(!is_aligned);
    EXPECT(QIPC_E_FOREIGN_CHUNK, qipc_subscriber_take(subscriber, 8, RESULT));
    EXPECT(0, qipc_subscriber_take(subscriber, 8, RESULT));
}

CASE(a_lossless_queue_says_when_it_is_full) {
    const uint32_t runtime = open_runtime("");
    EXPECT_OK(try_publisher(runtime, "s", 0, QIPC_PUBLISHER_BLOCKING));
    const uint32_t publisher = WORD(0);
    EXPECT_OK(try_subscriber(runtime, "s", 4, 0, QIPC_SUBSCRIBER_BLOCKING));
    const uint32_t lossless = WORD(0);
    EXPECT_OK(try_subscriber(runtime, "s", 2, 0, 0));
    const uint32_t lossy = WORD(0);
    EXPECT_OK(qipc_publisher_info(publisher, RESULT));
    CHECK(WORD(0) == 2);
    uint32_t sent = 0;
    uint32_t received = 0;
    for (int round = 0; round < 100; ++round) {
        while (qipc_publisher_has_room(publisher) == QIPC_OK) {
            publish_word(runtime, publisher, sent++);
        }
        CHECK(sent == received + 4);
        EXPECT(QIPC_QUEUE_FULL, qipc_publisher_loan(publisher, RESULT));
        EXPECT(QIPC_QUEUE_FULL, qipc_publisher_has_room(publisher));
        CHECK(take_word(runtime, lossless) == received++);
    }
    EXPECT(2, qipc_subscriber_take(lossy, 8, RESULT));
    EXPECT_OK(qipc_subscriber_close(lossless));
    /* The daemon takes a closed subscriber away a moment later. */
    EVENTUALLY(qipc_publisher_has_room(publisher) == QIPC_OK);
}

CASE(a_blocking_subscriber_connects_to_blocking_publishers_alone) {
    const uint32_t runtime = open_runtime("");
    const uint32_t lossy = open_publisher(runtime, "s");
    EXPECT_OK(try_publisher(runtime, "s", 0, QIPC_PUBLISHER_BLOCKING));
    const uint32_t lossless = WORD(0);
    EXPECT_OK(try_subscriber(runtime, "s", 4, 0, QIPC_SUBSCRIBER_BLOCKING));
    const uint32_t subscriber = WORD(0);
    publish_word(runtime, lossy, 1);
    publish_word(runtime, lossless, 2);
    EXPECT(1, qipc_subscriber_take(subscriber, 8, RESULT));
    CHECK(taken_word(runtime, 0) == 2);
    EXPECT_OK(qipc_publisher_info(lossy, RESULT));
    CHECK(WORD(0) == 0);
}
