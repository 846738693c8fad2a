/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads rings by ring.h and checks every word of every block that it is told is whole. Needs no RouDi.
 *
 *   torn_reader <used bytes> <stable|in-place> <seed> <epoch> [<epoch>]
 *
 * Says in lines of JSON what it has read, the last time when all rings have ended; reader.ts says the same.
 */
#include "pattern.h"

#include "qaultra_ipc/ring.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RINGS_MAX 2u
#define SLICE 4096u
/** Blocks in a row from one ring. */
#define RUN_BLOCKS 16u
/** How long it sleeps when there is nothing. */
#define IDLE_MS 1u
#define REPORT_NS 200000000ull
/** A rest comes after so many blocks at the most, and takes so many turns of the generator at the most. */
#define REST_BLOCKS_MASK 127u
#define REST_TURNS_MASK 4095u

typedef struct torn_report {
  uint64_t good, reported, detected, handled;
} torn_report;

static uint32_t random_state;

static uint32_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

/** Now and then lets the writer come near, or pass: a reader that always keeps up proves nothing. */
static void rest(void) {
  static uint32_t until_rest = 1;
  if (--until_rest > 0) return;
  until_rest = (random_bits() & REST_BLOCKS_MASK) + 1;
  for (uint32_t left = random_bits() & REST_TURNS_MASK; left > 0; left--) random_bits();
}

static void fail(const char* what) {
  fprintf(stderr, "torn_reader: %s\n", what);
  exit(2);
}

static void say(const torn_report* report, const qaultra_ring_reader* readers, uint32_t count, int is_last) {
  uint64_t received = 0, missed = 0, gaps = 0, torn = 0, corrupt = 0;
  for (uint32_t i = 0; i < count; i++) {
    received += readers[i].received;
    missed += readers[i].missed;
    gaps += readers[i].gaps;
    torn += readers[i].torn;
    corrupt += readers[i].corrupt;
  }
  printf("{\"good\":%" PRIu64 ",\"reported\":%" PRIu64 ",\"detected\":%" PRIu64 ",\"handled\":%" PRIu64
         ",\"received\":%" PRIu64 ",\"missed\":%" PRIu64 ",\"laps\":%" PRIu64 ",\"torn\":%" PRIu64
         ",\"corrupt\":%" PRIu64 ",\"isLast\":%s}\n",
         report->good, report->reported, report->detected, report->handled, received, missed, gaps, torn, corrupt,
         is_last ? "true" : "false");
  fflush(stdout);
}

/** Takes one block when there is one; one that was overwritten meanwhile is not counted as read. */
static int take(qaultra_ring_reader* reader, int in_place, uint32_t used_bytes, torn_report* report) {
  static qaultra_market_data_block copy;
  int is_right, is_whole;
  if (in_place) {
    const qaultra_market_data_block* block = qaultra_ring_reader_next(reader);
    if (block == NULL) return 0;
    rest();
    is_right = torn_holds(block, reader->next, used_bytes);
    is_whole = qaultra_ring_reader_release(reader);
  } else {
    if (!qaultra_ring_reader_copy(reader, &copy)) return 0;
    is_right = torn_holds(&copy, reader->next - 1, used_bytes);
    is_whole = 1;
    rest();
  }
  report->handled++;
  if (!is_whole) {
    report->detected++;
  } else if (is_right) {
    report->good++;
  } else {
    report->reported++;
  }
  return 1;
}

int main(int argc, char** argv) {
  if (argc < 5 || argc > 4 + (int)RINGS_MAX) fail("wrong arguments");
  const uint32_t used_bytes = (uint32_t)strtoul(argv[1], NULL, 10);
  const int in_place = strcmp(argv[2], "in-place") == 0;
  random_state = (uint32_t)strtoul(argv[3], NULL, 10) | 1u;
  const uint32_t count = (uint32_t)argc - 4;
  qaultra_ring_segments rings[RINGS_MAX];
  qaultra_ring_reader readers[RINGS_MAX];
  const qaultra_ring_identity self = qaultra_ring_identity_self();
  for (uint32_t i = 0; i < count; i++) {
    if (qaultra_ring_open(strtoull(argv[4 + i], NULL, 16), &rings[i]) != QAULTRA_RING_DONE) fail("there is no such ring");
  }
  /* Joining is what the writers wait for: the count begins with their first blocks. */
  for (uint32_t i = 0; i < count; i++) {
    if (!qaultra_ring_reader_join(&readers[i], rings[i].data, &rings[i].shape, &rings[i].table, &self, 0, 0,
                                  qaultra_ring_clock_ms())) {
      fail("the ring has no entry left");
    }
  }
  torn_report report = {0, 0, 0, 0};
  uint64_t reported_ns = qaultra_ring_clock_ns();
  for (uint32_t running = count; running > 0;) {
    const uint64_t handled = report.handled;
    for (uint32_t taken = 0; taken < SLICE; taken += RUN_BLOCKS) {
      for (uint32_t i = 0; i < count; i++) {
        for (uint32_t run = 0; run < RUN_BLOCKS && take(&readers[i], in_place, used_bytes, &report); run++) continue;
      }
    }
    /* Its writers are stopped, or wait for a processor. */
    if (report.handled == handled) qaultra_ring_reader_wait(&readers[0], IDLE_MS);
    running = 0;
    for (uint32_t i = 0; i < count; i++) running += !qaultra_ring_reader_ended(&readers[i]);
    const uint64_t now_ns = qaultra_ring_clock_ns();
    if (running == 0 || now_ns - reported_ns < REPORT_NS) continue;
    reported_ns = now_ns;
    say(&report, readers, count, 0);
  }
  say(&report, readers, count, 1);
  for (uint32_t i = 0; i < count; i++) {
    qaultra_ring_reader_leave(&readers[i]);
    qaultra_ring_unmap(&rings[i]);
  }
  return 0;
}
