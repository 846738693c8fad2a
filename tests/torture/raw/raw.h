/* SPDX-License-Identifier: Apache-2.0
 *
 * What the raw peers share: the lines on stdin that they obey, the blocks, and the runtime. They do what tests/torture/writer.ts and
 * reader.ts do and speak as those do, a line of JSON with "at" first, so that one harness drives both.
 */
#ifndef QAULTRA_TORTURE_RAW_H
#define QAULTRA_TORTURE_RAW_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "iceoryx_binding_c/log.h"
#include "iceoryx_binding_c/runtime.h"
#include "qaultra_ipc/market_data_block.h"

#define RAW_SERVICE "QAULTRA"
#define RAW_EVENT "Data"
#define RAW_PAYLOAD_BYTES 64u
#define RAW_EPOCH_BYTES 8u
#define RAW_LINE_BYTES 256u

/** Prints a line at once. */
#define SAY(...)            \
  do {                      \
    printf(__VA_ARGS__);    \
    putchar('\n');          \
    (void)fflush(stdout);   \
  } while (0)

static inline uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static inline void rest_us(long us) {
  const struct timespec pause = {us / 1000000, us % 1000000 * 1000};
  nanosleep(&pause, NULL);
}

/** The next line of stdin that is there within the time, without its end; -1: the input has ended, 0: none yet. */
static inline int next_line(char line[RAW_LINE_BYTES], int timeout_ms) {
  static char buffer[RAW_LINE_BYTES];
  static size_t filled = 0;
  for (;;) {
    char* end = (char*)memchr(buffer, '\n', filled);
    if (end != NULL) {
      *end = '\0';
      memcpy(line, buffer, (size_t)(end + 1 - buffer));
      filled -= (size_t)(end + 1 - buffer);
      memmove(buffer, end + 1, filled);
      return 1;
    }
    struct pollfd input = {STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, timeout_ms) <= 0) return 0;
    const ssize_t count = read(STDIN_FILENO, buffer + filled, sizeof(buffer) - filled);
    if (count <= 0) return -1;
    filled += (size_t)count;
  }
}

/** Says that the program runs, waits until it is told to open, and registers at RouDi. Ends where the input ends before. */
static inline void open_when_told(const char* name) {
  SAY("{\"at\":\"started\"}");
  char line[RAW_LINE_BYTES];
  if (next_line(line, -1) != 1) exit(0);
  iox_set_loglevel(Iceoryx_LogLevel_Off);
  iox_runtime_init(name);
}

/** The byte of a block's data at an index behind the epoch; tests/ring/payload.ts does the same. */
static inline uint8_t payload_byte(uint64_t sequence, uint32_t index) {
  return (uint8_t)(sequence * 31u + index * 7u + (sequence >> 8u));
}

#endif
