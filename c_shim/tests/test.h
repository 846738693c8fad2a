/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the ABI share. A failed check ends the process with status 1 and says where.
 */
#ifndef QIPC_TEST_H
#define QIPC_TEST_H

#include "qaultra_ipc/qipc.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE(name) void case_##name(void)

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                    \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/** The status of `call` must be `expected`; tells the detail when it is not. */
#define EXPECT(expected, call) expect((expected), (call), #call, __FILE__, __LINE__)
#define EXPECT_OK(call) EXPECT(QIPC_OK, call)

/** After an EXPECT of an error: its value and limit. */
#define EXPECT_DETAIL(value, limit) expect_detail((value), (limit), __FILE__, __LINE__)

extern _Thread_local uint64_t t_result[QIPC_TAKE_MAX * QIPC_TAKE_ENTRY_BYTES / 8];
#define RESULT ((uint8_t*)t_result)
#define WORD(index) result_word(index)

static inline uint32_t result_word(uint32_t index) {
    uint32_t word;
    memcpy(&word, RESULT + 4 * index, sizeof word);
    return word;
}

void expect(int32_t expected, int32_t status, const char* call, const char* file, int line);
void expect_detail(double value, double limit, const char* file, int line);

/** The text of the last error, in a buffer that the next call reuses. */
const char* error_text(void);

/** The pid of the daemon that runs beside the test. */
int daemon_pid(void);

uint32_t open_runtime(const char* options);
uint32_t open_publisher(uint32_t runtime, const char* stream);
uint32_t open_subscriber(uint32_t runtime, const char* stream);

/** The status of opening a port of {"QAULTRA", stream, "Data"} with blocks of 8192 bytes aligned to 64; handle in WORD(0). */
int32_t try_publisher(uint32_t runtime, const char* stream, uint32_t history, uint32_t flags);
int32_t try_subscriber(uint32_t runtime, const char* stream, uint32_t capacity, uint32_t history, uint32_t flags);

/** Loans, writes `value` into the first word, publishes. */
void publish_word(uint32_t runtime, uint32_t publisher, uint32_t value);

/** Takes one block, returns its first word and releases it. */
uint32_t take_word(uint32_t runtime, uint32_t subscriber);

/** The first word of a taken block: entry `index` of the last take. */
uint32_t taken_word(uint32_t runtime, uint32_t index);

/** Milliseconds of the monotonic clock. */
double now_ms(void);
void sleep_ms(uint32_t ms);

/** Polls until the condition holds; fails after 10 s. */
#define EVENTUALLY(condition)                                                                                          \
    do {                                                                                                               \
        const double eventually_deadline = now_ms() + 10000;                                                           \
        while (!(condition)) {                                                                                         \
            if (now_ms() >= eventually_deadline) {                                                                     \
                fprintf(stderr, "%s:%d: never: %s\n  last error: %s\n", __FILE__, __LINE__, #condition, error_text()); \
                exit(1);                                                                                               \
            }                                                                                                          \
            sleep_ms(2);                                                                                               \
        }                                                                                                              \
    } while (0)

/** Runs `body(argument)` in a thread of its own and waits for its end. */
void in_thread(void* (*body)(void*), void* argument);

/** Runs `body` in a child process that began with the test program anew; returns its exit status, or -signal. */
int in_process(const char* case_name, const char* argument);

/** The argument given to a case by in_process, or null. */
extern const char* g_argument;

#endif
