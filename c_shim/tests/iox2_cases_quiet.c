/* SPDX-License-Identifier: Apache-2.0
 *
 * That iceoryx2 keeps to itself what goes wrong: it prints no line, touches no signal, and does not end the process by a panic.
 */
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static int32_t open_with(const char* options) {
    return qipc_runtime_open((const uint8_t*)options, (uint32_t)strlen(options), RESULT);
}

/** The options `<key>=<byte repeated>`. */
static int32_t open_with_long(const char* key, char byte, size_t count) {
    char text[1000];
    const int length = snprintf(text, sizeof text, "%s=", key);
    memset(text + length, byte, count);
    memcpy(text + length + count, "\n", 2);
    return open_with(text);
}

static int32_t heal(uint32_t runtime, const char* stream) {
    return qipc_runtime_heal(runtime, (const uint8_t*)"QAULTRA", 7, (const uint8_t*)stream, (uint32_t)strlen(stream),
                             (const uint8_t*)"Data", 4);
}

/** What does not fit or is no folder, or is nobody's to write. */
static void refused_options(void) {
    static const size_t lengths[] = {81, 155, 205, 255, 256, 900};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; ++i) {
        EXPECT(QIPC_E_OPTION, open_with_long("root=/tmp/", 'r', lengths[i]));
        EXPECT(QIPC_E_OPTION, open_with_long("prefix", 'p', lengths[i]));
    }
    EXPECT(QIPC_E_OPTION, open_with_long("type_name", 't', 900));
    CHECK(open_with("root=/proc/none\n") < 0);
    CHECK(open_with("root=/etc/passwd\n") < 0);
    CHECK(open_with("root=/dev/null/x\n") < 0);
}

/** Services that are no longer what they were: of one byte, of noise, and of another's words. */
static void damaged_services(uint32_t runtime) {
    static const char* const contents[] = {"", "x", "\xff\xfe\xfd\xfc", "[service]\nname = 7\n"};
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; ++i) {
        const uint32_t publisher = open_publisher(runtime, "d");
        char path[300];
        FILE* const list = popen("ls -t /tmp/iceoryx2/services/*", "r");
        CHECK(list != NULL && fgets(path, sizeof path, list) != NULL);
        pclose(list);
        path[strcspn(path, "\n")] = 0;
        EXPECT_OK(qipc_publisher_close(publisher));
        FILE* const file = fopen(path, "w");
        CHECK(file != NULL && fputs(contents[i], file) >= 0 && fclose(file) == 0 && chmod(path, 0400) == 0);
        CHECK(try_publisher(runtime, "d", 0, 0) < 0);
        CHECK(try_subscriber(runtime, "d", 256, 0, 0) < 0);
        static uint64_t buffer[1024];
        qipc_runtime_streams(runtime, (uint8_t*)buffer, sizeof buffer, RESULT);
        EXPECT(1, heal(runtime, "d"));
    }
}

/** A process that was killed, and whose files then were cut. */
static void damaged_remains(void) {
    CHECK(in_process("whatever_goes_wrong_is_kept_quiet", "killed") == -SIGKILL);
    CHECK(system("find /tmp/iceoryx2/nodes -type f -name '*.details' -exec chmod 600 {} + -exec truncate -s 3 {} +") == 0);
    const uint32_t runtime = open_runtime("name=after\n");
    open_publisher(runtime, "after");
    EXPECT_OK(qipc_runtime_close(runtime));
}

/** Ports while only few files can be opened: one more at each try, until it works. */
static void without_descriptors(uint32_t runtime) {
    struct rlimit before;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    for (rlim_t free = 0; free < 24; ++free) {
        const int next = dup(0);
        CHECK(next >= 0 && close(next) == 0);
        const struct rlimit few = {(rlim_t)next + free, before.rlim_max};
        CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
        const int32_t publisher = try_publisher(runtime, "few", 0, 0);
        CHECK(publisher == QIPC_OK || publisher == QIPC_E_SYSTEM);
        if (publisher == QIPC_OK) {
            EXPECT_OK(qipc_publisher_close(WORD(0)));
        }
        const int32_t subscriber = try_subscriber(runtime, "few", 256, 0, 0);
        CHECK(subscriber == publisher);
        if (subscriber == QIPC_OK) {
            EXPECT_OK(qipc_subscriber_close(WORD(0)));
        }
        CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
        CHECK(free > 0 || publisher == QIPC_E_SYSTEM);
    }
    open_publisher(runtime, "few");
}

static void trouble(void) {
    refused_options();
    damaged_remains();
    const uint32_t runtime = open_runtime("publishers_max=2\nsubscribers_max=2\n");
    const uint32_t publisher = open_publisher(runtime, "s");
    const uint32_t subscriber = open_subscriber(runtime, "s");
    EXPECT(QIPC_E_SERVICE_TYPE, qipc_publisher_open(runtime, (const uint8_t*)"QAULTRA", 7, (const uint8_t*)"s", 1,
                                                    (const uint8_t*)"Data", 4, 64, 8, 0, 0, RESULT));
    open_publisher(runtime, "s");
    EXPECT(QIPC_E_TOO_MANY_PUBLISHERS, try_publisher(runtime, "s", 0, 0));
    open_subscriber(runtime, "s");
    EXPECT(QIPC_E_STREAM_FULL, try_subscriber(runtime, "s", 256, 0, 0));
    int32_t status = QIPC_OK;
    for (int i = 0; i < 300 && status == QIPC_OK; ++i) {
        status = qipc_publisher_loan(publisher, RESULT);
    }
    CHECK(status != QIPC_OK);
    damaged_services(runtime);
    without_descriptors(runtime);
    CHECK(system("rm -rf /tmp/iceoryx2") == 0);
    EVENTUALLY(qipc_subscriber_take(subscriber, 1, RESULT) == QIPC_E_DAEMON_GONE);
    CHECK(system("rm -f /dev/shm/iox2_*") == 0);
    EXPECT_OK(qipc_runtime_close(runtime));
}

CASE(whatever_goes_wrong_is_kept_quiet) {
    if (g_argument != NULL && strcmp(g_argument, "killed") == 0) {
        const uint32_t runtime = open_runtime("name=killed\n");
        open_publisher(runtime, "k");
        open_subscriber(runtime, "k");
        kill(getpid(), SIGKILL);
    }
    if (g_argument == NULL) {
        char path[] = "/tmp/output.XXXXXX";
        const int file = mkstemp(path);
        const int out = dup(1);
        const int err = dup(2);
        CHECK(file >= 0 && out >= 0 && err >= 0 && dup2(file, 1) == 1 && dup2(file, 2) == 2);
        const int status = in_process("whatever_goes_wrong_is_kept_quiet", "child");
        CHECK(dup2(out, 1) == 1 && dup2(err, 2) == 2);
        char text[2000] = {0};
        CHECK(pread(file, text, sizeof text - 1, 0) >= 0);
        fputs(text, stderr);
        CHECK(status == 0);
        CHECK(text[0] == 0);
        return;
    }
    struct sigaction before[65];
    sigset_t blocked_before;
    for (int signal = 1; signal <= 64; ++signal) {
        sigaction(signal, NULL, &before[signal]);
    }
    CHECK(sigprocmask(SIG_SETMASK, NULL, &blocked_before) == 0);
    trouble();
    sigset_t blocked;
    CHECK(sigprocmask(SIG_SETMASK, NULL, &blocked) == 0);
    for (int signal = 1; signal <= 64; ++signal) {
        struct sigaction now;
        if (sigaction(signal, NULL, &now) == 0) {
            CHECK(now.sa_handler == before[signal].sa_handler);
            CHECK(sigismember(&blocked, signal) == sigismember(&blocked_before, signal));
        }
    }
}
