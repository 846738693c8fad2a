/* SPDX-License-Identifier: Apache-2.0
 *
 * One part of a way of full blocks over iceoryx_binding_c, for `relay-latency` and `relay-throughput`: each role is a process.
 *
 *   floor_hop --role 0 (publish) --count N --warmup W --rate R --cpu C --lossless 0|1 --bytes B
 *   floor_hop --role 1 (receive) --count N --warmup W --cpu C --lossless 0|1 --bytes B
 *   floor_hop --role 2 (copy)    --count N --warmup W --cpu C --lossless 0|1 --bytes B
 *
 * The publisher sleeps between two blocks, or, with a rate of 0, never; each block says when it was sent. The receiver spins, copies the
 * used bytes out, and takes the time from there to here; it reads what the copier publishes, when there is one (--copied 1). The copier
 * takes, copies and publishes, which is what a relay does. Each prints "ready", and one line of JSON at the end.
 */
#define _GNU_SOURCE
#include "floor.h"
#include "port.h"

#define STREAM "floor_hop"
#define COPIED "floor_hop_copied"

enum { PUBLISH, RECEIVE, COPY };

typedef struct part {
  uint64_t count, warmup, rate, cpu;
  uint32_t bytes;
  bool lossless, copied;
} part;

static void ready(void) {
  puts("ready");
  fflush(stdout);
}

static int publish(const part* p) {
  runtime_open("hop_publisher");
  publisher out;
  publisher_open(&out, STREAM, p->lossless);
  publisher_await_subscriber(&out);
  pin(p->cpu);
  ready();
  payloads_make(p->bytes);
  struct timespec next;
  clock_gettime(CLOCK_MONOTONIC, &next);
  for (uint64_t i = 0; i < p->warmup + p->count; i++) {
    if (p->rate != 0) {
      next.tv_nsec += (long)(1000000000u / p->rate);
      if (next.tv_nsec >= 1000000000) {
        next.tv_nsec -= 1000000000;
        next.tv_sec++;
      }
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
    }
    uint8_t* data = (uint8_t*)payload((uint32_t)i);
    const uint64_t now = clock_ns(CLOCK_MONOTONIC);
    memcpy(data + 8, &now, sizeof now);
    publisher_send(&out, i, data, p->bytes);
  }
  const struct timespec pause = {0, 1000000};
  while (iox_pub_has_subscribers(out.port)) nanosleep(&pause, NULL);
  iox_pub_deinit(out.port);
  puts("{\"ok\":true}");
  return 0;
}

static int receive(const part* p) {
  static _Alignas(64) uint8_t received[8192];
  static histogram latency;
  runtime_open("hop_subscriber");
  subscriber in;
  subscriber_open(&in, p->copied ? COPIED : STREAM, p->lossless);
  pin(p->cpu);
  ready();
  uint64_t missed = 0;
  for (uint64_t next = 0; next < p->warmup + p->count;) {
    const uint64_t sequence = subscriber_receive(&in, received);
    uint64_t sent;
    memcpy(&sent, received + 8, sizeof sent);
    const uint64_t now = clock_ns(CLOCK_MONOTONIC);
    if (sequence >= p->warmup) histogram_add(&latency, now - sent);
    missed += sequence - next;
    next = sequence + 1;
  }
  iox_sub_deinit(in.port);
  printf("{\"ok\":true,\"missed\":%llu,", (unsigned long long)missed);
  histogram_print(&latency, 1);
  puts("}");
  return 0;
}

static int copy(const part* p) {
  runtime_open("hop_copier");
  publisher out;
  publisher_open(&out, COPIED, p->lossless);
  publisher_await_subscriber(&out);
  subscriber in;
  subscriber_open(&in, STREAM, p->lossless);
  pin(p->cpu);
  ready();
  uint64_t begin = 0;
  for (uint64_t i = 0; i < p->warmup + p->count; i++) {
    const void* chunk = NULL;
    while (iox_sub_take_chunk(in.port, &chunk) != ChunkReceiveResult_SUCCESS) {
    }
    void* copied = NULL;
    if (iox_pub_loan_aligned_chunk(out.port, &copied, QAULTRA_BLOCK_SIZE, QAULTRA_BLOCK_ALIGNMENT) != AllocationResult_SUCCESS) {
      fprintf(stderr, "No chunk to be had for block %llu\n", (unsigned long long)i);
      return 2;
    }
    const qaultra_market_data_block* block = (const qaultra_market_data_block*)chunk;
    memcpy(copied, block, QAULTRA_BLOCK_HEADER_SIZE + block->data_length);
    iox_pub_publish_chunk(out.port, copied);
    iox_sub_release_chunk(in.port, chunk);
    if (i + 1 == p->warmup) begin = clock_ns(CLOCK_MONOTONIC);
  }
  const double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
  iox_sub_deinit(in.port);
  const struct timespec pause = {0, 1000000};
  while (iox_pub_has_subscribers(out.port)) nanosleep(&pause, NULL);
  iox_pub_deinit(out.port);
  printf("{\"ok\":true,\"count\":%llu,\"blocksPerSecond\":%.0f}\n", (unsigned long long)p->count, (double)p->count / seconds);
  return 0;
}

int main(int argc, char** argv) {
  const part p = {
      .count = option(argc, argv, "--count", 10000),
      .warmup = option(argc, argv, "--warmup", 1000),
      .rate = option(argc, argv, "--rate", 0),
      .cpu = option(argc, argv, "--cpu", 0),
      .bytes = (uint32_t)option(argc, argv, "--bytes", QAULTRA_BLOCK_DATA_SIZE),
      .lossless = option(argc, argv, "--lossless", 0) != 0,
      .copied = option(argc, argv, "--copied", 0) != 0,
  };
  if (p.bytes < 16 || p.bytes % 4 != 0 || p.bytes > QAULTRA_BLOCK_DATA_SIZE || p.count == 0 || p.warmup == 0) {
    fprintf(stderr, "floor_hop: --bytes is a multiple of 4 from 16 to 8160, --count and --warmup at least 1\n");
    return 2;
  }
  const uint64_t role = option(argc, argv, "--role", PUBLISH);
  return role == RECEIVE ? receive(&p) : role == COPY ? copy(&p) : publish(&p);
}
