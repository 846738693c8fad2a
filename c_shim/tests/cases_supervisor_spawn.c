/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon that was spawned and dies, hangs, or cannot be started again. Nobody here calls qipc_runtime_attach_again.
 */
#include "daemon_cases.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMBERS 3
#define ROUNDS 4
#define PUBLISHERS 6     /* killed at once */
#define FREEZE_ROUNDS 40 /* one is enough most times */
#define STOPPED_MS 5000  /* more than twice as long as a daemon may hang */

static uint32_t generation_of(uint32_t runtime) {
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    return WORD(1);
}

static bool is_attached_after(uint32_t runtime, uint32_t generation) {
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    return WORD(0) == 1 && WORD(1) > generation;
}

/** Whether a block travels; not when the daemon goes, or gives this process up, meanwhile. */
static bool can_exchange(uint32_t runtime) {
    if (try_publisher(runtime, "s", 0, 0) != QIPC_OK) {
        return false;
    }
    const uint32_t publisher = WORD(0);
    bool works = try_subscriber(runtime, "s", 16, 0, 0) == QIPC_OK;
    const uint32_t subscriber = works ? WORD(0) : 0;
    works = works && qipc_publisher_loan(publisher, RESULT) == QIPC_OK
            && qipc_publisher_publish(publisher, WORD(0), 0) == QIPC_OK && qipc_subscriber_take(subscriber, 1, RESULT) == 1;
    EXPECT_OK(qipc_publisher_close(publisher));
    if (subscriber != 0) {
        EXPECT_OK(qipc_subscriber_close(subscriber));
    }
    return works;
}

/** A case of this program in a child that goes on meanwhile; `*output` reads what it prints, `*input` is its standard input. */
static pid_t start_case(const char* name, const char* argument, int* output, int* input) {
    int out[2];
    int in[2];
    CHECK(pipe2(out, O_CLOEXEC) == 0 && pipe2(in, O_CLOEXEC) == 0);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(out[1], 1);
        dup2(in[0], 0);
        execl("/proc/self/exe", "qipc_tests", name, argument, (char*)NULL);
        _exit(127);
    }
    close(out[1]);
    close(in[0]);
    *output = out[0];
    *input = in[1];
    return child;
}

static void read_word(int fd, const char* word) {
    char text[8] = {0};
    const size_t length = strlen(word);
    for (size_t done = 0; done < length;) {
        const ssize_t count = read(fd, text + done, length - done);
        CHECK(count > 0);
        done += (size_t)count;
    }
    CHECK(memcmp(text, word, length) == 0);
}

static void say(const char* word) {
    CHECK(write(1, word, strlen(word)) == (ssize_t)strlen(word));
}

static void member(void) {
    const uint32_t runtime = open_runtime("daemon=spawn\n");
    uint32_t generation = generation_of(runtime);
    say("open");
    for (int round = 0; round < ROUNDS; ++round) {
        EVENTUALLY(is_attached_after(runtime, generation));
        generation = generation_of(runtime);
        EVENTUALLY(can_exchange(runtime));
        say("done");
        char go;
        CHECK(read(0, &go, 1) == 1);
    }
    EXPECT_OK(qipc_runtime_close(runtime));
}

CASE(no_daemon_but_one_that_several_processes_start_again_at_once) {
    if (g_argument != NULL) {
        member();
        return;
    }
    pid_t members[MEMBERS];
    int outputs[MEMBERS];
    int inputs[MEMBERS];
    for (int i = 0; i < MEMBERS; ++i) {
        members[i] = start_case("no_daemon_but_one_that_several_processes_start_again_at_once", "member", &outputs[i], &inputs[i]);
    }
    for (int i = 0; i < MEMBERS; ++i) {
        read_word(outputs[i], "open");
    }
    for (int round = 0; round < ROUNDS; ++round) {
        const int before = spawned_daemon_pid();
        CHECK(kill(before, SIGKILL) == 0);
        for (int i = 0; i < MEMBERS; ++i) {
            read_word(outputs[i], "done");
        }
        CHECK(spawned_daemon_pid() != before); /* and there is one only */
        for (int i = 0; i < MEMBERS; ++i) {
            CHECK(write(inputs[i], "g", 1) == 1);
        }
    }
    for (int i = 0; i < MEMBERS; ++i) {
        int status = 0;
        CHECK(waitpid(members[i], &status, 0) == members[i] && status == 0);
    }
    EVENTUALLY(access("/tmp/roudi", F_OK) != 0);
}

#define STARTS 4
#define STARTS_MS_MIN 1000 /* for so many: a pause of 300, 600 and 1200 ms between them, less what the first one was late */

/** The moments in seconds at which the daemon was started, and their count. */
static int read_starts(double moments[STARTS]) {
    FILE* file = fopen("/tmp/starts", "re");
    int count = 0;
    while (file != NULL && count < STARTS && fscanf(file, "%lf", &moments[count]) == 1) {
        ++count;
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

/** Starts fail, each at once; the pauses between them grow, and all is well when one does not fail. */
CASE(no_daemon_but_one_that_cannot_be_started_for_a_while) {
    const char* const path = getenv("PATH");
    CHECK(path != NULL);
    char bad[4096];
    snprintf(bad, sizeof bad, "/tmp/bad:%s", path);
    CHECK(mkdir("/tmp/bad", 0700) == 0 && setenv("PATH", bad, 1) == 0);
    const uint32_t runtime = open_runtime("daemon=spawn\n");
    const uint32_t generation = generation_of(runtime);
    FILE* script = fopen("/tmp/bad/iox-roudi", "we");
    CHECK(script != NULL && fputs("#!/bin/sh\ndate +%s.%N >>/tmp/starts\nexit 1\n", script) > 0 && fclose(script) == 0);
    CHECK(chmod("/tmp/bad/iox-roudi", 0700) == 0);
    CHECK(kill(spawned_daemon_pid(), SIGKILL) == 0);
    double moments[STARTS];
    EVENTUALLY(read_starts(moments) == STARTS);
    CHECK((moments[STARTS - 1] - moments[0]) * 1000 >= STARTS_MS_MIN);
    EXPECT_OK(qipc_runtime_state(runtime, RESULT));
    CHECK(WORD(0) == 2 && WORD(1) == generation);
    CHECK(unlink("/tmp/bad/iox-roudi") == 0);
    EVENTUALLY(is_attached_after(runtime, generation));
    EVENTUALLY(can_exchange(runtime));
    EXPECT_OK(qipc_runtime_close(runtime));
}

/** Publishes without a pause until it is killed. */
static void publish_for_ever(void) {
    const uint32_t runtime = open_runtime("timeout_ms=10000\n");
    const uint32_t publisher = open_publisher(runtime, "victim");
    open_subscriber(runtime, "victim");
    say("go");
    for (;;) {
        if (qipc_publisher_loan(publisher, RESULT) == QIPC_OK) {
            qipc_publisher_publish(publisher, WORD(0), 0);
        }
    }
}

static uint32_t count_streams(uint32_t runtime) {
    static uint64_t buffer[1024];
    return qipc_runtime_streams(runtime, (uint8_t*)buffer, sizeof buffer, RESULT) == QIPC_OK ? WORD(0) : UINT32_MAX;
}

CASE(no_daemon_but_one_that_freezes_when_publishers_are_killed) {
    static const char name[] = "no_daemon_but_one_that_freezes_when_publishers_are_killed";
    if (g_argument != NULL) {
        publish_for_ever();
        return;
    }
    const uint32_t runtime = open_runtime("daemon=spawn\n");
    const uint32_t generation = generation_of(runtime);
    const int daemon = spawned_daemon_pid();
    int rounds = 0;
    double killed = 0;
    for (; rounds < FREEZE_ROUNDS && generation_of(runtime) == generation; ++rounds) {
        pid_t publishers[PUBLISHERS];
        int outputs[PUBLISHERS];
        int inputs[PUBLISHERS];
        for (int i = 0; i < PUBLISHERS; ++i) {
            publishers[i] = start_case(name, "publish", &outputs[i], &inputs[i]);
        }
        for (int i = 0; i < PUBLISHERS; ++i) {
            read_word(outputs[i], "go");
        }
        for (int i = 0; i < PUBLISHERS; ++i) {
            CHECK(kill(publishers[i], SIGKILL) == 0);
        }
        killed = now_ms();
        for (int i = 0; i < PUBLISHERS; ++i) {
            CHECK(waitpid(publishers[i], NULL, 0) == publishers[i]);
            close(outputs[i]);
            close(inputs[i]);
        }
        /* Either the daemon takes their ports apart, or it freezes over it and another one takes its place. */
        EVENTUALLY(generation_of(runtime) > generation || count_streams(runtime) == 0);
    }
    CHECK(rounds < FREEZE_ROUNDS);
    EVENTUALLY(is_attached_after(runtime, generation));
    printf("frozen in round %d of %d kills; attached to another %.0f ms after that\n", rounds, PUBLISHERS, now_ms() - killed);
    CHECK(spawned_daemon_pid() != daemon);
    EVENTUALLY(can_exchange(runtime));
    EXPECT_OK(qipc_runtime_close(runtime));
}

CASE(no_daemon_but_one_that_is_stopped_and_left_alone) {
    const uint32_t runtime = open_runtime("daemon=spawn\ntimeout_ms=200\n");
    const uint32_t generation = generation_of(runtime);
    const int daemon = spawned_daemon_pid();
    CHECK(kill(daemon, SIGSTOP) == 0);
    for (const double start = now_ms(); now_ms() - start < STOPPED_MS; sleep_ms(50)) {
        EXPECT_OK(qipc_runtime_state(runtime, RESULT));
        CHECK(WORD(0) == 1 && WORD(1) == generation);
    }
    EXPECT(QIPC_E_DAEMON_HUNG, try_publisher(runtime, "s", 0, 0));
    CHECK(kill(daemon, SIGCONT) == 0);
    /* It may miss this process's signs of life while it was stopped, and give it up. */
    EVENTUALLY(can_exchange(runtime));
    CHECK(spawned_daemon_pid() == daemon);
    EXPECT_OK(qipc_runtime_close(runtime));
}
