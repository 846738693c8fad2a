/* SPDX-License-Identifier: Apache-2.0
 *
 * Atomic access to the words of a ring, and its head.
 *
 * Builtins of gcc and clang instead of <stdatomic.h>, so that the structs hold plain integers and C and C++ share them.
 */
#ifndef QAULTRA_IPC_RING_ATOMIC_H
#define QAULTRA_IPC_RING_ATOMIC_H

#include "ring_layout.h"

#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Loads that nothing is ordered by, and loads before which no later access happens. */
#define QAULTRA_RING_LOAD(place) __atomic_load_n((place), __ATOMIC_RELAXED)
#define QAULTRA_RING_ACQUIRE(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
/** Stores that nothing is ordered by, and stores after which no earlier access happens. */
#define QAULTRA_RING_STORE(place, value) __atomic_store_n((place), (value), __ATOMIC_RELAXED)
#define QAULTRA_RING_RELEASE(place, value) __atomic_store_n((place), (value), __ATOMIC_RELEASE)
#define QAULTRA_RING_ADD(place, value) __atomic_fetch_add((place), (value), __ATOMIC_SEQ_CST)
/** Loads before it are done before loads after it: a reader's second look at a stamp. */
#define QAULTRA_RING_LOAD_BARRIER() __atomic_thread_fence(__ATOMIC_ACQUIRE)
/** Stores before it are seen before stores after it: a slot is invalid before its data change. */
#define QAULTRA_RING_STORE_BARRIER() __atomic_thread_fence(__ATOMIC_RELEASE)
/** Stores before it are seen before loads after it happen, which no acquire or release gives, not even on x86-64. */
#define QAULTRA_RING_FULL_BARRIER() __atomic_thread_fence(__ATOMIC_SEQ_CST)

/** Nothing in shared memory that a peer may write is waited for without a bound. */
#define QAULTRA_RING_TRIES_MAX 64u
#define QAULTRA_RING_HEAD_TRIES_MAX 8u

/** Sets `*place` to `desired` when it is `expected`; 1 when it did. A full barrier on x86-64, but not on every processor. */
static inline int qaultra_ring_swap(uint32_t* place, uint32_t expected, uint32_t desired) {
  return __atomic_compare_exchange_n(place, &expected, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ? 1 : 0;
}

/** Two words that lie side by side, the first of them aligned to 8, as one: the first is the low half. */
typedef uint64_t __attribute__((__may_alias__)) qaultra_ring_pair;

static inline uint64_t qaultra_ring_pair_of(uint32_t first, uint32_t second) { return ((uint64_t)second << 32) | first; }

/** Loads both at once; nothing is ordered by it. */
static inline uint64_t qaultra_ring_pair_load(const uint32_t* first) {
  return QAULTRA_RING_LOAD((const qaultra_ring_pair*)first);
}

/** Sets both at once when they are what is expected, like `qaultra_ring_swap`. */
static inline int qaultra_ring_pair_swap(uint32_t* first, uint64_t expected, uint64_t desired) {
  qaultra_ring_pair seen = expected;
  return __atomic_compare_exchange_n((qaultra_ring_pair*)first, &seen, desired, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ? 1 : 0;
}

static inline uint32_t qaultra_ring_low(uint64_t sequence) { return (uint32_t)sequence; }
static inline uint32_t qaultra_ring_high(uint64_t sequence) { return (uint32_t)(sequence >> 32); }

/**
 * Stores the head; by the writer only. JavaScript has no fast 64-bit atomics, so it is three words: the high half stands on
 * both sides of the low one. Each is a release, because a reader that sees one of them must see those stored before it.
 */
static inline void qaultra_ring_head_store(qaultra_ring_header* header, uint64_t head) {
  const uint32_t high = qaultra_ring_high(head);
  /* The writer is alone here, so these loads cost nothing; the high half changes once in 2^32 blocks. */
  if (QAULTRA_RING_LOAD(&header->head_high_first) != high) QAULTRA_RING_RELEASE(&header->head_high_first, high);
  QAULTRA_RING_RELEASE(&header->head_low, qaultra_ring_low(head));
  if (QAULTRA_RING_LOAD(&header->head_high_last) != high) QAULTRA_RING_RELEASE(&header->head_high_last, high);
}

/**
 * The sequence of the next block to be committed; 0 when the words make no sense, so that nothing is there to be read.
 *
 * The words are loaded in the opposite order, each with acquire. Seeing `high_last` means that a low half of its era is
 * visible; a low half of the next era would make the new `high_first` visible. So equal high halves prove the low one.
 */
static inline uint64_t qaultra_ring_head(const qaultra_ring_header* header) {
  uint32_t last = 0, low = 0, first = 0, tries = 0;
  do {
    last = QAULTRA_RING_ACQUIRE(&header->head_high_last);
    low = QAULTRA_RING_ACQUIRE(&header->head_low);
    first = QAULTRA_RING_ACQUIRE(&header->head_high_first);
  } while (first != last && ++tries < QAULTRA_RING_HEAD_TRIES_MAX);
  /* A writer that died in between left the low half of the old era, which is large, or that of the new one, which is 0. */
  const uint32_t high = low >= 0x80000000u ? last : first;
  const uint64_t head = ((uint64_t)high << 32) | low;
  return head > QAULTRA_RING_SEQUENCE_MAX + 1 ? 0 : head;
}

/** The later of two sequences. */
static inline uint64_t qaultra_ring_later(uint64_t one, uint64_t other) { return one > other ? one : other; }

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QAULTRA_RING_THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define QAULTRA_RING_THREAD_SANITIZER 1
#endif

/**
 * Copies bytes that the writer may be overwriting; the caller looks at the stamp again afterwards. A multiple of 8, aligned.
 * By the letter of C this is a race of plain accesses. The barriers around it bind the compiler too, which is why every
 * sequence lock is made so; only the sanitizer, which knows no barriers, is given words.
 */
static inline void qaultra_ring_copy_bytes(void* to, const void* from, size_t bytes) {
#ifdef QAULTRA_RING_THREAD_SANITIZER
  for (size_t i = 0; i < bytes / 8; i++) {
    const uint64_t word = QAULTRA_RING_LOAD((const uint64_t*)from + i);
    memcpy((uint8_t*)to + 8 * i, &word, 8);
  }
#else
  memcpy(to, from, bytes);
#endif
}

#ifdef __cplusplus
}
#endif

#endif
