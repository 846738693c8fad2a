/* SPDX-License-Identifier: Apache-2.0
 *
 * The floor of `open`: from the start of the process to the first block, and how long registering at RouDi takes.
 *
 *   floor_open --started-ms T     (T: CLOCK_REALTIME in milliseconds when the process was started)
 */
#define _GNU_SOURCE
#include "floor.h"
#include "port.h"

int main(int argc, char** argv) {
  const uint64_t started_ms = option(argc, argv, "--started-ms", 0);
  const uint64_t begin = clock_ns(CLOCK_MONOTONIC);
  runtime_open("open");
  const double attach_ms = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e6;
  subscriber in;
  subscriber_open(&in, "open", false);
  const void* chunk = NULL;
  const struct timespec pause = {0, 100000};
  while (iox_sub_take_chunk(in.port, &chunk) != ChunkReceiveResult_SUCCESS) nanosleep(&pause, NULL);
  const double first_block_ms = (double)clock_ns(CLOCK_REALTIME) / 1e6 - (double)started_ms;
  iox_sub_release_chunk(in.port, chunk);
  iox_sub_deinit(in.port);
  printf("{\"ok\":true,\"attachMs\":%.3f,\"firstBlockMs\":%.3f}\n", attach_ms, first_block_ms);
  return 0;
}
