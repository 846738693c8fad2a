/* SPDX-License-Identifier: Apache-2.0
 *
 * A publisher and a subscriber over iceoryx_binding_c with the options that the TypeScript benches use.
 */
#ifndef QAULTRA_BENCH_PORT_H
#define QAULTRA_BENCH_PORT_H

#include "iceoryx_binding_c/log.h"
#include "iceoryx_binding_c/publisher.h"
#include "iceoryx_binding_c/runtime.h"
#include "iceoryx_binding_c/subscriber.h"

#include <unistd.h>

#define FLOOR_SERVICE "Bench"
#define FLOOR_EVENT "Data"
#define FLOOR_QUEUE_CAPACITY 256u

typedef struct publisher {
  iox_pub_storage_t storage;
  iox_pub_t port;
} publisher;

typedef struct subscriber {
  iox_sub_storage_t storage;
  iox_sub_t port;
} subscriber;

/** Registers at RouDi. iceoryx unregisters when the program ends; `iox_runtime_shutdown` must not be called before, since its
 * request then races with that one on the same channel, and now and then the program waits for ever. */
static inline void runtime_open(const char* role) {
  char name[64];
  snprintf(name, sizeof(name), "floor_%s_%d", role, (int)getpid());
  iox_set_loglevel(Iceoryx_LogLevel_Error);
  iox_runtime_init(name);
}

static inline void publisher_open(publisher* self, const char* stream, bool lossless) {
  iox_pub_options_t options;
  iox_pub_options_init(&options);
  options.subscriberTooSlowPolicy =
      lossless ? ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER : ConsumerTooSlowPolicy_DISCARD_OLDEST_DATA;
  self->port = iox_pub_init(&self->storage, FLOOR_SERVICE, stream, FLOOR_EVENT, &options);
}

static inline void subscriber_open(subscriber* self, const char* stream, bool lossless) {
  iox_sub_options_t options;
  iox_sub_options_init(&options);
  options.queueCapacity = FLOOR_QUEUE_CAPACITY;
  options.queueFullPolicy = lossless ? QueueFullPolicy_BLOCK_PRODUCER : QueueFullPolicy_DISCARD_OLDEST_DATA;
  self->port = iox_sub_init(&self->storage, FLOOR_SERVICE, stream, FLOOR_EVENT, &options);
}

static inline void publisher_await_subscriber(publisher* self) {
  const struct timespec pause = {0, 1000000};
  while (!iox_pub_has_subscribers(self->port)) nanosleep(&pause, NULL);
}

/** Copies `bytes` from `data` into a chunk of a whole block and publishes it. */
static inline void publisher_send(publisher* self, uint64_t sequence, const uint8_t* data, uint32_t bytes) {
  void* chunk = NULL;
  if (iox_pub_loan_aligned_chunk(self->port, &chunk, QAULTRA_BLOCK_SIZE, QAULTRA_BLOCK_ALIGNMENT) !=
      AllocationResult_SUCCESS) {
    fprintf(stderr, "No chunk to be had for block %llu\n", (unsigned long long)sequence);
    exit(2);
  }
  qaultra_market_data_block* block = (qaultra_market_data_block*)chunk;
  header_write(block, sequence, bytes);
  memcpy(block->data, data, bytes);
  iox_pub_publish_chunk(self->port, chunk);
}

/** Spins until a block is there, copies its used bytes to `out` and gives it back. Returns its sequence. */
static inline uint64_t subscriber_receive(subscriber* self, uint8_t* out) {
  const void* chunk = NULL;
  while (iox_sub_take_chunk(self->port, &chunk) != ChunkReceiveResult_SUCCESS) {
  }
  const qaultra_market_data_block* block = (const qaultra_market_data_block*)chunk;
  const uint64_t sequence = block->sequence;
  memcpy(out, block->data, block->data_length);
  iox_sub_release_chunk(self->port, chunk);
  return sequence;
}

#endif
