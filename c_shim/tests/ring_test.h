/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of ring.h share. A program holds several RING_TESTs and runs the one that it is told; a failed check ends it
 * with status 1 and says where. Rings lie in memory between two pages that nobody may touch.
 */
#ifndef RING_TEST_H
#define RING_TEST_H

#include "qaultra_ipc/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define RING_TEST(name)                                                              \
  static void ring_test_##name(void);                                                \
  __attribute__((constructor)) static void ring_register_##name(void) {              \
    ring_test_register(#name, ring_test_##name);                                     \
  }                                                                                  \
  static void ring_test_##name(void)

#define CHECK(condition) ((condition) ? (void)0 : ring_test_failed(__FILE__, __LINE__, #condition))

#define LOSSY 0u
#define LOSSLESS QAULTRA_RING_FLAG_LOSSLESS

/** A ring in this process's memory, shared with its forks. */
typedef struct ring {
  void* data;
  void* table_memory;
  qaultra_ring_options options;
  qaultra_ring_shape shape;
  qaultra_ring_table_shape table_shape;
  qaultra_ring_table table;
  qaultra_ring_writer writer;
  qaultra_ring_keeper keeper;
  qaultra_ring_identity self;
} ring;

void ring_test_register(const char* name, void (*run)(void));
_Noreturn void ring_test_failed(const char* file, int line, const char* what);

/** Bytes of zeros between two pages that end the process when they are touched. */
void* guarded_memory(size_t bytes);
void guarded_free(void* memory, size_t bytes);

/** A ring with the epoch 7 and the readers' limit of `reader_timeout_ms`. */
void ring_make(ring* made, uint32_t capacity, uint32_t flags, uint64_t first_sequence, uint32_t reader_timeout_ms);
void ring_free(ring* made);

/** Makes the segments of a ring, and removes them and their names; `info_of` tells of one by the prefix of its name. */
qaultra_ring_segments segments_make(const qaultra_ring_options* options);
void segments_remove(qaultra_ring_segments* segments);
struct stat info_of(const char* prefix, uint64_t epoch);

/** Joins with an entry; `history` as in ring.h. */
qaultra_ring_reader ring_join(const ring* joined, uint64_t history);

/** The content of a block: `data_length` bytes, every word of them derived from the sequence. */
uint32_t content_length(uint64_t sequence);
uint64_t content_word(uint64_t sequence, uint32_t index);

/** Fills in a claimed block, and checks one that may be overwritten meanwhile: 0 when it differs. */
void content_fill(qaultra_market_data_block* block, uint64_t sequence);
int content_holds(const qaultra_market_data_block* block, uint64_t sequence);

/** Writes so many blocks; each must find room. */
void ring_write(ring* written, uint64_t count);

/** Reads all that is there, in place, and checks content and order. Returns how many blocks. */
uint64_t ring_drain(qaultra_ring_reader* reader);

/** The next of a sequence of random numbers that is the same at every run. */
uint64_t random_next(uint64_t* state);

#endif
