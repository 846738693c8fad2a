/* SPDX-License-Identifier: Apache-2.0
 *
 * raw_publisher <stream> <runtime name> <log file> <blocks a second, 0: as fast as it goes>
 *
 * Publishes blocks whose first eight data bytes name this process's life. Begins when it is told "open", and then obeys "pause", "go",
 * "stats" and "exit". The log file's first eight bytes are a double: one more than the sequence of the last block that it published.
 */
#define _GNU_SOURCE
#include "raw.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "iceoryx_binding_c/publisher.h"

/** Blocks between two looks at stdin. */
#define SLICE 512u

static volatile double* map_log(const char* path) {
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0 || ftruncate(file, 4096) != 0) exit(2);
  void* page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) exit(2);
  close(file);
  return (volatile double*)page;
}

/** Publishes one block; false when there is no chunk for it. */
static bool publish(iox_pub_t port, uint64_t epoch, uint64_t sequence) {
  void* chunk = NULL;
  if (iox_pub_loan_aligned_chunk(port, &chunk, QAULTRA_BLOCK_SIZE, QAULTRA_BLOCK_ALIGNMENT) != AllocationResult_SUCCESS)
    return false;
  qaultra_market_data_block* block = (qaultra_market_data_block*)chunk;
  memset(block, 0, QAULTRA_BLOCK_HEADER_SIZE);
  block->sequence = sequence;
  block->timestamp_ns = now_ms() * 1000000u;
  block->record_count = 1;
  block->flags = QAULTRA_BLOCK_FLAG_LENGTH;
  block->data_length = RAW_PAYLOAD_BYTES;
  memcpy(block->data, &epoch, RAW_EPOCH_BYTES);
  for (uint32_t i = RAW_EPOCH_BYTES; i < RAW_PAYLOAD_BYTES; i++) block->data[i] = payload_byte(sequence, i);
  iox_pub_publish_chunk(port, chunk);
  return true;
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const uint64_t rate = strtoull(argv[4], NULL, 10);
  volatile double* log = map_log(argv[3]);
  open_when_told(argv[2]);
  iox_pub_storage_t storage;
  iox_pub_options_t options;
  iox_pub_options_init(&options);
  iox_pub_t port = iox_pub_init(&storage, RAW_SERVICE, argv[1], RAW_EVENT, &options);
  const uint64_t epoch = (uint64_t)getpid() << 32u | (uint32_t)now_ms();
  SAY("{\"at\":\"open\",\"epoch\":\"%016llx\"}", (unsigned long long)epoch);

  uint64_t next = 0;
  uint64_t refused = 0;
  bool paused = false;
  for (;;) {
    char line[RAW_LINE_BYTES];
    const int got = next_line(line, paused ? 10 : 0);
    if (got < 0) break;
    if (got > 0) {
      if (strcmp(line, "exit") == 0) exit(7);
      if (strcmp(line, "pause") == 0 || strcmp(line, "go") == 0) paused = line[0] == 'p';
      SAY("{\"at\":\"stats\",\"sent\":%llu,\"refused\":%llu}", (unsigned long long)next, (unsigned long long)refused);
    }
    for (uint32_t i = 0; !paused && i < (rate == 0 ? SLICE : 1); i++) {
      if (publish(port, epoch, next)) {
        *log = (double)++next;
      } else {
        refused++;
        rest_us(50);
      }
    }
    if (rate != 0 && !paused) rest_us(1000000 / (long)rate);
  }
  iox_pub_deinit(port);
  return 0;
}
