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
 * each with a full barrier between. One of the two must see the other. A reader whose entry gates already does the same when
 * it goes back in history, for a second reader of its Worker.
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
#define BACK_LIMIT 11 /* without: the own cursor as the limit of the correction when a reader goes back in history */
#define STATE_GENERATION 12 /* without (one entry): the generation in the comparison when an entry is dropped or freed */
#define CLAIM_WHOLE 13 /* without (one entry): the owner in the operation that claims an entry */
#define OWNER_ORDER 14 /* without (one entry): the order of the keeper's loads, the state of an entry before its owner */
#define CLAIMANT 15 /* without (one entry): leaving a claimed entry to a claimant that lives, however long it takes */

#include "credit.pml"

inline raise_changes() {
  atomic { ALIVE(READER(me)) && DRAINED(READER(me)) -> memory[CHANGES_WORD]++ }
}

/* Makes the entry known, and sets h to the oldest block that the writer can not have overwritten without a look at it. */
inline find_place() {
  do
  :: !raised && WITHOUT != BUMP_LAST -> raise_changes(); raised = true
  :: atomic { !raised && WITHOUT == BUMP_LAST && DRAINED(READER(me)) -> raised = true }
  :: atomic { (raised || WITHOUT == JOIN_BARRIER) && !looked -> looked = true; h = memory[HEAD_WORD] }
  :: atomic { raised && looked -> raised = false; looked = false; break }
  od;
  h = h + (WITHOUT == CORRECTION_ONE -> 0 : 1) - SLOTS
}

/* A second reader of the same entry wants all of the past: the cursor goes back, as in a join, and what the first one has not
   read stays protected. */
inline go_back() {
  store(READER(me), CURSOR_WORD(e), LOW(memory[HEAD_WORD] - SLOTS - 1));
  find_place();
  atomic {
    if
    :: h < s -> s = h
    :: h >= s && WITHOUT != BACK_LIMIT -> h = s
    :: else
    fi;
    cursors[me] = s;
    store(READER(me), CURSOR_WORD(e), LOW(h))
  }
  h = 0
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
  :: WITHOUT == CLAMP -> history = LOWS - 1
  fi;
  atomic { s = memory[HEAD_WORD] - history; history = 0 }
  /* One less until it has looked at the head. */
  store(READER(me), CURSOR_WORD(e), LOW(s - 1));
  if
  :: WITHOUT == BUMP_LAST -> raise_changes()
  :: else
  fi;
  store_release(READER(me), STATE_WORD(e), own + GATING);
  find_place();
  atomic {
    if
    :: h > s && WITHOUT != CORRECTION -> s = h
    :: else
    fi;
    h = 0; cursors[me] = s; reading[me] = true
  }
  store(READER(me), CURSOR_WORD(e), LOW(s));
  if
  :: me == 0 && !KEEPER -> go_back()
  :: skip
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
