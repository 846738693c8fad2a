/* SPDX-License-Identifier: Apache-2.0
 *
 * Attaching again while other threads are at work, and while they wait.
 */
#include "daemon_cases.h"

#include <pthread.h>

static _Atomic bool g_stop;
static _Atomic uint32_t g_rounds[4];

/** Publishes and takes; on ports that are gone opens others, attaching again if need be. */
static void* work(void* number) {
    const uint32_t index = *(uint32_t*)number;
    const uint32_t runtime = open_runtime("timeout_ms=500\n");
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    const uint32_t waiter = WORD(0);
    const char stream[2] = {(char)('a' + index), 0};
    while (!g_stop) {
        if (try_publisher(runtime, stream, 0, 0) != QIPC_OK) {
            qipc_runtime_attach_again(runtime);
            sleep_ms(1);
            continue;
        }
        const uint32_t publisher = WORD(0);
        if (try_subscriber(runtime, stream, 16, 0, 0) != QIPC_OK) {
            EXPECT_OK(qipc_publisher_close(publisher));
            continue;
        }
        const uint32_t subscriber = WORD(0);
        int32_t status = QIPC_OK;
        while (!g_stop && status >= 0) {
            status = qipc_waiter_arm(waiter, subscriber);
            if (status >= 0) {
                status = qipc_publisher_loan(publisher, RESULT);
            }
            if (status == QIPC_OK) {
                status = qipc_publisher_publish(publisher, WORD(0), QIPC_PUBLISH_STAMP);
            }
            if (status >= 0) {
                status = qipc_subscriber_wait(subscriber, index == 0 ? 60000 : 1);
            }
            if (status >= 0) {
                status = qipc_subscriber_take(subscriber, 1, RESULT);
            }
            if (status == 1) {
                status = qipc_subscriber_release(subscriber, WORD(0));
                ++g_rounds[index];
            }
            if (index == 2) {
                qipc_runtime_state(runtime, RESULT);
                if (WORD(0) == 2) {
                    break;
                }
            }
        }
        if (status < 0 && status != QIPC_E_DAEMON_GONE) {
            EXPECT(QIPC_E_DAEMON_GONE, status);
        }
        EXPECT_OK(qipc_publisher_close(publisher));
        EXPECT_OK(qipc_subscriber_close(subscriber));
    }
    EXPECT_OK(qipc_runtime_close(runtime));
    return NULL;
}

/** Parked for good, until its port is gone. */
static void* wait_for_data(void* ignored) {
    const uint32_t runtime = open_runtime("timeout_ms=500\n");
    while (!g_stop) {
        if (try_subscriber(runtime, "nothing", 16, 0, 0) != QIPC_OK) {
            sleep_ms(1);
            continue;
        }
        const uint32_t subscriber = WORD(0);
        ++g_rounds[3];
        const int32_t status = qipc_subscriber_wait(subscriber, g_stop ? 0 : 60000);
        CHECK(status == QIPC_E_DAEMON_GONE || g_stop);
        EXPECT_OK(qipc_subscriber_close(subscriber));
    }
    EXPECT_OK(qipc_runtime_close(runtime));
    return ignored;
}

CASE(again_while_threads_work) {
    const uint32_t runtime = open_runtime("timeout_ms=500\n");
    pthread_t threads[4];
    static uint32_t numbers[3] = {0, 1, 2};
    for (uint32_t i = 0; i < 3; ++i) {
        CHECK(pthread_create(&threads[i], NULL, work, &numbers[i]) == 0);
    }
    CHECK(pthread_create(&threads[3], NULL, wait_for_data, NULL) == 0);
    int daemon = daemon_pid();
    for (int round = 0; round < 6; ++round) {
        uint32_t before[4];
        for (int i = 0; i < 4; ++i) {
            before[i] = g_rounds[i];
        }
        for (int i = 0; i < 4; ++i) {
            EVENTUALLY(g_rounds[i] > before[i] || (i == 3 && g_rounds[3] > 0));
        }
        if (round == 0) {
            kill_daemon();
        } else {
            end_daemon(daemon);
        }
        daemon = start_daemon();
        EVENTUALLY(qipc_runtime_attach_again(runtime) == QIPC_OK);
        /* The one that was parked has been told, by whichever thread attached. */
        EVENTUALLY(g_rounds[3] > before[3]);
    }
    g_stop = true;
    end_daemon(daemon);
    daemon = start_daemon();
    EVENTUALLY(qipc_runtime_attach_again(runtime) == QIPC_OK);
    for (int i = 0; i < 4; ++i) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    EXPECT_OK(qipc_runtime_close(runtime));
    end_daemon(daemon);
}
