/* SPDX-License-Identifier: Apache-2.0
 *
 * A floor of `ring-throughput-*` and of `ring-decode`: one writer, one reader process, a ring of slots in plain shared memory.
 * Nothing may be lost, so the writer waits for the reader.
 *
 *   floor_plain_throughput [--bytes 72|8160] [--slots S] [--decode 0|1] [--count N] [--warmup W] [--cpu-writer C]
 *                          [--cpu-reader C]
 *
 * Timed on the reader's side from the first block after the warm-up to the last. Both sides copy the used bytes, and sum them up
 * for every block, inside the timed loop. With --decode 1 the blocks hold 113 ticks each, and the reader adds up all fields of
 * all of them in place instead. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include "plain.h"

#define TICKS 113u
#define SLOTS_MAX 65536u

typedef struct tick {
  int64_t timestamp_ns;
  double last;
  double bid;
  double ask;
  uint64_t volume;
  char symbol[32];
} tick;

typedef struct ring {
  uint32_t sent_sum; /* before the slots: see plain.h */
  plain_slot slots[];
} ring;

/** The next block that the reader takes. In a mapping of its own. */
static _Atomic uint64_t* cursor;

typedef struct options {
  uint64_t blocks;
  uint64_t warmup;
  uint32_t bytes;
  uint32_t slots;
  bool decode;
} options;

static _Alignas(64) uint8_t received[8192];

/** Payload p holds the ticks of `bench/support/decoding.ts`, each price and volume higher by p. */
static void ticks_make(void) {
  for (uint32_t p = 0; p < PAYLOADS; p++) {
    for (uint32_t i = 0; i < TICKS; i++) {
      const double last = 4000 + p + i * 0.25;
      const tick t = {INT64_C(1700000000000000000) + (int64_t)i * 1000000, last, last - 0.25, last + 0.25, 1000 + p + i, "ES"};
      memcpy(payloads[p] + i * sizeof(tick), &t, sizeof(tick));
    }
  }
}

static double ticks_sum(const uint8_t* data) {
  double sum = 0;
  for (uint32_t i = 0; i < TICKS; i++) {
    tick t;
    memcpy(&t, data + i * sizeof(tick), sizeof(tick));
    uint32_t symbol;
    memcpy(&symbol, t.symbol, sizeof(symbol));
    sum += (double)t.timestamp_ns / 1e6 + t.last + t.bid + t.ask + (double)t.volume + symbol;
  }
  return sum;
}

static void run_writer(ring* shared, const options* o) {
  uint32_t sum = 0;
  uint64_t room_until = o->slots; /* the first sequence that may not be written yet */
  for (uint64_t i = 0; i < o->blocks; i++) {
    const uint8_t* data = o->decode ? payloads[i % PAYLOADS] : payload((uint32_t)i);
    while (i >= room_until) room_until = atomic_load_explicit(cursor, memory_order_acquire) + o->slots;
    plain_write(&shared->slots[i % o->slots], i, data, o->bytes);
    if (!o->decode) sum += checksum(data, o->bytes);
  }
  shared->sent_sum = sum;
}

/** Takes the blocks [from, end). Returns false when one was wrong. */
static bool take(ring* shared, const options* o, uint64_t from, uint64_t end, const double* expected, uint32_t* sum) {
  bool ok = true;
  for (uint64_t i = from; i < end; i++) {
    const uint8_t* data = plain_await(&shared->slots[i % o->slots], i);
    if (o->decode) {
      if (ticks_sum(data) != expected[i % PAYLOADS]) ok = false;
    } else {
      memcpy(received, data, o->bytes);
    }
    atomic_store_explicit(cursor, i + 1, memory_order_release);
    if (!o->decode) *sum += checksum(received, o->bytes);
  }
  return ok;
}

int main(int argc, char** argv) {
  const uint64_t count = option(argc, argv, "--count", 500000);
  options o = {0, option(argc, argv, "--warmup", 50000), 0, (uint32_t)option(argc, argv, "--slots", 64), false};
  o.decode = option(argc, argv, "--decode", 0) != 0;
  o.bytes = o.decode ? TICKS * (uint32_t)sizeof(tick) : (uint32_t)option(argc, argv, "--bytes", QAULTRA_BLOCK_DATA_SIZE);
  o.blocks = o.warmup + count;
  if (o.bytes == 0 || o.bytes % 4 != 0 || o.bytes > QAULTRA_BLOCK_DATA_SIZE || count == 0 || o.slots == 0 ||
      o.slots > SLOTS_MAX) {
    fprintf(stderr, "floor_plain_throughput: --bytes is a multiple of 4 up to 8160, --slots up to %u\n", SLOTS_MAX);
    return 2;
  }
  double expected[PAYLOADS];
  if (o.decode) ticks_make();
  else payloads_make(o.bytes);
  for (uint32_t p = 0; p < PAYLOADS; p++) expected[p] = o.decode ? ticks_sum(payloads[p]) : 0;
  cursor = plain_area(sizeof(*cursor));
  ring* shared = plain_area(sizeof(ring) + o.slots * sizeof(plain_slot));
  const pid_t child = fork();
  if (child == 0) {
    pin(option(argc, argv, "--cpu-writer", 0));
    run_writer(shared, &o);
    return 0;
  }

  pin(option(argc, argv, "--cpu-reader", 1));
  uint32_t sum = 0;
  bool ok = take(shared, &o, 0, o.warmup, expected, &sum);
  const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
  ok = take(shared, &o, o.warmup, o.blocks, expected, &sum) && ok;
  const double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
  int status = 0;
  waitpid(child, &status, 0);
  ok = ok && status == 0 && sum == shared->sent_sum;
  printf("{\"ok\":%s,\"count\":%llu,\"bytes\":%u,\"checksum\":%u,\"blocksPerSecond\":%.0f,\"ticksPerSecond\":%.0f}\n",
         ok ? "true" : "false", (unsigned long long)count, o.bytes, sum, (double)count / seconds,
         o.decode ? (double)count * TICKS / seconds : 0.0);
  return ok ? 0 : 1;
}
