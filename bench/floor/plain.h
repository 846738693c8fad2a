/* SPDX-License-Identifier: Apache-2.0
 *
 * Blocks in plain shared memory of two processes, with no library at all: what no transport can be faster than. The first word
 * of a block is its stamp, as on the ring; nothing else of the header is written, and no clock is read.
 *
 * What holds slots begins with something else of 64 bytes, so that no slot begins where a page does: the bytes that are copied
 * in and out do, and a copy between equal places in two pages takes a quarter longer, since the processor compares the lower
 * twelve bits of an address before it lets a load overtake a store.
 */
#ifndef QAULTRA_BENCH_PLAIN_H
#define QAULTRA_BENCH_PLAIN_H

#include "floor.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/** The block of the module with an atomic first word. */
typedef struct plain_slot {
  _Alignas(QAULTRA_BLOCK_ALIGNMENT) _Atomic uint64_t stamp; /* sequence + 1 of the block that lies here, 0 at first */
  uint8_t header[QAULTRA_BLOCK_HEADER_SIZE - sizeof(uint64_t)];
  uint8_t data[QAULTRA_BLOCK_DATA_SIZE];
} plain_slot;

_Static_assert(sizeof(plain_slot) == QAULTRA_BLOCK_SIZE, "a slot is as large as a block");

/** Memory that a child made by `fork` shares, zeroed and with every page touched. */
static inline void* plain_area(size_t bytes) {
  void* area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) {
    perror("mmap");
    exit(2);
  }
  memset(area, 0, bytes);
  return area;
}

static inline void plain_write(plain_slot* slot, uint64_t sequence, const uint8_t* data, uint32_t bytes) {
  memcpy(slot->data, data, bytes);
  atomic_store_explicit(&slot->stamp, sequence + 1, memory_order_release);
}

/** Spins until block `sequence` lies in the slot. */
static inline const uint8_t* plain_await(const plain_slot* slot, uint64_t sequence) {
  while (atomic_load_explicit(&slot->stamp, memory_order_acquire) != sequence + 1) {
  }
  return slot->data;
}

#endif
