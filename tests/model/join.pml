/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader table of a lossless ring: joining while the writer runs, leaving, being dropped, entries used again. Mirrors
 * src/ring/table_entry.ts, src/ring/reader_table.ts and the room check of src/ring/ring_writer.ts, and of
 * c_shim/include/qaultra_ipc/ the files ring_table.h, ring_join.h, ring_keeper.h and the scan in ring_writer.h.
 *
 * Checked: from the moment a reader knows where it starts, no block that it has not read is overwritten while it gates, wherever
 * in the writer's work it joined; a reader is dropped, and an entry freed, only by the judgement that was made about it
 * and not about its predecessor in the entry; no entry stays occupied by the dead, and nobody blocks the writer for ever.
 *
 * The handshake: the joiner raises `changes` and then looks at the head, the writer stores the head and then looks at `changes`,
 * each with a full barrier between. One of the two must see the other.
 *
 * An entry is claimed by one atomic operation that also says by whom (state and pid are 8 bytes together). Otherwise the
 * keeper takes the claimant for its dead predecessor, or, if it spares claimed entries, lets one who was killed there keep
 * his for ever; and taking them back after a time lets a claimant who had only been stopped write into the entry of his
 * successor.
 *
 * Bounds. 2 slots, of a ring that has run before; low words of 3 bits that wrap. With two entries (ENTRIES 2) both readers join,
 * at any moment; with one entry (ENTRIES 1) they follow each other in it, the predecessor having left, been dropped alive
 * or been killed at any step, with a keeper that judges meanwhile. A block is its stamp: what overwriting does to data is
 * in lossless.pml.
 */
#ifndef ENTRIES
#define ENTRIES 2
#define KEEPER 0
#define BLOCKS 3
#endif
#define SLOTS 2
#define LOWS 8
#define FIRST 13

#define CORRECTION 1 /* without: the joiner's correction of its start by the second look at the head */
#define CORRECTION_ONE 2 /* without: the one block that the correction starts after the oldest */
#define JOIN_BARRIER 3 /* without: the joiner's barrier between raising `changes` and the second look at the head */
#define HEAD_BARRIER 4 /* without: the writer's barrier between the head and the look at `changes` */
#define CHANGES_LOOK 5 /* without: the look at `changes` for every block */
#define CHANGES_ACQUIRE 6 /* without: the acquire in the load of `changes` before the table is scanned */
#define BUMP_LAST 7 /* without: raising `changes` after the entry gates, not before */
#define PREPARE_LOOK 8 /* without: the look at `changes` before the next slot is prepared */
#define TOO_FAR 9 /* without: cursors more than the capacity behind counting as no room */
#define CLAMP 10 /* without: the limit to how far behind the head a joiner puts its first cursor */
#define STATE_GENERATION 11 /* without (one entry): the generation in the comparison when an entry is dropped or freed */
#define CLAIM_WHOLE 12 /* without (one entry): the owner in the operation that claims an entry */
#define OWNER_ORDER 13 /* without (one entry): the order of the keeper's loads, the state of an entry before its owner */
#define CLAIMANT 14 /* without (one entry): leaving a claimed entry to a claimant that lives, however long it takes */

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

inline raise_changes() {
  atomic { ALIVE(READER(me)) && DRAINED(READER(me)) -> memory[CHANGES_WORD]++ }
}

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
    atomic { DRAINED(W) -> store_release(W, STAMP_WORD(sent), LOW(sent)); store(W, HEAD_WORD, sent + 1) }
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

proctype Reader(byte me) {
  byte e = me % ENTRIES;
  byte own, s, history, h;
  bool raised, looked;
  /* A load and a compare-and-swap: the entry is free, its generation moves on. */
  atomic {
    ALIVE(READER(me)) && DRAINED(READER(me)) && STATUS(memory[STATE_WORD(e)]) == FREE && (!KEEPER || me == 0 || begun) ->
    begun = true;
    own = memory[STATE_WORD(e)] + GENERATION_ONE;
    memory[STATE_WORD(e)] = own + CLAIMED;
    owners[e] = me + 1;
    if
    :: WITHOUT != CLAIM_WHOLE -> memory[OWNER_WORD(e)] = me + 1
    :: else
    fi
  }
  if
  :: WITHOUT == CLAIM_WHOLE -> store(READER(me), OWNER_WORD(e), me + 1)
  :: else
  fi;
  /* Blocks of the past that it wants: none, all, or those of one who was dropped so long ago that low words have come again. */
  if
  :: !KEEPER -> history = 0
  :: history = SLOTS
  :: WITHOUT == CLAMP -> history = LOWS
  fi;
  atomic { s = memory[HEAD_WORD] - history; history = 0 }
  store(READER(me), CURSOR_WORD(e), LOW(s));
  if
  :: WITHOUT == BUMP_LAST -> raise_changes()
  :: else
  fi;
  store_release(READER(me), STATE_WORD(e), own + GATING);
  do
  :: !raised && WITHOUT != BUMP_LAST -> raise_changes(); raised = true
  :: atomic { !raised && WITHOUT == BUMP_LAST && DRAINED(READER(me)) -> raised = true }
  :: atomic { (raised || WITHOUT == JOIN_BARRIER) && !looked -> looked = true; h = memory[HEAD_WORD] }
  :: atomic { raised && looked -> raised = false; looked = false; break }
  od;
  atomic {
    h = h + (WITHOUT == CORRECTION_ONE -> 0 : 1) - SLOTS;
    if
    :: h > s && WITHOUT != CORRECTION -> s = h
    :: else -> h = 0
    fi;
    cursors[me] = s; reading[me] = true
  }
  if
  :: h > 0 -> store(READER(me), CURSOR_WORD(e), LOW(s)); h = 0
  :: else
  fi;
  do
  :: atomic {
      ALIVE(READER(me)) && !OLDER(memory[STAMP_WORD(s)], s) ->
      if
      :: memory[STAMP_WORD(s)] == LOW(s)
      :: else -> assert(memory[STATE_WORD(e)] != own + GATING); break
      fi
    }
    /* The block was in hand, and is given back. */
    atomic {
      ALIVE(READER(me)) ->
      assert(memory[STAMP_WORD(s)] == LOW(s) || memory[STATE_WORD(e)] != own + GATING);
      s++; cursors[me] = s;
      store_release(READER(me), CURSOR_WORD(e), LOW(s))
    }
    DRAINED(READER(me))
  :: ALIVE(READER(me)) && KEEPER -> break
  :: ALIVE(READER(me)) && memory[STATE_WORD(e)] != own + GATING -> break
  od;
  /* It leaves, or has found that it was dropped: two compare-and-swaps, the second for the case that it was dropped. */
  atomic {
    ALIVE(READER(me)) && DRAINED(READER(me)) ->
    reading[me] = false; cursors[me] = 0; s = 0;
    if
    :: memory[STATE_WORD(e)] == own + GATING || memory[STATE_WORD(e)] == own + DROPPED -> memory[STATE_WORD(e)] = own + FREE
    :: else
    fi
  }
  raise_changes()
}

#define GONE(owner) (killed[(owner) - 1] && DRAINED((owner) - 1))
#define SAME_STATE \
  (memory[STATE_WORD(0)] == state || (WITHOUT == STATE_GENERATION && STATUS(memory[STATE_WORD(0)]) == STATUS(state)))
#define SET_STATUS(status) memory[STATE_WORD(0)] = memory[STATE_WORD(0)] - STATUS(memory[STATE_WORD(0)]) + status

/* The keeper of the writer's process looks at the entry now and then: it drops an owner who seems to have stopped, and frees
   what belonged to a process that is gone, which it knows by what the entry says of its owner. */
proctype Keeper() {
  byte state, owner;
  bool looked; /* it has had its look at somebody who lives; at the dead it looks for ever */
  bool has_state, has_owner;
  do
  :: atomic {
      STATUS(memory[STATE_WORD(0)]) != FREE && memory[OWNER_WORD(0)] != 0 &&
      (!looked || GONE(memory[OWNER_WORD(0)])) ->
      looked = true
    }
    do
    :: atomic { !has_state -> has_state = true; state = memory[STATE_WORD(0)] }
    :: atomic { (has_state || WITHOUT == OWNER_ORDER) && !has_owner -> has_owner = true; owner = memory[OWNER_WORD(0)] }
    :: atomic { has_state && has_owner -> has_state = false; has_owner = false; break }
    od;
    if
    :: atomic {
        owner != 0 && STATUS(state) != FREE && GONE(owner) ->
        if
        :: SAME_STATE -> assert(owners[0] == owner); SET_STATUS(FREE)
        :: else
        fi
      }
      memory[CHANGES_WORD]++
    :: atomic {
        owner != 0 && STATUS(state) == GATING ->
        if
        :: SAME_STATE -> assert(owners[0] == owner); SET_STATUS(DROPPED)
        :: else
        fi
      }
      memory[CHANGES_WORD]++
    :: atomic { WITHOUT == CLAIMANT && STATUS(state) == CLAIMED && SAME_STATE -> SET_STATUS(FREE) }
    :: skip
    fi;
    atomic { state = 0; owner = 0 }
  od
}

proctype Killer() {
  if
  :: killed[READER(0)] = true
  :: skip
  fi
}

proctype Judge() {
  timeout;
  d_step {
    assert(killed[W] || sent == FIRST + BLOCKS);
    assert(killed[READER(0)] || !reading[0] || cursors[0] == sent);
    assert(!reading[1] || cursors[1] == sent);
    assert(!KEEPER || STATUS(memory[STATE_WORD(0)]) == FREE)
  }
}

init {
  byte i;
  d_step {
    for (i : 0 .. SLOTS - 1) { memory[STAMP_WORD(FIRST + i)] = LOW(FIRST + i + LOWS - SLOTS) }
    memory[HEAD_WORD] = FIRST;
    i = 0
  }
  atomic {
    run Writer();
    run Reader(0);
    run Reader(1);
    if
    :: KEEPER -> run Keeper(); run Killer()
    :: else
    fi;
    run Judge()
  }
}
