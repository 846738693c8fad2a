/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor of `queue-throughput`: one publisher, one subscriber process, full blocks over iceoryx_binding_c. Nothing may be
 * lost, so the publisher waits for the consumer.
 *
 *   floor_throughput [--bytes 8160] [--count N] [--warmup W] [--cpu-publisher C] [--cpu-subscriber C]
 *
 * Timed on the subscriber's side from the first block after the warm-up to the last. Both sides copy the used bytes, and sum
 * them up for every block, inside the timed loop. Prints one line of JSON.
 */
#define _GNU_SOURCE
#include "floor.h"
#include "port.h"

#include <sys/wait.h>
#include <unistd.h>

static _Alignas(64) uint8_t received[8192];

static uint32_t run_publisher(uint64_t blocks, uint32_t bytes, uint64_t cpu) {
  runtime_open("publisher");
  publisher out;
  publisher_open(&out, "floor_throughput", true);
  publisher_await_subscriber(&out);
  pin(cpu);
  uint32_t sum = 0;
  for (uint64_t i = 0; i < blocks; i++) {
    const uint8_t* data = payload((uint32_t)i);
    publisher_send(&out, i, data, bytes);
    sum += checksum(data, bytes);
  }
  const struct timespec pause = {0, 1000000};
  while (iox_pub_has_subscribers(out.port)) nanosleep(&pause, NULL);
  iox_pub_deinit(out.port);
  return sum;
}

int main(int argc, char** argv) {
  const uint32_t bytes = (uint32_t)option(argc, argv, "--bytes", QAULTRA_BLOCK_DATA_SIZE);
  const uint64_t count = option(argc, argv, "--count", 500000);
  const uint64_t warmup = option(argc, argv, "--warmup", 50000);
  if (bytes == 0 || bytes % 4 != 0 || bytes > QAULTRA_BLOCK_DATA_SIZE || count == 0) {
    fprintf(stderr, "floor_throughput: --bytes is a multiple of 4 up to 8160, --count at least 1\n");
    return 2;
  }
  payloads_make(bytes);
  int result[2];
  if (pipe(result) != 0) return 2;
  const pid_t child = fork();
  if (child == 0) {
    const uint32_t sum = run_publisher(warmup + count, bytes, option(argc, argv, "--cpu-publisher", 0));
    return write(result[1], &sum, sizeof(sum)) == (ssize_t)sizeof(sum) ? 0 : 2;
  }

  runtime_open("subscriber");
  subscriber in;
  subscriber_open(&in, "floor_throughput", true);
  pin(option(argc, argv, "--cpu-subscriber", 1));
  uint32_t sum = 0;
  uint64_t missed = 0;
  uint64_t begin = 0;
  for (uint64_t i = 0; i < warmup + count; i++) {
    if (subscriber_receive(&in, received) != i) missed++;
    sum += checksum(received, bytes);
    if (i + 1 == warmup || (warmup == 0 && i == 0)) begin = clock_ns(CLOCK_MONOTONIC);
  }
  const double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
  iox_sub_deinit(in.port);

  uint32_t sent_sum = 0;
  const bool answered = read(result[0], &sent_sum, sizeof(sent_sum)) == (ssize_t)sizeof(sent_sum);
  int status = 0;
  waitpid(child, &status, 0);
  const bool ok = answered && status == 0 && missed == 0 && sum == sent_sum;
  printf("{\"ok\":%s,\"count\":%llu,\"bytes\":%u,\"checksum\":%u,\"missed\":%llu,\"blocksPerSecond\":%.0f}\n",
         ok ? "true" : "false", (unsigned long long)count, bytes, sum, (unsigned long long)missed,
         (double)count / seconds);
  return ok ? 0 : 1;
}
