/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows: how long they stay, and that those of takes cannot be written.
 */
#include "test.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

CASE(windows_outlive_the_runtime) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    publish_word(runtime, publisher, 42);
    EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
    const uint32_t window = WORD(1);
    const uint32_t offset = WORD(2);
    EXPECT_OK(qipc_window_map(runtime, window, RESULT));
    EXPECT_OK(qipc_window_map(runtime, window, RESULT));
    uint64_t base;
    memcpy(&base, RESULT, 8);
    const volatile uint32_t* word = (const volatile uint32_t*)(uintptr_t)(base + offset);
    CHECK(*word == 42);
    EXPECT(QIPC_E_BAD_HANDLE, qipc_window_map(runtime, window + 100, RESULT));
    EXPECT(QIPC_E_BAD_HANDLE, qipc_window_map(runtime, 0, RESULT));
    EXPECT(QIPC_E_BAD_HANDLE, qipc_window_unmap(window + 100));
    EXPECT_OK(qipc_runtime_close(runtime));
    CHECK(*word == 42);
    const uint32_t again = open_runtime("");
    EXPECT(QIPC_E_DAEMON_GONE, qipc_window_map(again, window, RESULT));
    const uint32_t other = open_publisher(again, "s");
    EXPECT_OK(qipc_publisher_loan(other, RESULT));
    CHECK(WORD(1) > window);
    CHECK(*word == 42 || *word != 42); /* readable, whatever was written there since */
    EXPECT_OK(qipc_window_unmap(window));
    EXPECT(QIPC_E_BAD_HANDLE, qipc_window_unmap(window));
}

static volatile uint32_t* g_word;

static int status_of_child_that_writes(void) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *g_word = 1;
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

CASE(windows_of_takes_are_read_only) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    publish_word(runtime, publisher, 42);
    EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
    const uint32_t offset = WORD(2);
    EXPECT_OK(qipc_window_map(runtime, WORD(1), RESULT));
    uint64_t base;
    memcpy(&base, RESULT, 8);
    g_word = (volatile uint32_t*)(uintptr_t)(base + offset);
    CHECK(*g_word == 42);
    const int status = status_of_child_that_writes();
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

static void* map_and_end(void* argument) {
    const uint32_t* ids = argument;
    const uint32_t runtime = open_runtime("");
    EXPECT_OK(qipc_window_map(runtime, ids[0], RESULT));
    memcpy((void*)(uintptr_t)(ids + 2), RESULT, 8);
    EXPECT(QIPC_E_BAD_HANDLE, qipc_window_map(runtime, 0, RESULT));
    EXPECT_OK(qipc_window_unmap(ids[0]));
    EXPECT_OK(qipc_window_map(runtime, ids[0], RESULT));
    return NULL;
}

CASE(a_window_stays_while_another_thread_holds_it) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    uint32_t ids[4] = {WORD(1), WORD(2), 0, 0};
    EXPECT_OK(qipc_window_map(runtime, ids[0], RESULT));
    uint64_t base;
    memcpy(&base, RESULT, 8);
    in_thread(map_and_end, ids);
    uint64_t seen;
    memcpy(&seen, ids + 2, 8);
    CHECK(seen == base);
    *(volatile uint32_t*)(uintptr_t)(base + ids[1]) = 5;
    EXPECT_OK(qipc_runtime_close(runtime));
    *(volatile uint32_t*)(uintptr_t)(base + ids[1]) = 6;
    EXPECT_OK(qipc_window_unmap(ids[0]));
}
