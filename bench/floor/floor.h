/* SPDX-License-Identifier: Apache-2.0
 *
 * What the floors share with the TypeScript benches: payloads, checksum, histogram, pinning. `bench/support/payload.ts` and
 * `bench/support/histogram.ts` do the same, step for step.
 */
#ifndef QAULTRA_BENCH_FLOOR_H
#define QAULTRA_BENCH_FLOOR_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "qaultra_ipc/market_data_block.h"

#define PAYLOADS 8u

/* ---- options --------------------------------------------------------------------------------------------------------- */

static inline uint64_t option(int argc, char** argv, const char* name, uint64_t otherwise) {
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], name) == 0) return strtoull(argv[i + 1], NULL, 10);
  }
  return otherwise;
}

/* ---- machine --------------------------------------------------------------------------------------------------------- */

static inline void pin(uint64_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  if (sched_setaffinity(0, sizeof(set), &set) != 0) {
    perror("sched_setaffinity");
    exit(2);
  }
}

static inline uint64_t clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- payloads: eight blocks of data, made once; block i is payload i mod 8 with i in its first word --------------------- */

static _Alignas(64) uint8_t payloads[PAYLOADS][8192];

static inline void payloads_make(uint32_t bytes) {
  for (uint32_t p = 0; p < PAYLOADS; p++) {
    for (uint32_t at = 0; at < bytes; at += 4) {
      const uint32_t word = (p + 1u) * 0x9E3779B1u + at * 0x85EBCA77u;
      memcpy(payloads[p] + at, &word, 4);
    }
  }
}

static inline const uint8_t* payload(uint32_t i) {
  uint8_t* data = payloads[i % PAYLOADS];
  memcpy(data, &i, 4);
  return data;
}

/** Sum of the bytes as u32 words modulo 2^32; `bytes` is a multiple of 4. The compiler makes SIMD of it, as the
 * TypeScript side does by WebAssembly. */
static inline uint32_t checksum(const uint8_t* data, uint32_t bytes) {
  uint32_t sum = 0;
  for (uint32_t at = 0; at < bytes; at += 4) {
    uint32_t word;
    memcpy(&word, data + at, 4);
    sum += word;
  }
  return sum;
}

/** The header that our broadcaster writes, with the time of publishing. */
static inline void header_write(qaultra_market_data_block* block, uint64_t sequence, uint32_t bytes) {
  block->sequence = sequence;
  block->timestamp_ns = clock_ns(CLOCK_REALTIME);
  block->record_count = bytes / 8;
  block->data_type = QAULTRA_DATA_TYPE_TICK;
  block->flags = QAULTRA_BLOCK_FLAG_LENGTH;
  block->data_length = (uint16_t)bytes;
  block->record_size = 8;
  block->schema_id = 0;
}

/* ---- histogram: exact below 256 ns, then 256 steps for each power of two (0.4 %) ---------------------------------------- */

#define HISTOGRAM_STEPS 256u
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * 40u)

typedef struct histogram {
  uint64_t count;
  uint64_t max;
  uint64_t buckets[HISTOGRAM_BUCKETS];
} histogram;

static inline uint32_t histogram_index(uint64_t value) {
  if (value < HISTOGRAM_STEPS) return (uint32_t)value;
  const uint32_t power = 63u - (uint32_t)__builtin_clzll(value); /* 8 or more */
  const uint32_t index = (power - 7u) * HISTOGRAM_STEPS + (uint32_t)(value >> (power - 8u)) - HISTOGRAM_STEPS;
  return index < HISTOGRAM_BUCKETS ? index : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_add(histogram* h, uint64_t value) {
  h->buckets[histogram_index(value)]++;
  h->count++;
  if (value > h->max) h->max = value;
}

/** The lower edge of the bucket in which the given part of all samples is reached. */
static inline double histogram_at(const histogram* h, double part) {
  const double wanted = part * (double)h->count;
  uint64_t seen = 0;
  for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
    seen += h->buckets[i];
    if ((double)seen >= wanted) {
      if (i < HISTOGRAM_STEPS) return (double)i;
      const uint32_t power = i / HISTOGRAM_STEPS + 7u;
      return (double)((uint64_t)(i % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << (power - 8u));
    }
  }
  return (double)h->max;
}

/** Writes the count and the percentiles, each multiplied by `factor`, as members of a JSON object. */
static inline void histogram_print(const histogram* h, double factor) {
  static const struct {
    const char* name;
    double part;
  } wanted[] = {{"p10", 0.1},   {"p25", 0.25},   {"p50", 0.5},   {"p75", 0.75},    {"p90", 0.9},    {"p95", 0.95},
                {"p99", 0.99}, {"p995", 0.995}, {"p999", 0.999}, {"p9995", 0.9995}, {"p9999", 0.9999}};
  printf("\"count\":%llu", (unsigned long long)h->count);
  for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
    printf(",\"%s\":%.1f", wanted[i].name, histogram_at(h, wanted[i].part) * factor);
  }
  printf(",\"max\":%.1f", (double)h->max * factor);
}

#endif
