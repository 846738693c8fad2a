/* SPDX-License-Identifier: Apache-2.0
 *
 * A floor of `ring-block`: ping-pong between two processes that copy the same bytes in and out of plain shared memory, through a
 * few slots each way. (With one slot each way a block takes a quarter longer: the writer then takes each line from the cache of
 * the reader that has just read it.)
 *
 *   floor_plain_pingpong [--bytes 72|8160] [--slots S] [--count N] [--warmup W] [--cpu-ping C] [--cpu-pong C]
 *
 * Timed and checked as floor_pingpong does. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include "plain.h"

#define SLOTS_MAX 256u

typedef struct area {
  uint32_t pong_sum; /* before the slots: see plain.h */
  plain_slot there[SLOTS_MAX];
  plain_slot back[SLOTS_MAX];
} area;

static uint32_t slots;

static _Alignas(64) uint8_t received[8192];
static histogram latencies;

static void run_pong(area* shared, uint64_t rounds, uint32_t bytes) {
  uint32_t sum = 0;
  for (uint64_t i = 0; i < rounds; i++) {
    memcpy(received, plain_await(&shared->there[i % slots], i), bytes);
    plain_write(&shared->back[i % slots], i, received, bytes);
    sum += checksum(received, bytes);
  }
  shared->pong_sum = sum;
}

int main(int argc, char** argv) {
  const uint32_t bytes = (uint32_t)option(argc, argv, "--bytes", 72);
  const uint64_t count = option(argc, argv, "--count", 200000);
  const uint64_t warmup = option(argc, argv, "--warmup", 20000);
  slots = (uint32_t)option(argc, argv, "--slots", 16);
  if (bytes == 0 || bytes % 4 != 0 || bytes > QAULTRA_BLOCK_DATA_SIZE || count == 0 || slots == 0 || slots > SLOTS_MAX) {
    fprintf(stderr, "floor_plain_pingpong: --bytes is a multiple of 4 up to 8160, --count at least 1, --slots 1 to 256\n");
    return 2;
  }
  payloads_make(bytes);
  area* shared = plain_area(sizeof(area));
  const pid_t child = fork();
  if (child == 0) {
    pin(option(argc, argv, "--cpu-pong", 1));
    run_pong(shared, warmup + count, bytes);
    return 0;
  }

  pin(option(argc, argv, "--cpu-ping", 0));
  uint32_t sent_sum = 0;
  uint32_t received_sum = 0;
  for (uint64_t i = 0; i < warmup + count; i++) {
    const uint8_t* data = payload((uint32_t)i);
    sent_sum += checksum(data, bytes);
    const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    plain_write(&shared->there[i % slots], i, data, bytes);
    memcpy(received, plain_await(&shared->back[i % slots], i), bytes);
    const uint64_t end = clock_ns(CLOCK_MONOTONIC);
    received_sum += checksum(received, bytes);
    if (i >= warmup) histogram_add(&latencies, end - begin);
  }

  int status = 0;
  waitpid(child, &status, 0);
  const bool ok = status == 0 && sent_sum == received_sum && sent_sum == shared->pong_sum;
  printf("{\"ok\":%s,\"bytes\":%u,\"checksum\":%u,", ok ? "true" : "false", bytes, received_sum);
  histogram_print(&latencies, 0.5);
  printf("}\n");
  return ok ? 0 : 1;
}
