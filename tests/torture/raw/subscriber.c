/* SPDX-License-Identifier: Apache-2.0
 *
 * raw_subscriber <stream> <runtime name> <rest in us after what was there> <raw|foreign>
 *
 * Takes blocks from when it is told "open", and checks them when they are those of raw_publisher. Tells each new life of a publisher,
 * and answers every line with what it has taken. A hole in the sequences that iceoryx's one bit about lost chunks did not tell is left
 * out of what it says it missed.
 */
#define _GNU_SOURCE
#include "raw.h"

#include "iceoryx_binding_c/subscriber.h"

#define QUEUE_CAPACITY 256u

typedef struct run {
  uint64_t epoch, first, last, received;
} run;

static run runs[2]; /* the last one, and the one before it */
static uint64_t received, missed, holes, wrong;
static bool is_foreign;

static void read_block(iox_sub_t port, const qaultra_market_data_block* block) {
  received++;
  if (is_foreign) return;
  uint64_t epoch;
  memcpy(&epoch, block->data, RAW_EPOCH_BYTES);
  for (uint32_t i = RAW_EPOCH_BYTES; i < RAW_PAYLOAD_BYTES; i++) {
    if (block->data[i] != payload_byte(block->sequence, i)) {
      wrong++;
      break;
    }
  }
  if (epoch != runs[1].epoch) {
    runs[0] = runs[1];
    runs[1] = (run){epoch, block->sequence, block->sequence, 1};
    SAY("{\"at\":\"epoch\",\"epoch\":\"%016llx\",\"first\":%llu,\"timeMs\":%llu}", (unsigned long long)epoch,
        (unsigned long long)block->sequence, (unsigned long long)now_ms());
    return;
  }
  if (block->sequence <= runs[1].last) {
    wrong++;
  } else if (block->sequence > runs[1].last + 1) {
    const uint64_t hole = block->sequence - runs[1].last - 1;
    holes += hole;
    if (iox_sub_has_lost_chunks(port)) missed += hole;
  }
  runs[1].last = block->sequence;
  runs[1].received++;
}

static void say_run(const run* one, const char* before) {
  printf("%s{\"epoch\":\"%016llx\",\"first\":%llu,\"last\":%llu,\"received\":%llu}", before, (unsigned long long)one->epoch,
         (unsigned long long)one->first, (unsigned long long)one->last, (unsigned long long)one->received);
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const long rest = strtol(argv[3], NULL, 10);
  is_foreign = strcmp(argv[4], "foreign") == 0;
  open_when_told(argv[2]);
  iox_sub_storage_t storage;
  iox_sub_options_t options;
  iox_sub_options_init(&options);
  options.queueCapacity = QUEUE_CAPACITY;
  iox_sub_t port = iox_sub_init(&storage, RAW_SERVICE, argv[1], RAW_EVENT, &options);
  SAY("{\"at\":\"open\"}");
  for (;;) {
    char line[RAW_LINE_BYTES];
    const int got = next_line(line, 0);
    if (got < 0) break;
    if (got > 0 && strcmp(line, "exit") == 0) exit(7);
    if (got > 0) {
      printf("{\"at\":\"stats\",\"received\":%llu,\"missed\":%llu,\"holes\":%llu,\"wrong\":%llu,\"dropped\":0,\"runs\":[",
             (unsigned long long)received, (unsigned long long)missed, (unsigned long long)holes, (unsigned long long)wrong);
      if (runs[0].received > 0) say_run(&runs[0], "");
      if (runs[1].received > 0) say_run(&runs[1], runs[0].received > 0 ? "," : "");
      SAY("]}");
    }
    const void* chunk = NULL;
    uint32_t taken = 0;
    while (taken < QUEUE_CAPACITY && iox_sub_take_chunk(port, &chunk) == ChunkReceiveResult_SUCCESS) {
      read_block(port, (const qaultra_market_data_block*)chunk);
      iox_sub_release_chunk(port, chunk);
      taken++;
    }
    if (rest > 0) rest_us(rest);
  }
  iox_sub_deinit(port);
  return 0;
}
