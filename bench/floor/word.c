/* SPDX-License-Identifier: Apache-2.0
 *
 * The physical floor of the latency benches: one bare word bounced between two pinned threads. No block, no copy, no process
 * boundary. (A word for each direction, on lines of their own, takes a fifth longer.)
 *
 *   floor_word [--count N] [--warmup W] [--cpu-ping C] [--cpu-pong C]
 *
 * Timed is one round trip; one-way is half of it. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include "floor.h"

#include <pthread.h>
#include <stdatomic.h>

/** Odd: the asking side has written it; even: the answering one. Two lines from anything else, since lines come in pairs. */
static _Alignas(128) _Atomic uint64_t word;
static _Alignas(128) histogram latencies;

typedef struct pong {
  uint64_t rounds;
  uint64_t cpu;
} pong;

static void await(uint64_t value) {
  while (atomic_load_explicit(&word, memory_order_acquire) != value) {
  }
}

static void write_word(uint64_t value) { atomic_store_explicit(&word, value, memory_order_release); }

static void* run_pong(void* argument) {
  const pong* self = argument;
  pin(self->cpu);
  for (uint64_t i = 1; i <= self->rounds; i++) {
    await(2 * i - 1);
    write_word(2 * i);
  }
  return NULL;
}

int main(int argc, char** argv) {
  const uint64_t count = option(argc, argv, "--count", 200000);
  const uint64_t warmup = option(argc, argv, "--warmup", 20000);
  pong other = {warmup + count, option(argc, argv, "--cpu-pong", 1)};
  pthread_t thread;
  if (count == 0 || pthread_create(&thread, NULL, run_pong, &other) != 0) return 2;
  pin(option(argc, argv, "--cpu-ping", 0));
  for (uint64_t i = 1; i <= warmup + count; i++) {
    const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    write_word(2 * i - 1);
    await(2 * i);
    const uint64_t end = clock_ns(CLOCK_MONOTONIC);
    if (i > warmup) histogram_add(&latencies, end - begin);
  }
  pthread_join(thread, NULL);
  printf("{\"ok\":true,");
  histogram_print(&latencies, 0.5);
  printf("}\n");
  return 0;
}
