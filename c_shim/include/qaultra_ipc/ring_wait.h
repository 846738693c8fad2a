/* SPDX-License-Identifier: Apache-2.0
 *
 * Parking on a word of a ring, and waking who is parked there.
 *
 * The word is an event count: bit 0 says that somebody is parked, the rest is a generation. Who parks raises the flag, looks
 * once more, and sleeps while the word stays as it was. Who wakes clears the flag by adding 1, which also moves the generation,
 * so that one who comes too late does not sleep on somebody else's flag. It is a flag and no counter, because a killed process
 * would leave a counter raised for ever; a killed one leaves at most one needless wake-up behind.
 */
#ifndef QAULTRA_IPC_RING_WAIT_H
#define QAULTRA_IPC_RING_WAIT_H

#include "ring_atomic.h"

#ifndef __linux__
#error "Rings park on futexes and lie in /dev/shm, which only Linux has; ring_layout.h alone compiles anywhere"
#endif
#if !defined(_DEFAULT_SOURCE) && !defined(_GNU_SOURCE)
#error "ring.h needs gnu11 or later, or _DEFAULT_SOURCE defined before the first include"
#endif
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What `qaultra_ring_raise` returns in vain: a raised word is odd. */
#define QAULTRA_RING_NOT_RAISED 0u

/** The longest sleep in one go: sleepers beat, and notice what no wake-up tells, such as a peer that died in between. */
#define QAULTRA_RING_SLEEP_MS_MAX 100u
/** Between two looks of a reader that may not write the table, and so can not park. */
#define QAULTRA_RING_POLL_NS 200000u

/** Wakes all who sleep on the word. */
static inline void qaultra_ring_wake_sleepers(uint32_t* word) {
  /* Not private: the sleepers are other processes. */
  syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/**
 * Raises the flag. Returns the word to sleep on, or QAULTRA_RING_NOT_RAISED when others keep changing it, and then the caller
 * looks again without sleeping. The caller must look for what it waits for between this and the sleep.
 */
static inline uint32_t qaultra_ring_raise(uint32_t* word) {
  for (uint32_t i = 0; i < QAULTRA_RING_TRIES_MAX; i++) {
    const uint32_t seen = QAULTRA_RING_LOAD(word);
    if ((seen & 1u) != 0 || qaultra_ring_swap(word, seen, seen | 1u)) {
      /* The flag must be seen before the caller looks again: otherwise both sides miss each other. This also holds when
         somebody else raised it, since its waker may have loaded the word before that. */
      QAULTRA_RING_FULL_BARRIER();
      return seen | 1u;
    }
  }
  return QAULTRA_RING_NOT_RAISED;
}

/**
 * Wakes who is parked on the word; 1 when the flag was up. The caller has done what they wait for, with a full barrier after
 * it. One try is enough: when the word is another by now, then another waker took this flag down, or a new one was raised, and
 * who raised it looks after that.
 */
static inline int qaultra_ring_wake(uint32_t* word) {
  const uint32_t seen = QAULTRA_RING_LOAD(word);
  if ((seen & 1u) == 0) return 0;
  qaultra_ring_swap(word, seen, seen + 1u);
  qaultra_ring_wake_sleepers(word);
  return 1;
}

/** The same for rare events: wakes sleepers also when their flag is down, because its waker was killed before it woke them. */
static inline void qaultra_ring_wake_surely(uint32_t* word) {
  if (!qaultra_ring_wake(word)) qaultra_ring_wake_sleepers(word);
}

static inline uint64_t qaultra_ring_clock_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/** CLOCK_MONOTONIC in milliseconds modulo 2^32, as in heartbeats. */
static inline uint32_t qaultra_ring_clock_ms(void) { return (uint32_t)(qaultra_ring_clock_ns() / 1000000u); }

/** The same, a few milliseconds late and cheap enough for every block. */
static inline uint32_t qaultra_ring_clock_coarse_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return (uint32_t)((uint64_t)time.tv_sec * 1000u + (uint64_t)time.tv_nsec / 1000000u);
}

/** Sleeps while the word is `expected`, at most so long; may return at any time. */
static inline void qaultra_ring_sleep(const uint32_t* word, uint32_t expected, uint64_t timeout_ns) {
  struct timespec timeout;
  timeout.tv_sec = (time_t)(timeout_ns / 1000000000u);
  timeout.tv_nsec = (long)(timeout_ns % 1000000000u);
  syscall(SYS_futex, word, FUTEX_WAIT, expected, &timeout, NULL, 0);
}

/** Sleeps without a word. */
static inline void qaultra_ring_pause(uint64_t timeout_ns) {
  struct timespec timeout;
  timeout.tv_sec = (time_t)(timeout_ns / 1000000000u);
  timeout.tv_nsec = (long)(timeout_ns % 1000000000u);
  nanosleep(&timeout, NULL);
}

/**
 * Milliseconds since a heartbeat, 0 when it lies ahead: another core may have stored it after this one read the clock.
 */
static inline uint32_t qaultra_ring_silence_ms(uint32_t now_ms, uint32_t heartbeat_ms) {
  const int32_t silence = (int32_t)(now_ms - heartbeat_ms);
  return silence < 0 ? 0 : (uint32_t)silence;
}

#ifdef __cplusplus
}
#endif

#endif
