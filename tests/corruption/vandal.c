// SPDX-License-Identifier: Apache-2.0
//
// Writes random bytes into the memory of others.
//
//   corruption_vandal SEED PER_MS PATH FROM STRIDE LENGTH COUNT [PATH FROM STRIDE LENGTH COUNT]...
//
// Maps each file and overwrites bytes of its COUNT pieces of LENGTH bytes, the first of which begins at FROM and each other one STRIDE
// behind the one before; PER_MS of them in a millisecond. Says how many it has written, again and again, until its input ends.
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define AREAS_MAX 256
#define AREA_ARGUMENTS 5
#define MS_PER_REPORT 50
/** Bytes that are overwritten in a row, at the most. */
#define RUN_MAX 8

typedef struct area {
  volatile uint8_t* memory;
  uint64_t from, stride, length, count;
} area;

static uint64_t random_next(uint64_t* state) {
  /* splitmix64 */
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static area open_area(char** arguments) {
  const int file = open(arguments[0], O_RDWR | O_CLOEXEC);
  struct stat found;
  if (file < 0 || fstat(file, &found) != 0) fail(arguments[0]);
  const uint64_t bytes = (uint64_t)found.st_size;
  void* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) fail("mmap");
  close(file);
  area made = {memory, strtoull(arguments[1], NULL, 10), strtoull(arguments[2], NULL, 10),
               strtoull(arguments[3], NULL, 10), strtoull(arguments[4], NULL, 10)};
  if (made.length == 0 || made.count == 0 || made.from + (made.count - 1) * made.stride + made.length > bytes) {
    fprintf(stderr, "The pieces do not lie within the %" PRIu64 " bytes of %s\n", bytes, arguments[0]);
    exit(1);
  }
  return made;
}

int main(int count, char** arguments) {
  const int areas_given = (count - 3) / AREA_ARGUMENTS;
  if (count < 3 + AREA_ARGUMENTS || areas_given > AREAS_MAX || 3 + areas_given * AREA_ARGUMENTS != count) {
    fprintf(stderr, "usage: corruption_vandal SEED PER_MS PATH FROM STRIDE LENGTH COUNT...\n");
    return 2;
  }
  uint64_t random = strtoull(arguments[1], NULL, 10);
  const uint64_t per_ms = strtoull(arguments[2], NULL, 10);
  area areas[AREAS_MAX];
  for (int i = 0; i < areas_given; i++) areas[i] = open_area(arguments + 3 + i * AREA_ARGUMENTS);
  uint64_t written = 0;
  for (uint64_t ms = 0;; ms++) {
    if (ms % MS_PER_REPORT == 0) {
      printf("%" PRIu64 "\n", written);
      fflush(stdout);
      struct pollfd input = {STDIN_FILENO, POLLIN, 0};
      if (poll(&input, 1, 0) > 0) return 0;
    }
    for (uint64_t i = 0; i < per_ms; i++) {
      const area* here = &areas[random_next(&random) % (uint64_t)areas_given];
      uint64_t at = random_next(&random) % here->length;
      volatile uint8_t* piece = here->memory + here->from + random_next(&random) % here->count * here->stride;
      for (uint64_t run = 1 + random_next(&random) % RUN_MAX; run > 0 && at < here->length; run--) {
        piece[at++] = (uint8_t)random_next(&random);
        written++;
      }
    }
    const struct timespec pause = {0, 1000000};
    nanosleep(&pause, NULL);
  }
}
