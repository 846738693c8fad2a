/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lossless ring with two readers in the reader table: the writer's credit, cursors, dropping. Mirrors src/ring/reader_table.ts
 * and the room check of src/ring/ring_writer.ts, the lossless half of src/ring/ring_reader.ts, and of
 * c_shim/include/qaultra_ipc/ the files ring_writer.h, ring_reader.h, ring_join.h and ring_keeper.h.
 *
 * Checked: no block that a gating reader has not read, or has in hand, is overwritten; blocks come in order, none twice, none
 * missing; no reader takes its lag for a lap; a reader that was dropped with a block in hand finds it not intact when it may
 * have changed; a killed reader, whatever it was doing, does not block the writer for ever; after the writer's death all
 * that was committed is delivered. A reader may also be dropped alive: it was stopped, which can be between any two of
 * its steps, and goes on later.
 *
 * The block in hand is read in place, and the state of the entry tells whether it is intact: that is all a lossless reader has
 * to look at. (One that looks at the stamp again is a reader of seqlock.pml.) Joining is in join.pml, sleeping in room.pml;
 * here who waits sees at once what it waits for.
 *
 * Bounds. 2 slots, so that every block but two takes the place of another; 5 blocks across the wrap of a low word of 3 bits.
 * Both readers are the same program, so one of them being dropped alive stands for both.
 */
#define SLOTS 2
#define LOWS 8
#define FIRST 5
#ifndef BLOCKS
#define BLOCKS 5
#endif

#define ROOM 1 /* without: the room check */
#define SLOWEST 2 /* without: the slowest of the cursors as the one that counts */
#define CREDIT 3 /* without: the end of the credit at capacity blocks ahead of the slowest cursor */
#define PREPARE_ROOM 4 /* without: the room check before the next slot is prepared */
#define STAMP_RELEASE 5 /* without: the release in the store of the ready stamp */
#define STAMP_ACQUIRE 6 /* without: the acquire in the load of the stamp */
#define LOAD_BARRIER 7 /* without: the load-load barrier between the data and the look at the own entry */
#define STATE_LOOK 8 /* without: the look at the own entry after the data were read */
#define CURSOR_RELEASE 9 /* without: the release in the store of the cursor */
#define DROP 10 /* without: dropping readers whose process is gone */
#define DROPPED_FREE 11 /* without: dropped entries not gating any more */
#define LAP_LIMIT 12 /* without: a lag of exactly the capacity, while the slot shows nothing new, being no lap */

#define LOW(s) ((s) % LOWS)
#define SLOT(s) ((s) % SLOTS)
#define STAMP_WORD(s) SLOT(s)
#define DATA_WORD(s) (SLOTS + SLOT(s))
#define CURSOR_WORD(r) (2 * SLOTS + (r))
#define STATE_WORD(r) (2 * SLOTS + 2 + (r))
#define GATING 2
#define DROPPED 4
#define OLDER(stamp, s) ((stamp) == LOW((s) + LOWS - SLOTS) || (stamp) == LOW((s) + LOWS - 1))

#define HEAD_WORD (2 * SLOTS + 4)

#define WORDS (2 * SLOTS + 5)
#define PROCESSES 3
#define DEPTH 4
#define READER(r) (r)
#define W 2
#define ALIVE(p) (!killed[p])
bool killed[PROCESSES];
#include "memory.pml"
MEMORY_PROCESS(:: REACH_0(W) :: REACH_1(W) :: REACH_2(W) :: REACH_3(W) :: REACH_0(READER(0)) :: REACH_0(READER(1)))

byte sent = FIRST; /* the sequence of the next block */
byte cursors[2]; /* what each reader reads next */
bool dropped[2]; /* the reader has found out */

proctype Killer() {
  if
  :: killed[READER(0)] = true
  :: skip
  fi;
  if
  :: killed[W] = true
  :: skip
  fi
}

/* How far behind the next block a cursor is, by their low words; 0 for an entry that does not gate. */
#define GATES(r) (memory[STATE_WORD(r)] == GATING || (WITHOUT == DROPPED_FREE && memory[STATE_WORD(r)] == DROPPED))
#define BEHIND(r) (LOW(sent + LOWS - memory[CURSOR_WORD(r)]))

#define AHEAD (SLOTS + (WITHOUT == CREDIT -> 1 : 0))

/* Counts the credit anew. Each entry is looked at in a step of its own: cursors grow meanwhile, and entries cease to gate. */
inline scan() {
  credit = 255;
  atomic { ALIVE(W) -> if
    :: GATES(0) && WITHOUT != SLOWEST -> credit = AHEAD - BEHIND(0)
    :: else
    fi
  }
  atomic { ALIVE(W) -> if
    :: GATES(1) && AHEAD - BEHIND(1) < credit -> credit = AHEAD - BEHIND(1)
    :: else
    fi
  }
}

#define MAY_DROP(r) \
  (ALIVE(W) && DRAINED(W) && memory[STATE_WORD(r)] == GATING && (killed[READER(r)] && WITHOUT != DROP || r == 1 && !stopped))

proctype Writer() {
  byte credit;
  bool prepared;
  bool stopped; /* reader 1 was taken for a stopped one */
  do
  :: sent < FIRST + BLOCKS ->
    do
    :: credit > 0 || WITHOUT == ROOM -> break
    :: else ->
      scan();
      if
      :: credit > 0
      :: else ->
        /* No room. A refused broadcast is tried again when a cursor has moved or an entry does not gate any more. */
        if
        :: ALIVE(W) && (!GATES(0) || BEHIND(0) < SLOTS) && (!GATES(1) || BEHIND(1) < SLOTS)
        :: d_step { MAY_DROP(0) -> memory[STATE_WORD(0)] = DROPPED }
        :: d_step { MAY_DROP(1) -> memory[STATE_WORD(1)] = DROPPED; stopped = stopped || !killed[READER(1)] }
        fi
      fi
    od;
    if
    :: !prepared -> store(W, STAMP_WORD(sent), LOW(sent + LOWS - 1))
    :: else
    fi;
    prepared = false;
    store_barrier(W);
    store(W, DATA_WORD(sent), sent);
    if
    :: WITHOUT == STAMP_RELEASE -> store(W, STAMP_WORD(sent), LOW(sent))
    :: else -> store_release(W, STAMP_WORD(sent), LOW(sent))
    fi;
    store(W, HEAD_WORD, sent + 1);
    atomic { DRAINED(W) -> sent++; credit = (credit == 255 || credit == 0 -> credit : credit - 1) }
    if
    :: credit > 0 || WITHOUT == PREPARE_ROOM -> store(W, STAMP_WORD(sent), LOW(sent + LOWS - 1)); prepared = true
    :: skip
    fi
  :: else -> break
  od
}

proctype Reader(byte me) {
  byte s = FIRST;
  bool stamp, data, good, entry, released;
  byte bearings; /* 1: nothing was in the slot, and the head is asked; 2: that was it. Once, by one reader, is enough */
  do
  :: atomic { ALIVE(READER(me)) && !stamp && bearings == 0 && me == 0 && OLDER(memory[STAMP_WORD(s)], s) -> bearings = 1 }
    atomic {
      ALIVE(READER(me)) ->
      bearings = 2;
      if
      :: memory[HEAD_WORD] > s + SLOTS - (WITHOUT == LAP_LIMIT -> 1 : 0) -> assert(memory[STATE_WORD(me)] == DROPPED)
      :: else
      fi
    }
  :: atomic {
      ALIVE(READER(me)) && !OLDER(memory[STAMP_WORD(s)], s) && !stamp ->
      if
      :: memory[STAMP_WORD(s)] == LOW(s) -> stamp = true
      :: else ->
        /* Another lap: only somebody who was dropped may meet that. */
        assert(memory[STATE_WORD(me)] == DROPPED);
        break
      fi
    }
  :: atomic {
      ALIVE(READER(me)) && (stamp || WITHOUT == STAMP_ACQUIRE) && !data ->
      data = true; good = memory[DATA_WORD(s)] == s
    }
  :: atomic {
      ALIVE(READER(me)) && stamp && (data || WITHOUT == LOAD_BARRIER) && !entry ->
      if
      :: memory[STATE_WORD(me)] == GATING || WITHOUT == STATE_LOOK -> entry = true
      :: else -> break
      fi
    }
  :: atomic {
      ALIVE(READER(me)) && stamp && (data && entry || WITHOUT == CURSOR_RELEASE) && !released ->
      released = true;
      store_release(READER(me), CURSOR_WORD(me), LOW(s + 1))
    }
  :: atomic {
      ALIVE(READER(me)) && data && entry && released && DRAINED(READER(me)) ->
      assert(good);
      s++; cursors[me] = s; stamp = false; data = false; good = false; entry = false; released = false
    }
  :: atomic { ALIVE(READER(me)) && !stamp && memory[STATE_WORD(me)] == DROPPED -> break }
  od;
  dropped[me] = true
}

proctype Judge() {
  byte committed;
  timeout;
  d_step {
    committed = sent;
    if
    :: memory[STAMP_WORD(sent)] == LOW(sent) -> committed++
    :: else
    fi;
    assert(killed[W] || sent == FIRST + BLOCKS);
    assert(killed[READER(0)] || dropped[0] || cursors[0] == committed);
    assert(killed[READER(1)] || dropped[1] || cursors[1] == committed)
  }
}

init {
  byte i;
  d_step {
    for (i : 0 .. SLOTS - 1) {
      memory[STAMP_WORD(FIRST + i)] = LOW(FIRST + i + LOWS - SLOTS);
      memory[DATA_WORD(FIRST + i)] = 255
    }
    memory[HEAD_WORD] = FIRST;
    for (i : 0 .. 1) {
      memory[STATE_WORD(i)] = GATING;
      memory[CURSOR_WORD(i)] = LOW(FIRST);
      cursors[i] = FIRST
    }
    i = 0
  }
  atomic {
    run Writer();
    run Killer();
    run Reader(0);
    run Reader(1);
    run Judge()
  }
}
