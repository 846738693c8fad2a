/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening and closing the runtime, and listing streams.
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

CASE(runtime_counts_handles_with_equal_options) {
    const uint32_t one = open_runtime("timeout_ms=900\n");
    char name[101] = {0};
    memcpy(name, RESULT + 16, WORD(1));
    const uint32_t two = open_runtime("timeout_ms=900\n");
    CHECK(one != two && memcmp(name, RESULT + 16, WORD(1)) == 0);
    EXPECT(QIPC_E_OPTIONS_DIFFER, qipc_runtime_open((const uint8_t*)"", 0, RESULT));
    EXPECT_OK(qipc_runtime_close(one));
    EXPECT_OK(qipc_runtime_state(two, RESULT));
    CHECK(WORD(0) == 1);
    EXPECT_OK(qipc_runtime_close(two));
    open_runtime("");
}

CASE(runtime_opens_again_after_the_last_close) {
    for (int round = 0; round < 30; ++round) {
        const uint32_t runtime = open_runtime(round % 2 == 0 ? "" : "name=again\n");
        const uint32_t publisher = open_publisher(runtime, "s");
        const uint32_t subscriber = open_subscriber(runtime, "s");
        publish_word(runtime, publisher, (uint32_t)round);
        CHECK(take_word(runtime, subscriber) == (uint32_t)round);
        EXPECT_OK(qipc_runtime_close(runtime));
    }
}

static void* open_use_close(void* name) {
    for (int round = 0; round < 20; ++round) {
        const uint32_t runtime = open_runtime("");
        const uint32_t publisher = open_publisher(runtime, name);
        const uint32_t subscriber = open_subscriber(runtime, name);
        publish_word(runtime, publisher, (uint32_t)round);
        CHECK(take_word(runtime, subscriber) == (uint32_t)round);
        EXPECT_OK(qipc_runtime_close(runtime));
    }
    return NULL;
}

#include <pthread.h>

CASE(threads_open_and_close_side_by_side) {
    pthread_t threads[4];
    static char names[4][2] = {"a", "b", "c", "d"};
    for (int i = 0; i < 4; ++i) {
        CHECK(pthread_create(&threads[i], NULL, open_use_close, names[i]) == 0);
    }
    for (int i = 0; i < 4; ++i) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

CASE(name_in_use) {
    if (g_argument != NULL) {
        EXPECT(QIPC_E_NAME_IN_USE, qipc_runtime_open((const uint8_t*)"name=taken\n", 11, RESULT));
        open_runtime("name=free\n");
        return;
    }
    const uint32_t runtime = open_runtime("name=taken\n");
    CHECK(in_process("name_in_use", "child") == 0);
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    CHECK(WORD(0) == 1);
    EXPECT_OK(qipc_runtime_close(runtime));
    open_runtime("name=taken\n");
}

CASE(descriptors_are_closed_on_exec) {
    open_runtime("");
    DIR* directory = opendir("/proc/self/fd");
    CHECK(directory != NULL);
    int seen = 0;
    const struct dirent* entry;
    while ((entry = readdir(directory)) != NULL) {
        const int fd = atoi(entry->d_name);
        char link[64];
        char target[512] = {0};
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        if (readlink(link, target, sizeof target - 1) <= 0) {
            continue;
        }
        const bool theirs = strncmp(target, "socket:", 7) == 0 || strstr(target, ".lock") != NULL
                            || strncmp(target, "/dev/shm/", 9) == 0;
        if (theirs) {
            ++seen;
            if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) {
                fprintf(stderr, "%d -> %s is inherited\n", fd, target);
                exit(1);
            }
        }
    }
    closedir(directory);
    CHECK(seen >= 3);
}

struct Entry {
    uint32_t publishers;
    uint32_t subscribers;
    uint32_t lossy_publishers;
    char names[3][101];
};

static uint32_t list(uint32_t runtime, struct Entry* entries, uint32_t max) {
    static uint64_t buffer[8192];
    EXPECT_OK(qipc_runtime_streams(runtime, (uint8_t*)buffer, sizeof buffer, RESULT));
    const uint32_t count = WORD(0);
    const uint8_t* at = (const uint8_t*)buffer;
    CHECK(count <= max);
    for (uint32_t i = 0; i < count; ++i) {
        uint32_t words[3];
        uint16_t lengths[4];
        memcpy(words, at, sizeof words);
        memcpy(lengths, at + 12, sizeof lengths);
        CHECK(words[0] % 8 == 0);
        entries[i].publishers = words[1];
        entries[i].subscribers = words[2];
        entries[i].lossy_publishers = lengths[3];
        const uint8_t* name = at + 20;
        for (int k = 0; k < 3; ++k) {
            memset(entries[i].names[k], 0, 101);
            memcpy(entries[i].names[k], name, lengths[k]);
            name += lengths[k];
        }
        at += words[0];
    }
    CHECK((uint32_t)(at - (const uint8_t*)buffer) == WORD(1));
    return count;
}

CASE(streams_lists_every_process) {
    struct Entry entries[8];
    if (g_argument != NULL) {
        const uint32_t runtime = open_runtime("");
        open_subscriber(runtime, "b");
        open_publisher(runtime, "c");
        CHECK(list(runtime, entries, 8) == 3);
        CHECK(strcmp(entries[0].names[1], "a") == 0 && entries[0].publishers == 2 && entries[0].subscribers == 0);
        CHECK(entries[0].lossy_publishers == 1 && entries[1].lossy_publishers == 1);
        CHECK(strcmp(entries[1].names[1], "b") == 0 && entries[1].publishers == 1 && entries[1].subscribers == 2);
        CHECK(strcmp(entries[2].names[1], "c") == 0 && entries[2].publishers == 1 && entries[2].subscribers == 0);
        CHECK(strcmp(entries[2].names[0], "QAULTRA") == 0 && strcmp(entries[2].names[2], "Data") == 0);
        return;
    }
    const uint32_t runtime = open_runtime("");
    CHECK(list(runtime, entries, 8) == 0);
    open_publisher(runtime, "a");
    EXPECT_OK(try_publisher(runtime, "a", 0, QIPC_PUBLISHER_BLOCKING));
    open_publisher(runtime, "b");
    const uint32_t subscriber = open_subscriber(runtime, "b");
    CHECK(in_process("streams_lists_every_process", "child") == 0);
    EVENTUALLY(list(runtime, entries, 8) == 2);
    EXPECT_OK(qipc_subscriber_close(subscriber));
    CHECK(list(runtime, entries, 8) == 2 && entries[1].subscribers == 0);
    EXPECT(QIPC_E_BUFFER_TOO_SMALL, qipc_runtime_streams(runtime, (uint8_t*)entries, 8, RESULT));
    CHECK(WORD(0) == 0 && WORD(1) > 8);
    EXPECT_DETAIL(8, WORD(1));
}

CASE(nothing_is_printed) {
    char path[] = "/tmp/stderr.XXXXXX";
    const int file = mkstemp(path);
    CHECK(file >= 0);
    const int saved = dup(2);
    CHECK(dup2(file, 2) == 2);
    const uint32_t runtime = open_runtime("");
    uint32_t publisher[130];
    for (int i = 0; i < 130; ++i) {
        publisher[i] = open_publisher(runtime, "s");
    }
    /* 1024 chunks, 8 to a publisher. */
    int32_t status = QIPC_OK;
    for (int i = 0; i < 130 * 8 && status == QIPC_OK; ++i) {
        status = qipc_publisher_loan(publisher[i / 8], RESULT);
    }
    EXPECT(QIPC_NO_CHUNK, status);
    EXPECT(QIPC_NO_CHUNK, qipc_publisher_loan(publisher[129], RESULT));
    EXPECT_OK(qipc_runtime_close(runtime));
    CHECK(dup2(saved, 2) == 2);
    CHECK(lseek(file, 0, SEEK_END) == 0);
}

CASE(log_can_be_turned_on) {
    char path[] = "/tmp/stderr.XXXXXX";
    const int file = mkstemp(path);
    CHECK(file >= 0);
    const int saved = dup(2);
    const int saved_out = dup(1);
    CHECK(dup2(file, 2) == 2 && dup2(file, 1) == 1);
    const uint32_t runtime = open_runtime("log=debug\n");
    EXPECT_OK(qipc_runtime_close(runtime));
    fflush(NULL);
    CHECK(dup2(saved, 2) == 2 && dup2(saved_out, 1) == 1);
    CHECK(lseek(file, 0, SEEK_END) > 0);
}

CASE(block_memory_is_bound_to_the_node_of_this_thread) {
    const uint32_t runtime = open_runtime("");
    /* Before a publisher there is no block memory of this process. */
    EXPECT(QIPC_E_UNSUPPORTED, qipc_runtime_bind_numa(runtime, RESULT));
    const uint32_t publisher = open_publisher(runtime, "s");
    const int32_t status = qipc_runtime_bind_numa(runtime, RESULT);
    if (status != QIPC_E_UNSUPPORTED) {
        EXPECT_OK(status);
        CHECK(WORD(0) == WORD(1));
    }
    publish_word(runtime, publisher, 1);
}
