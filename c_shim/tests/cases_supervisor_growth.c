/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left of daemons that died: nothing, however many there were.
 */
#include "daemon_cases.h"

#include <dirent.h>
#include <unistd.h>

#define WARM_UP 5
#define ROUNDS 20 /* after it; another number can be given */
#ifdef __SANITIZE_ADDRESS__
#define GROWTH_BYTES_MAX (64 * 1024 * 1024) /* freed memory is kept for a while, and noted who had it */
#else
#define GROWTH_BYTES_MAX (1024 * 1024)
#endif

struct Taken {
    uint32_t descriptors;
    uint32_t mappings;
    uint32_t threads;
    uint64_t resident_bytes;
};

static uint32_t count_names(const char* folder) {
    DIR* directory = opendir(folder);
    CHECK(directory != NULL);
    uint32_t count = 0;
    while (readdir(directory) != NULL) {
        ++count;
    }
    closedir(directory);
    return count;
}

static struct Taken what_is_taken(void) {
    struct Taken taken = {count_names("/proc/self/fd"), 0, count_names("/proc/self/task"), 0};
    FILE* maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    for (int c; (c = getc(maps)) != EOF;) {
        taken.mappings += c == '\n';
    }
    fclose(maps);
    FILE* statm = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    CHECK(statm != NULL && fscanf(statm, "%*u %lu", &pages) == 1);
    fclose(statm);
    taken.resident_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    return taken;
}

static uint32_t g_window[2];

/** A block through new ports, whose windows stay mapped, and those of the connection before go. */
static void exchange(uint32_t runtime, uint32_t value, uint32_t ports[2]) {
    EVENTUALLY(try_publisher(runtime, "s", 0, 0) == QIPC_OK);
    ports[0] = WORD(0);
    ports[1] = open_subscriber(runtime, "s");
    EXPECT(QIPC_TIMED_OUT, qipc_subscriber_wait(ports[1], 1));
    EXPECT_OK(qipc_publisher_loan(ports[0], RESULT));
    const uint32_t written = WORD(1);
    EXPECT_OK(qipc_publisher_discard(ports[0], WORD(0)));
    publish_word(runtime, ports[0], value);
    EXPECT_OK(qipc_subscriber_wait(ports[1], 1000));
    EXPECT(1, qipc_subscriber_take(ports[1], 1, RESULT));
    CHECK(taken_word(runtime, 0) == value);
    for (int i = 0; i < 2 && g_window[0] != 0; ++i) {
        EXPECT_OK(qipc_window_unmap(g_window[i]));
    }
    g_window[0] = written;
    g_window[1] = WORD(1);
}

CASE(supervisor_keeps_nothing_of_daemons_that_died) {
    const int rounds = g_argument != NULL ? atoi(g_argument) : ROUNDS;
    const uint32_t runtime = open_runtime("");
    EXPECT_OK(qipc_waiter_open(runtime, RESULT));
    const uint32_t waiter = WORD(0);
    struct Taken before = {0};
    int daemon = 0;
    for (int round = 0; round < WARM_UP + rounds; ++round) {
        uint32_t ports[2];
        exchange(runtime, (uint32_t)round, ports);
        EXPECT_OK(qipc_waiter_arm(waiter, ports[1]));
        if (round == WARM_UP) {
            before = what_is_taken();
        }
        if (daemon == 0) {
            kill_daemon();
        } else {
            end_daemon(daemon);
        }
        daemon = start_daemon();
        do {
            EXPECT_OK(qipc_runtime_state(runtime, RESULT));
            sleep_ms(2);
        } while (WORD(0) != 1);
        EXPECT(QIPC_E_DAEMON_GONE, qipc_publisher_loan(ports[0], RESULT));
        EXPECT_OK(qipc_publisher_close(ports[0]));
        EXPECT_OK(qipc_subscriber_close(ports[1]));
    }
    uint32_t ports[2];
    exchange(runtime, 1, ports);
    EXPECT_OK(qipc_waiter_arm(waiter, ports[1]));
    const struct Taken after = what_is_taken();
    printf("%d restarts: %u descriptors (before %u), %u mappings (%u), %u threads (%u), %lld KiB resident (%lld)\n", rounds,
           after.descriptors, before.descriptors, after.mappings, before.mappings, after.threads, before.threads,
           (long long)(after.resident_bytes / 1024), (long long)(before.resident_bytes / 1024));
    CHECK(after.descriptors == before.descriptors);
    CHECK(after.mappings <= before.mappings + 2); /* the allocator may take another piece */
    CHECK(after.threads == before.threads);
    CHECK(after.resident_bytes <= before.resident_bytes + GROWTH_BYTES_MAX);
    end_daemon(daemon);
}
