/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of join.pml, which includes this: what the reader table looks like, and how cursors become credit. Mirrors the
 * room check of src/ring/ring_writer.ts with `credit` of src/ring/reader_table.ts, and the scan in
 * c_shim/include/qaultra_ipc/ring_writer.h.
 */
#define LOW(s) ((s) % LOWS)
#define STAMP_WORD(s) ((s) % SLOTS)
#define HEAD_WORD SLOTS
#define CHANGES_WORD (SLOTS + 1)
#define STATE_WORD(e) (SLOTS + 2 + (e))
#define CURSOR_WORD(e) (SLOTS + 2 + ENTRIES + (e))
#define OWNER_WORD(e) (SLOTS + 2 + 2 * ENTRIES + (e))
#define OLDER(stamp, s) ((stamp) == LOW((s) + LOWS - SLOTS) || (stamp) == LOW((s) + LOWS - 1))

/* The state of an entry: its status, and above that its generation. */
#define FREE 0
#define CLAIMED 1
#define GATING 2
#define DROPPED 4
#define STATUS(state) ((state) & 7)
#define GENERATION_ONE 8

#define WORDS (SLOTS + 2 + 3 * ENTRIES)
#define PROCESSES 3
#define DEPTH 3
#define READER(r) (r)
#define W 2
#define ALIVE(p) (!killed[p])
bool killed[PROCESSES];
#include "memory.pml"
MEMORY_PROCESS(
  :: REACH_0(W) :: REACH_1(W) :: REACH_2(W)
  :: REACH_0(0) :: REACH_1(0) :: REACH_2(0) :: REACH_0(1) :: REACH_1(1) :: REACH_2(1)
)

byte owners[ENTRIES]; /* who has claimed an entry last, whatever memory says; number + 1 */
bool begun; /* with one entry reader 0 is the first to have it */
byte sent = FIRST; /* the sequence of the next block */
byte cursors[2]; /* what each reader reads next, for the judge */
bool reading[2]; /* the reader has joined and has not left or found that it was dropped */

/* How far behind the next block the cursor of an entry is. */
#define BEHIND(e) (LOW(sent + LOWS - memory[CURSOR_WORD(e)]))
#define HAS_ROOM(e) (STATUS(memory[STATE_WORD(e)]) != GATING || BEHIND(e) < SLOTS)

inline scan_entry(e) {
  atomic {
    if
    :: STATUS(memory[STATE_WORD(e)]) == GATING ->
      if
      :: BEHIND(e) > SLOTS && WITHOUT != TOO_FAR -> credit = 0
      :: BEHIND(e) <= SLOTS && SLOTS - BEHIND(e) < credit -> credit = SLOTS - BEHIND(e)
      :: else
      fi
    :: else
    fi
  }
}

/* Whether block `sent` has room; an early look at `changes` is one that the scan does not wait for. */
inline check_room() {
  if
  :: credit == 0 || (memory[CHANGES_WORD] != seen && WITHOUT != CHANGES_LOOK && (WITHOUT != PREPARE_LOOK || !preparing)) ->
    atomic {
      credit = 255;
      if
      :: WITHOUT != CHANGES_ACQUIRE -> seen = memory[CHANGES_WORD]
      :: else
      fi
    }
    scan_entry(0);
    if
    :: ENTRIES > 1 -> scan_entry(1)
    :: else
    fi;
    if
    :: WITHOUT == CHANGES_ACQUIRE -> seen = memory[CHANGES_WORD]
    :: else
    fi
  :: else
  fi
}

proctype Writer() {
  byte credit, seen;
  bool prepared, preparing;
  do
  :: sent < FIRST + BLOCKS ->
    do
    :: prepared -> break
    :: !prepared ->
      check_room();
      if
      :: credit > 0 -> break
      :: else -> HAS_ROOM(0) && (ENTRIES == 1 || HAS_ROOM(ENTRIES - 1))
      fi
    od;
    if
    :: !prepared -> store(W, STAMP_WORD(sent), LOW(sent + LOWS - 1))
    :: else
    fi;
    /* Nobody sees a store before it leaves the buffer, so two of them may be one step. */
    atomic { store_release(W, STAMP_WORD(sent), LOW(sent)); store(W, HEAD_WORD, sent + 1) }
    atomic { DRAINED(W) || WITHOUT == HEAD_BARRIER -> sent++; prepared = false; credit = (credit == 255 -> 255 : credit - 1) }
    if
    :: !KEEPER -> preparing = true; check_room(); preparing = false;
      if
      :: credit > 0 -> store(W, STAMP_WORD(sent), LOW(sent + LOWS - 1)); prepared = true
      :: else
      fi
    :: skip
    fi
  :: else -> break
  od
}
