/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stamps: a lossy ring, whose writer waits for nobody. Mirrors claim and commit in src/ring/ring_writer.ts, `next` and `#find`
 * in src/ring/ring_reader.ts and the copy in src/ring/block_copies.ts, and of c_shim/include/qaultra_ipc/ the files
 * ring_writer.h and ring_reader.h.
 *
 * Checked: no block is delivered that is torn, of another lap, or was being written when its writer died; none twice or out
 * of order (a delivered block is the one at the cursor, which only grows); a lapped reader resumes at a block that was
 * sent, so received + missed = sent; whoever waits is not left there while blocks are to be had, whatever its lag; after
 * the writer's end everything that was committed is still delivered. Where the writer skips sequences (SKIPS), nothing is
 * delivered under one of these, and nobody stays there.
 *
 * Bounds. A block is its stamp, its high word and one data word: a block is torn when some data word is not its own, and
 * that is the same question for every word. The low word has 3 bits (LOWS 8), so that after 4 laps of a ring of 2 slots a
 * stamp comes again and the differences of low words lie, as those of 32 bits do after 2^31 and 2^32 blocks. Sequences are
 * modulo 64; they start at 0 (untouched slots hold the two's complement of small negative numbers) and cross both a wrap of
 * the low word and, with more blocks than LOWS, lags from none to more than a whole turn of it. A ring of 4 slots is
 * checked for fewer blocks: its stamps take 4 bits, and a resumed reader finds blocks there. The head is one word here:
 * head.pml shows that its three words amount to that. Readers of a lossy ring write nothing that anybody reads: two are
 * run on a short stretch, for a long one one is enough.
 */
#ifndef SLOTS
#define SLOTS 2
#define LOWS 8
#define FIRST 0
#define BLOCKS 10
#define READERS 1
#endif
#ifndef SKIPS
#define SKIPS 0
#endif

#define INVALIDATE 1 /* without: storing "being written" before the data */
#define INVALIDATE_BARRIER 2 /* without: the writer's store barrier between "being written" and the data */
#define STAMP_RELEASE 3 /* without: the release in the store of the ready stamp */
#define STAMP_ACQUIRE 4 /* without: the acquire in the first load of the stamp */
#define LOAD_BARRIER 5 /* without: the reader's load-load barrier between the data and the second look */
#define SECOND_STAMP 6 /* without: the second look at the stamp */
#define SECOND_HIGH 7 /* without: the second look at the high word */
#define SECOND_ACQUIRE 8 /* without: the order of the second look, stamp before high word */
#define BEARINGS 9 /* without: bearings taken now and then while nothing comes */
#define MARGIN 10 /* without: the margin between the oldest block and where a lapped reader resumes */
#define RESUME_HEAD 11 /* without: the head as the limit of where a lapped reader resumes */
#define WRITING_STAMP 12 /* without: a stamp for "being written" that no ready block of the slot has */
#define UNTOUCHED 13 /* without: a stamp of the lap before in slots that were never written */
#define END_LOOK 14 /* without: a last look at the slot after the end was seen */
#define SKIP_MARK 15 /* without (skips): the mark in the high word of a skipped sequence */
#define SKIP_PASS 16 /* without (skips): readers that go on behind a skipped sequence */

#define LOW(s) ((s) % LOWS)
#define HIGH(s) (((s) % 64) / LOWS)
#define SKIPPED 99
#if WITHOUT == 12
#define WRITING(s) LOW((s) + LOWS - SLOTS)
#else
#define WRITING(s) LOW((s) + LOWS - 1)
#endif
#define SLOT(s) ((s) % SLOTS)
#define STAMP_WORD(s) SLOT(s)
#define HIGH_WORD(s) (SLOTS + SLOT(s))
#define DATA_WORD(s) (2 * SLOTS + SLOT(s))
#define HEAD_WORD (3 * SLOTS)
#define CLOSED_WORD (3 * SLOTS + 1)
#define RESUMES(h) ((h) + (WITHOUT == MARGIN -> 0 : 2) + (WITHOUT == RESUME_HEAD -> 1 : 0) - SLOTS)

#define WORDS (3 * SLOTS + 2)
#define PROCESSES 1
#define DEPTH 5
#define W 0
#define ALIVE(p) (!killed)
bool killed;
#include "memory.pml"
MEMORY_PROCESS(:: REACH_0(W) :: REACH_1(W) :: REACH_2(W) :: REACH_3(W) :: REACH_4(W))

byte cursors[READERS];

/* What a stamp tells somebody who expects s: nothing yet, as far as its low word goes. */
#define NOTHING(stamp, s) ((stamp) == LOW((s) + LOWS - SLOTS) || (stamp) == LOW((s) + LOWS - 1))
#define NO_BLOCK 1
#define DELIVERED 2
#define ANOTHER_LAP 3
#define PASSED 4
#define ENDED (memory[CLOSED_WORD] == 1 || (killed && DRAINED(W)))

proctype Killer() {
  if
  :: killed = true
  :: skip
  fi
}

proctype Writer() {
  byte s = FIRST;
  bool prepared;
  do
  :: s < FIRST + BLOCKS ->
    if
    :: !prepared && WITHOUT != INVALIDATE -> store(W, STAMP_WORD(s), WRITING(s))
    :: else
    fi;
    prepared = false;
    if
    :: WITHOUT == INVALIDATE_BARRIER
    :: else -> store_barrier(W)
    fi;
    if
    :: SKIPS -> store(W, HIGH_WORD(s), (WITHOUT == SKIP_MARK -> HIGH(s) : SKIPPED))
    :: store(W, HIGH_WORD(s), HIGH(s)); store(W, DATA_WORD(s), s)
    fi;
    if
    :: WITHOUT == STAMP_RELEASE -> store(W, STAMP_WORD(s), LOW(s))
    :: else -> store_release(W, STAMP_WORD(s), LOW(s))
    fi;
    store(W, HEAD_WORD, s + 1);
    s++;
    DRAINED(W);
    /* The next slot is prepared, or it is not. */
    if
    :: WITHOUT != INVALIDATE -> store(W, STAMP_WORD(s), WRITING(s)); prepared = true
    :: skip
    fi
  :: else -> break
  od;
  /* It closes, or it stays without anything to say. The barrier after the last head lies before this store too. */
  if
  :: store(W, CLOSED_WORD, 1)
  :: skip
  fi
}

proctype Reader(byte me) {
  byte s = FIRST;
  byte h;
  bool stamp1, high1, data, stamp2, high2; /* what of this look was loaded and found right */
  bool good; /* the data are those of block s */
  byte found; /* what this look came to */
  bool ended;
look:
  do
  :: atomic { !stamp1 ->
      if
      :: memory[STAMP_WORD(s)] == LOW(s) -> stamp1 = true
      :: NOTHING(memory[STAMP_WORD(s)], s) -> found = NO_BLOCK; break
      :: else -> found = ANOTHER_LAP; break
      fi
    }
  :: atomic { stamp1 && !high1 ->
      if
      :: memory[HIGH_WORD(s)] == HIGH(s) -> high1 = true
      :: memory[HIGH_WORD(s)] == SKIPPED && WITHOUT != SKIP_PASS -> s++; cursors[me] = s; found = PASSED; break
      :: else -> found = ANOTHER_LAP; break
      fi
    }
  :: atomic { (stamp1 || WITHOUT == STAMP_ACQUIRE) && !data -> data = true; good = memory[DATA_WORD(s)] == s }
  :: atomic { stamp1 && high1 && (data || WITHOUT == LOAD_BARRIER) && !stamp2 ->
      if
      :: memory[STAMP_WORD(s)] == LOW(s) || WITHOUT == SECOND_STAMP -> stamp2 = true
      :: else -> found = ANOTHER_LAP; break
      fi
    }
  :: atomic { high1 && (data || WITHOUT == LOAD_BARRIER) && (stamp2 || WITHOUT == SECOND_ACQUIRE) && !high2 ->
      if
      :: memory[HIGH_WORD(s)] == HIGH(s) || WITHOUT == SECOND_HIGH -> high2 = true
      :: else -> found = ANOTHER_LAP; break
      fi
    }
  :: atomic { stamp2 && high2 && data -> assert(good); s++; cursors[me] = s; found = DELIVERED; break }
  od;
  atomic {
    stamp1 = false; high1 = false; data = false; stamp2 = false; high2 = false; good = false;
    if
    :: found == DELIVERED || found == PASSED -> found = 0; goto look
    :: found == NO_BLOCK && !ended -> found = 0; goto wait
    :: else
    fi
  }
bearings:
  atomic {
    h = memory[HEAD_WORD];
    if
    :: h > s && (h - s > SLOTS || found == ANOTHER_LAP) && RESUMES(h) > s ->
      assert(RESUMES(h) <= h);
      s = RESUMES(h); cursors[me] = s; h = 0; found = 0;
      goto look
    :: h <= s && ended -> h = 0; found = 0; goto done
    :: else -> found = 0
    fi
  }
  /* Nothing can be made of this head: a program looks again, and finds the same until it moves. */
  if
  :: atomic { memory[HEAD_WORD] != h -> h = 0; goto look }
  :: atomic { ENDED && !ended -> h = 0; goto end_seen }
  fi;
wait:
  if
  :: atomic { !NOTHING(memory[STAMP_WORD(s)], s) -> goto look }
  :: atomic { WITHOUT != BEARINGS && memory[HEAD_WORD] > s + SLOTS -> goto bearings }
  :: atomic { ENDED && !ended -> goto end_seen }
  fi;
end_seen:
  atomic {
    ended = true;
    if
    :: WITHOUT == END_LOOK -> goto done
    :: else -> goto look
    fi
  }
done:
  skip
}

/* When nothing moves any more, every reader has had all there is: the block at the head too, if the writer died after the
   store of its stamp and before that of the head. */
proctype Judge() {
  byte h;
  byte r;
  timeout;
  d_step {
    h = memory[HEAD_WORD];
    if
    :: memory[STAMP_WORD(h)] == LOW(h) && (memory[HIGH_WORD(h)] == HIGH(h) || memory[HIGH_WORD(h)] == SKIPPED) -> h++
    :: else
    fi;
    do
    :: r < READERS -> assert(cursors[r] == h); r++
    :: else -> break
    od
  }
}

init {
  byte i;
  d_step {
    do
    :: i < SLOTS ->
      memory[STAMP_WORD(FIRST + i)] = (WITHOUT == UNTOUCHED -> 0 : LOW(FIRST + i + 64 - SLOTS));
      memory[HIGH_WORD(FIRST + i)] = (WITHOUT == UNTOUCHED -> 0 : HIGH(FIRST + i + 64 - SLOTS));
      memory[DATA_WORD(FIRST + i)] = 255;
      i++
    :: else -> break
    od;
    memory[HEAD_WORD] = FIRST;
    for (i : 0 .. READERS - 1) { cursors[i] = FIRST }
    i = 0
  }
  atomic {
    run Writer();
    run Killer();
    for (i : 0 .. READERS - 1) { run Reader(i) }
    i = 0;
    run Judge()
  }
}
