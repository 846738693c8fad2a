/* SPDX-License-Identifier: Apache-2.0
 *
 * What iceoryx2 does otherwise than a stack with a daemon: services have types, limits of their creator, and no keeper.
 */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES(text) (const uint8_t*)(text), (uint32_t)(sizeof(text) - 1)

static int32_t open_publisher_of(uint32_t runtime, const char* stream, uint32_t payload_bytes) {
    return qipc_publisher_open(runtime, BYTES("QAULTRA"), (const uint8_t*)stream, (uint32_t)strlen(stream), BYTES("Data"),
                               payload_bytes, 8, 0, 0, RESULT);
}

static int32_t heal(uint32_t runtime, const char* stream) {
    return qipc_runtime_heal(runtime, BYTES("QAULTRA"), (const uint8_t*)stream, (uint32_t)strlen(stream), BYTES("Data"));
}

CASE(options_of_iceoryx2) {
    static const char* const wrong[] = {"daemon=require\n", "pool_bytes=65536\n", "root=relative\n", "root=\n", "prefix=a/b\n",
                                        "prefix=\n", "type_name=\n", "timeout_ms=0\n", "subscribers_max=0\n", "nodes_max=100000\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; ++i) {
        EXPECT(QIPC_E_OPTION, qipc_runtime_open((const uint8_t*)wrong[i], (uint32_t)strlen(wrong[i]), RESULT));
    }
    char text[300] = "root=/";
    memset(text + 6, 'r', 80);
    text[86] = '\n';
    EXPECT(QIPC_E_OPTION, qipc_runtime_open((const uint8_t*)text, 87, RESULT));
    EXPECT_DETAIL(81, 80);
    memcpy(text, "prefix=", 7);
    memset(text + 7, 'p', 33);
    text[40] = '\n';
    EXPECT(QIPC_E_OPTION, qipc_runtime_open((const uint8_t*)text, 41, RESULT));
    EXPECT_DETAIL(33, 32);
}

CASE(the_longest_root_and_prefix_work) {
    char text[300] = "root=/tmp/";
    memset(text + 10, 'r', 75);
    memcpy(text + 85, "\nprefix=", 8);
    memset(text + 93, 'p', 32);
    text[125] = '\n';
    EXPECT_OK(qipc_runtime_open((const uint8_t*)text, 126, RESULT));
    const uint32_t runtime = WORD(0);
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    publish_word(runtime, publisher, 7);
    CHECK(take_word(runtime, subscriber) == 7);
}

CASE(a_runtime_of_its_own_root_and_prefix_meets_nobody) {
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("root=/tmp/elsewhere\nprefix=other_\n");
        const uint32_t subscriber = open_subscriber(runtime, "s");
        EXPECT_OK(qipc_publisher_open(runtime, BYTES("QAULTRA"), BYTES("s"), BYTES("Data"), 8192, 64, 0, 0, RESULT));
        EXPECT_OK(qipc_publisher_info(WORD(0), RESULT));
        CHECK(WORD(0) == 1);
        CHECK(qipc_subscriber_has_data(subscriber) == 0);
        return;
    }
    const uint32_t runtime = open_runtime("");
    open_publisher(runtime, "s");
    open_subscriber(runtime, "s");
    CHECK(in_process("a_runtime_of_its_own_root_and_prefix_meets_nobody", "child") == 0);
}

CASE(a_service_of_another_type_is_refused) {
    const uint32_t runtime = open_runtime("");
    open_publisher(runtime, "s");
    EXPECT(QIPC_E_SERVICE_TYPE, open_publisher_of(runtime, "s", 4096));
    CHECK(strstr(error_text(), "ZeroCopyMarketBlock") != NULL);
    if (g_argument == NULL) {
        CHECK(in_process("a_service_of_another_type_name_is_refused", "child") == 0);
    }
}

CASE(a_service_of_another_type_name_is_refused) {
    const uint32_t runtime = open_runtime("type_name=TheirBlock\n");
    if (g_argument != NULL) {
        EXPECT(QIPC_E_SERVICE_TYPE, try_publisher(runtime, "s", 0, 0));
    } else {
        open_publisher(runtime, "s");
    }
}

CASE(names_are_encoded) {
    const uint32_t runtime = open_runtime("");
    EXPECT_OK(qipc_publisher_open(runtime, BYTES("a/b%"), BYTES("\xC3\xBC,"), BYTES("e f"), 64, 8, 0, 0, RESULT));
    EXPECT_OK(qipc_publisher_open(runtime, BYTES("a"), BYTES("b%/\xC3\xBC,"), BYTES("e f"), 64, 8, 0, 0, RESULT));
    static uint64_t buffer[1024];
    EXPECT_OK(qipc_runtime_streams(runtime, (uint8_t*)buffer, sizeof buffer, RESULT));
    CHECK(WORD(0) == 2);
    const char* const at = (const char*)buffer + 20;
    CHECK(memcmp(at, "a/b%\xC3\xBC,e f", 10) == 0 || memcmp(at, "ab%/\xC3\xBC,e f", 10) == 0);
    uint8_t name[100];
    memset(name, 0xC3, sizeof name);
    for (int i = 1; i < 100; i += 2) {
        name[i] = 0xBC;
    }
    EXPECT(QIPC_E_NAME_TOO_LONG, qipc_publisher_open(runtime, name, 100, BYTES("t"), BYTES("e"), 64, 8, 0, 0, RESULT));
    EXPECT_DETAIL(304, 255);
}

CASE(the_limits_of_a_service) {
    const uint32_t runtime = open_runtime("publishers_max=2\nsubscribers_max=3\n");
    uint32_t last = 0;
    for (int i = 0; i < 2; ++i) {
        last = open_publisher(runtime, "s");
    }
    EXPECT(QIPC_E_TOO_MANY_PUBLISHERS, try_publisher(runtime, "s", 0, 0));
    EXPECT_DETAIL(3, 2);
    EXPECT_OK(qipc_publisher_close(last));
    open_publisher(runtime, "s");
    for (int i = 0; i < 3; ++i) {
        last = open_subscriber(runtime, "s");
    }
    EXPECT(QIPC_E_STREAM_FULL, try_subscriber(runtime, "s", 256, 0, 0));
    EXPECT_DETAIL(4, 3);
    EXPECT_OK(qipc_subscriber_close(last));
    open_subscriber(runtime, "s");
}

CASE(lossless_queues_are_refused) {
    const uint32_t runtime = open_runtime("");
    EXPECT(QIPC_E_UNSUPPORTED, try_publisher(runtime, "s", 0, QIPC_PUBLISHER_BLOCKING));
    EXPECT(QIPC_E_UNSUPPORTED, try_subscriber(runtime, "s", 256, 0, QIPC_SUBSCRIBER_BLOCKING));
    EXPECT(QIPC_E_OPTION, try_publisher(runtime, "s", 0, 2));
    EXPECT(QIPC_E_OPTION, try_subscriber(runtime, "s", 256, 0, 2));
}

/** The only file in iceoryx2's folder of services. */
static void find_service_file(char* path, size_t bytes) {
    FILE* const list = popen("ls /tmp/iceoryx2/services/*", "r");
    CHECK(list != NULL && fgets(path, (int)bytes, list) != NULL);
    pclose(list);
    path[strcspn(path, "\n")] = 0;
}

CASE(a_damaged_service_can_be_healed) {
    const uint32_t runtime = open_runtime("");
    EXPECT(0, heal(runtime, "s"));
    const uint32_t publisher = open_publisher(runtime, "s");
    EXPECT(0, heal(runtime, "s"));
    char path[300];
    find_service_file(path, sizeof path);
    EXPECT_OK(qipc_publisher_close(publisher));
    CHECK(access(path, F_OK) != 0);
    /* As a process leaves it that was killed while it made the service: locked for its maker alone, and empty. */
    FILE* const file = fopen(path, "w");
    CHECK(file != NULL && fclose(file) == 0 && chmod(path, 0400) == 0);
    EXPECT(QIPC_E_SERVICE_DAMAGED, try_publisher(runtime, "s", 0, 0));
    EXPECT(1, heal(runtime, "s"));
    EXPECT(0, heal(runtime, "s"));
    open_publisher(runtime, "s");
}

CASE(a_service_in_use_is_not_healed) {
    const uint32_t runtime = open_runtime("");
    open_publisher(runtime, "s");
    char path[300];
    find_service_file(path, sizeof path);
    CHECK(chmod(path, 0600) == 0 && truncate(path, 0) == 0 && chmod(path, 0400) == 0);
    EXPECT(QIPC_E_SERVICE_DAMAGED, heal(runtime, "s"));
    EXPECT_DETAIL(getpid(), 0);
}

CASE(what_a_killed_process_leaves_is_cleared_away) {
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("");
        open_publisher(runtime, "s");
        open_subscriber(runtime, "s");
        kill(getpid(), SIGKILL);
    }
    for (int i = 0; i < 5; ++i) {
        CHECK(in_process("what_a_killed_process_leaves_is_cleared_away", "child") == -SIGKILL);
    }
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    EXPECT_OK(qipc_publisher_info(publisher, RESULT));
    CHECK(WORD(0) == 0);
    EXPECT_OK(qipc_runtime_close(runtime));
    /* But for the counter of nodes that 0.10 keeps for whoever comes next. */
    CHECK(system("test -z \"$(find /dev/shm /tmp/iceoryx2 -name 'iox2_*' ! -name '*.global_mgmt')\"") == 0);
}

CASE(the_root_can_be_removed_under_a_running_process) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    const uint32_t generation = WORD(1);
    CHECK(WORD(0) == 1);
    CHECK(system("rm -rf /tmp/iceoryx2") == 0);
    /* By itself, without a call. */
    EVENTUALLY(qipc_runtime_state(runtime, RESULT) == QIPC_OK && WORD(0) == 1 && WORD(1) > generation);
    /* The ports of before end a moment later. */
    EVENTUALLY(qipc_publisher_loan(publisher, RESULT) == QIPC_E_DAEMON_GONE);
    EVENTUALLY(qipc_subscriber_take(subscriber, 1, RESULT) == QIPC_E_DAEMON_GONE);
    EXPECT(QIPC_E_DAEMON_GONE, qipc_subscriber_wait(subscriber, 0));
    EXPECT_OK(qipc_publisher_close(publisher));
    EXPECT_OK(qipc_subscriber_close(subscriber));
#if QIPC_TEST_LOST_SERVICES_STAY
    /* Of a service whose files were removed 0.10.0 leaves the list of its ports, 11 KiB. */
    CHECK(system("rm /dev/shm/iox2_*.dynamic") == 0);
#endif
    const uint32_t again = open_publisher(runtime, "s");
    const uint32_t reader = open_subscriber(runtime, "s");
    publish_word(runtime, again, 5);
    CHECK(take_word(runtime, reader) == 5);
}

CASE(a_full_memory_is_an_error) {
    const uint32_t runtime = open_runtime("");
    const uint32_t publisher = open_publisher(runtime, "s");
    CHECK(system("fallocate -l $(($(df --output=avail -B1 /dev/shm | tail -1) - 1048576)) /dev/shm/filler") == 0);
    EXPECT(QIPC_E_SHM_TOO_SMALL, try_publisher(runtime, "t", 0, 0));
    EXPECT(QIPC_E_SHM_TOO_SMALL, try_subscriber(runtime, "t", 256, 0, 0));
    /* What was used before can be used again; what is new has no memory at the end. */
    uint32_t subscribers[4];
    CHECK(unlink("/dev/shm/filler") == 0);
    for (int i = 0; i < 4; ++i) {
        subscribers[i] = open_subscriber(runtime, "s");
    }
    CHECK(system("fallocate -l $(($(df --output=avail -B1 /dev/shm | tail -1) - 1048576)) /dev/shm/filler") == 0);
    int32_t status = QIPC_OK;
    for (uint32_t i = 0; i < 1024 && status == QIPC_OK; ++i) {
        status = qipc_publisher_loan(publisher, RESULT);
        if (status == QIPC_OK) {
            EXPECT_OK(qipc_publisher_publish(publisher, WORD(0), 0));
            const uint32_t subscriber = subscribers[i % 4];
            EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
        }
    }
    CHECK(status == QIPC_NO_CHUNK);
    CHECK(unlink("/dev/shm/filler") == 0);
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
}

static uint32_t word_at(uint32_t runtime, uint32_t window, uint32_t offset) {
    uint64_t area[QIPC_RESULT_BYTES / 8];
    EXPECT_OK(qipc_window_map(runtime, window, (uint8_t*)area));
    uint32_t word;
    memcpy(&word, (const uint8_t*)(uintptr_t)area[0] + offset, sizeof word);
    return word;
}

CASE(the_memory_of_publishers_that_are_gone_is_given_back) {
    const uint32_t runtime = open_runtime("");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    uint32_t windows[3];
    uint32_t offsets[3];
    uint32_t held = 0;
    for (uint32_t i = 0; i < 3; ++i) {
        const uint32_t publisher = open_publisher(runtime, "s");
        publish_word(runtime, publisher, 100 + i);
        EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
        held = WORD(0);
        windows[i] = WORD(1);
        offsets[i] = WORD(2);
        CHECK(taken_word(runtime, 0) == 100 + i);
        if (i < 2) {
            EXPECT_OK(qipc_subscriber_release(subscriber, held));
        } else {
            publish_word(runtime, publisher, 200);
        }
        EXPECT_OK(qipc_publisher_close(publisher));
    }
    /* Empty pages are in the place of what nobody uses, and what is held stays. */
    EVENTUALLY(word_at(runtime, windows[0], offsets[0]) == 0 && word_at(runtime, windows[1], offsets[1]) == 0);
    CHECK(word_at(runtime, windows[2], offsets[2]) == 102);
    /* What was not taken yet can be. */
    CHECK(take_word(runtime, subscriber) == 200);
    EXPECT_OK(qipc_subscriber_release(subscriber, held));
    EVENTUALLY(word_at(runtime, windows[2], offsets[2]) == 0);
}

CASE(files_are_closed_on_exec) {
    const uint32_t runtime = open_runtime("");
    open_publisher(runtime, "s");
    open_subscriber(runtime, "s");
    int seen = 0;
    for (int fd = 0; fd < 100; ++fd) {
        char link[64];
        char target[512] = {0};
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        const bool is_theirs = readlink(link, target, sizeof target - 1) > 0 &&
                               (strncmp(target, "/tmp/iceoryx2/", 14) == 0 || strncmp(target, "/dev/shm/", 9) == 0);
        if (is_theirs) {
            ++seen;
            CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        }
    }
    CHECK(seen >= 8);
}
