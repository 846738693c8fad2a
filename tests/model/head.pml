/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head: a 64-bit sequence in three words of 32 bits, for readers that have no 64-bit loads on a hot path, and that must
 * not take a number for the head that it never was. Mirrors the stores of the head in src/ring/ring_writer.ts, `head` in
 * src/ring/ring_view.ts, and both in c_shim/include/qaultra_ipc/ring_atomic.h.
 *
 * The writer stores the high word twice, before and after the low one and only when it changes; the reader loads the three in
 * the opposite order. Equal high words: exact, so between the head that every store had reached when the reader began and
 * the newest one when it ended. Unequal ones, of a writer that died or stands still in between: the low word tells which
 * high word belongs to it.
 *
 * Bounds. The low word has 3 bits, and the writer crosses two carries. A low word tells its high one as long as the writer does
 * not move on by half a turn of it, 2^31 blocks, between three loads; the model asks for no more. One reader: reading
 * changes nothing.
 */
#define LOWS 8
#define FIRST 5
#define BLOCKS 13

#define HIGH_FIRST 1 /* without: the high word that is stored before the low one */
#define LOW_RELEASE 2 /* without: the release in the store of the low word */
#define HIGH_LAST_RELEASE 3 /* without: the release in the store of the last high word */
#define LOAD_ORDER_LOW 4 /* without: the order of the last high word before the low one in the reader's loads */
#define LOAD_ORDER_FIRST 5 /* without: the order of the low word before the first high one in the reader's loads */
#define EQUAL 6 /* without: the comparison of both high words */
#define DEAD_BEFORE 7 /* without: the last high word for a writer that died before it stored the low one */
#define DEAD_AFTER 8 /* without: the first high word for a writer that died after it stored the low one */
#define RELOAD 9 /* without: deciding by the high words that were loaded around the low one, the last one before it */

#define WORDS 3
#define PROCESSES 1
#define DEPTH 3
#define W 0
#define ALIVE(p) (!killed)
bool killed;
#include "memory.pml"
MEMORY_PROCESS(:: REACH_0(W) :: REACH_1(W) :: REACH_2(W))

#define HIGH_FIRST_WORD 0
#define LOW_WORD 1
#define HIGH_LAST_WORD 2

byte settled = FIRST; /* the head whose stores all have reached memory */
byte newest = FIRST; /* the head whose stores have been issued */

proctype Killer() {
  if
  :: killed = true
  :: skip
  fi
}

proctype Writer() {
  byte head = FIRST;
  do
  :: head < FIRST + BLOCKS ->
    atomic { !killed -> head++; newest = head }
    if
    :: head % LOWS == 0 && WITHOUT != HIGH_FIRST -> store(W, HIGH_FIRST_WORD, head / LOWS)
    :: else
    fi;
    if
    :: WITHOUT == LOW_RELEASE -> store(W, LOW_WORD, head % LOWS)
    :: else -> store_release(W, LOW_WORD, head % LOWS)
    fi;
    if
    :: head % LOWS == 0 ->
      if
      :: WITHOUT == HIGH_LAST_RELEASE -> store(W, HIGH_LAST_WORD, head / LOWS)
      :: else -> store_release(W, HIGH_LAST_WORD, head / LOWS)
      fi
      if
      :: WITHOUT == HIGH_FIRST -> store(W, HIGH_FIRST_WORD, head / LOWS)
      :: else
      fi
    :: else
    fi;
    atomic { DRAINED(W) && !killed -> settled = head }
  :: else -> break
  od
}

proctype Reader() {
  byte oldest, start, last, low, first, head;
  bool has_last, has_low, has_first;
  bool stands; /* the writer stands between the two high words */
  do
  :: atomic {
      oldest = settled; start = newest;
      last = 0; low = 0; first = 0; has_last = false; has_low = false; has_first = false
    }
    do
    :: atomic { !has_last -> has_last = true; last = memory[HIGH_LAST_WORD] }
    :: atomic { (has_last || WITHOUT == LOAD_ORDER_LOW) && !has_low -> has_low = true; low = memory[LOW_WORD] }
    :: atomic {
        (has_last && has_low || WITHOUT == LOAD_ORDER_FIRST) && !has_first ->
        has_first = true; first = memory[HIGH_FIRST_WORD]
      }
    :: atomic { has_last && has_low && has_first -> break }
    od;
    stands = last != first && WITHOUT != EQUAL;
    /* A program that does not trust its loads, and loads low and high word anew. */
    if
    :: WITHOUT == RELOAD && stands -> low = memory[LOW_WORD];
      atomic { last = memory[HIGH_LAST_WORD]; first = memory[HIGH_FIRST_WORD] }
    :: else
    fi;
    atomic {
      if
      :: low >= LOWS / 2 && stands && WITHOUT != DEAD_BEFORE || WITHOUT == DEAD_AFTER -> head = last * LOWS + low
      :: else -> head = first * LOWS + low
      fi;
      assert((oldest <= head && head <= newest) || ((stands || WITHOUT == EQUAL) && newest - start >= LOWS / 2));
      head = 0; stands = false
    }
  :: break
  od
}

init {
  atomic {
    memory[HIGH_FIRST_WORD] = FIRST / LOWS;
    memory[LOW_WORD] = FIRST % LOWS;
    memory[HIGH_LAST_WORD] = FIRST / LOWS;
    run Writer();
    run Killer();
    run Reader()
  }
}
