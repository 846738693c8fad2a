/* SPDX-License-Identifier: Apache-2.0
 *
 * qipc_tests CASE [ARGUMENT]: runs one case.
 */
#include "test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define X(name) CASE(name);
#include "cases.inc"
#undef X

static const struct {
    const char* name;
    void (*run)(void);
} g_cases[] = {
#define X(name) {#name, case_##name},
#include "cases.inc"
#undef X
};

_Thread_local uint64_t t_result[QIPC_TAKE_MAX * QIPC_TAKE_ENTRY_BYTES / 8];
const char* g_argument;

const char* error_text(void) {
    static _Thread_local char text[600];
    uint64_t detail[QIPC_RESULT_BYTES / 8];
    const int32_t length = qipc_error_detail((uint8_t*)detail, (uint8_t*)text, sizeof text - 1);
    text[length > 0 ? length : 0] = 0;
    return text;
}

void expect(int32_t expected, int32_t status, const char* call, const char* file, int line) {
    if (status != expected) {
        fprintf(stderr, "%s:%d: %s\n  is %d %s, not %d %s\n  last error: %s\n", file, line, call, status,
                qipc_status_string(status), expected, qipc_status_string(expected), error_text());
        exit(1);
    }
    if (status < 0 && error_text()[0] == 0) {
        fprintf(stderr, "%s:%d: %s has no text\n", file, line, call);
        exit(1);
    }
}

void expect_detail(double value, double limit, const char* file, int line) {
    double detail[QIPC_RESULT_BYTES / 8];
    qipc_error_detail((uint8_t*)detail, NULL, 0);
    if (detail[0] != value || detail[1] != limit) {
        fprintf(stderr, "%s:%d: value %g and limit %g, not %g and %g\n", file, line, detail[0], detail[1], value, limit);
        exit(1);
    }
}

int daemon_pid(void) {
    const char* text = getenv("QIPC_TEST_DAEMON_PID");
    CHECK(text != NULL);
    return atoi(text);
}

uint32_t open_runtime(const char* options) {
    EXPECT_OK(qipc_runtime_open((const uint8_t*)options, (uint32_t)strlen(options), RESULT));
    return WORD(0);
}

#define NAME(text) (const uint8_t*)(text), (uint32_t)strlen(text)

int32_t try_publisher(uint32_t runtime, const char* stream, uint32_t history, uint32_t flags) {
    return qipc_publisher_open(runtime, NAME("QAULTRA"), NAME(stream), NAME("Data"), 8192, 64, history, flags, RESULT);
}

int32_t try_subscriber(uint32_t runtime, const char* stream, uint32_t capacity, uint32_t history, uint32_t flags) {
    return qipc_subscriber_open(runtime, NAME("QAULTRA"), NAME(stream), NAME("Data"), 8192, 64, capacity, history, flags,
                                RESULT);
}

uint32_t open_publisher(uint32_t runtime, const char* stream) {
    EXPECT_OK(try_publisher(runtime, stream, 0, 0));
    return WORD(0);
}

uint32_t open_subscriber(uint32_t runtime, const char* stream) {
    EXPECT_OK(try_subscriber(runtime, stream, 256, 0, 0));
    return WORD(0);
}

static uint8_t* address_of(uint32_t runtime, uint32_t window, uint32_t offset) {
    uint64_t result[QIPC_RESULT_BYTES / 8];
    EXPECT_OK(qipc_window_map(runtime, window, (uint8_t*)result));
    CHECK(offset + 8192 <= result[1]);
    return (uint8_t*)(uintptr_t)result[0] + offset;
}

void publish_word(uint32_t runtime, uint32_t publisher, uint32_t value) {
    EXPECT_OK(qipc_publisher_loan(publisher, RESULT));
    const uint32_t slot = WORD(0);
    memcpy(address_of(runtime, WORD(1), WORD(2)), &value, sizeof value);
    EXPECT_OK(qipc_publisher_publish(publisher, slot, 0));
}

uint32_t taken_word(uint32_t runtime, uint32_t index) {
    uint32_t value;
    memcpy(&value, address_of(runtime, WORD(8 * index + 1), WORD(8 * index + 2)), sizeof value);
    return value;
}

uint32_t take_word(uint32_t runtime, uint32_t subscriber) {
    EXPECT(1, qipc_subscriber_take(subscriber, 1, RESULT));
    const uint32_t value = taken_word(runtime, 0);
    EXPECT_OK(qipc_subscriber_release(subscriber, WORD(0)));
    return value;
}

double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void sleep_ms(uint32_t ms) {
    const struct timespec time = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

void in_thread(void* (*body)(void*), void* argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, argument) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

int in_process(const char* case_name, const char* argument) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        execl("/proc/self/exe", "qipc_tests", case_name, argument, (char*)NULL);
        _exit(127);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(int count, char** arguments) {
    if (count < 2) {
        fprintf(stderr, "usage: qipc_tests CASE [ARGUMENT]\n");
        return 2;
    }
    g_argument = count > 2 ? arguments[2] : NULL;
    for (size_t i = 0; i < sizeof g_cases / sizeof g_cases[0]; ++i) {
        if (strcmp(g_cases[i].name, arguments[1]) == 0) {
            g_cases[i].run();
            return 0;
        }
    }
    fprintf(stderr, "there is no case %s\n", arguments[1]);
    return 2;
}
