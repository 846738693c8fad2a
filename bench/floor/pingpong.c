/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor of `queue-tick`, `queue-block` and their likes on the ring, and with 8 bytes of `ring-flag`: ping-pong between two
 * processes over iceoryx_binding_c.
 *
 *   floor_pingpong [--bytes 8|72|8160] [--count N] [--warmup W] [--cpu-ping C] [--cpu-pong C]
 *
 * Each side copies the used bytes of its blocks in and out. What is timed is one round trip on the ping side: copy in,
 * publish, wait for the answer, copy out, give back. Preparing payloads and summing up what arrived lie outside; the pong
 * side sums after it has answered. One-way is half a round trip. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include "floor.h"
#include "port.h"

#include <sys/wait.h>
#include <unistd.h>

static _Alignas(64) uint8_t received[8192];

static uint32_t run_pong(uint64_t rounds, uint32_t bytes, uint64_t cpu) {
  runtime_open("pong");
  subscriber in;
  publisher out;
  subscriber_open(&in, "floor_ping", false);
  publisher_open(&out, "floor_pong", false);
  publisher_await_subscriber(&out);
  pin(cpu);
  uint32_t sum = 0;
  for (uint64_t i = 0; i < rounds; i++) {
    subscriber_receive(&in, received);
    publisher_send(&out, i, received, bytes);
    sum += checksum(received, bytes);
  }
  /* The last answer lies in a chunk of this publisher: stay until the other side has read it and is gone. */
  const struct timespec pause = {0, 1000000};
  while (iox_pub_has_subscribers(out.port)) nanosleep(&pause, NULL);
  iox_sub_deinit(in.port);
  iox_pub_deinit(out.port);
  return sum;
}

static histogram latencies;

int main(int argc, char** argv) {
  const uint32_t bytes = (uint32_t)option(argc, argv, "--bytes", 72);
  const uint64_t count = option(argc, argv, "--count", 200000);
  const uint64_t warmup = option(argc, argv, "--warmup", 20000);
  if (bytes == 0 || bytes % 4 != 0 || bytes > QAULTRA_BLOCK_DATA_SIZE || count == 0) {
    fprintf(stderr, "floor_pingpong: --bytes is a multiple of 4 up to 8160, --count at least 1\n");
    return 2;
  }
  payloads_make(bytes);
  int result[2];
  if (pipe(result) != 0) return 2;
  const pid_t child = fork();
  if (child == 0) {
    const uint32_t sum = run_pong(warmup + count, bytes, option(argc, argv, "--cpu-pong", 1));
    return write(result[1], &sum, sizeof(sum)) == (ssize_t)sizeof(sum) ? 0 : 2;
  }

  runtime_open("ping");
  subscriber in;
  publisher out;
  subscriber_open(&in, "floor_pong", false);
  publisher_open(&out, "floor_ping", false);
  publisher_await_subscriber(&out);
  pin(option(argc, argv, "--cpu-ping", 0));
  uint32_t sent_sum = 0;
  uint32_t received_sum = 0;
  for (uint64_t i = 0; i < warmup + count; i++) {
    const uint8_t* data = payload((uint32_t)i);
    sent_sum += checksum(data, bytes);
    const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    publisher_send(&out, i, data, bytes);
    subscriber_receive(&in, received);
    const uint64_t end = clock_ns(CLOCK_MONOTONIC);
    received_sum += checksum(received, bytes);
    if (i >= warmup) histogram_add(&latencies, end - begin);
  }
  iox_sub_deinit(in.port);
  iox_pub_deinit(out.port);

  uint32_t pong_sum = 0;
  const bool answered = read(result[0], &pong_sum, sizeof(pong_sum)) == (ssize_t)sizeof(pong_sum);
  int status = 0;
  waitpid(child, &status, 0);
  const bool ok = answered && status == 0 && sent_sum == received_sum && sent_sum == pong_sum;
  printf("{\"ok\":%s,\"bytes\":%u,\"checksum\":%u,", ok ? "true" : "false", bytes, received_sum);
  histogram_print(&latencies, 0.5);
  printf("}\n");
  return ok ? 0 : 1;
}
