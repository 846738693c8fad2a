/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lossless writer that parks until there is room: the event count at room_word. Mirrors `armRoom` in
 * src/ring/ring_writer.ts, `publish` and `leave` in src/ring/table_entry.ts, and of c_shim/include/qaultra_ipc/ the files
 * ring_wait.h, ring_writer.h (wait_room), ring_join.h (publish), ring_table.h (leaving, dropping).
 *
 * Checked: when nothing moves any more, the writer does not sleep while there is room; two readers release blocks, leave and
 * are killed at whatever step, also between clearing the flag and waking; one that leaves, is dropped or freed makes
 * room too.
 *
 * The writer's sleep has a limit, after which it looks again. That must not hide a lost wake-up, so here it ends only when a
 * reader was killed, who may have taken the flag down, or left, and woken nobody. The keeper's wake does not care about the
 * flag, so it alone suffices as long as the dead still had their entry; the limit is what remains for who had left.
 *
 * Bounds. Room is what cursors and states say (lossless.pml, join.pml); readers read without parking (park.pml). 2 slots and
 * 4 blocks: the writer sleeps for want of room and is woken several times by either reader. Both readers are the same
 * program; one of them may leave and be killed. Only the writer parks at this
 * word, so a generation could not be missed here; data_word shows that it is needed.
 */
#ifndef BLOCKS
#define BLOCKS 4
#endif
#define SLOTS 2

#define CURSOR_BARRIER 1 /* without: the reader's full barrier between its cursor and the look at the flag */
#define ROOM_BARRIER 2 /* without: the writer's full barrier between the flag and the look at the cursors again */
#define LOOK_AGAIN 3 /* without: the writer's look at the cursors after it raised the flag */
#define RAISE_AGAIN 4 /* without: raising the flag and looking anew when the word changed under the attempt */
#define COMPARE 5 /* without: the comparison of the word by the writer that falls asleep */
#define CLEAR_FIRST 6 /* without: the order of clearing the flag before waking */
#define LEAVE_WAKES 7 /* without: waking the writer when a reader leaves */
#define DROP_WAKES 8 /* without: waking the writer when a dead reader is dropped */
#define DROP_SURELY 9 /* without: waking the writer also when the flag is down as a dead reader is dropped */
#define LIMIT 10 /* without: the limit of the writer's sleep */

#define WORDS 6
#define PROCESSES 3
#define DEPTH 2
#define W 2
#define ALIVE(p) (!killed[p])
bool killed[PROCESSES];
#include "memory.pml"
MEMORY_PROCESS(:: REACH_0(0) :: REACH_1(0) :: REACH_0(1) :: REACH_1(1) :: REACH_0(W) :: REACH_1(W))

#define ROOM_WORD 0
#define SENT_WORD 1
#define CURSOR_WORD(r) (2 + (r))
#define GATES_WORD(r) (4 + (r))

bool asleep; /* the writer */
bool left; /* reader 0 gave its entry back by itself */
byte sent;

#define ROOM_BY(r) (memory[GATES_WORD(r)] == 0 || sent - memory[CURSOR_WORD(r)] < SLOTS)

proctype Killer() {
  if
  :: killed[0] = true
  :: skip
  fi
}

/* One try is enough: when the word has changed, another one has woken, or the flag was raised anew by a writer that looks. */
inline wake(by) {
  atomic { ALIVE(by) && (DRAINED(by) || WITHOUT == CURSOR_BARRIER) -> seen = memory[ROOM_WORD] }
  if
  :: seen % 2 == 1 ->
    if
    :: WITHOUT == CLEAR_FIRST -> atomic { ALIVE(by) -> asleep = false }
    :: else
    fi;
    atomic {
      ALIVE(by) && DRAINED(by) ->
      if
      :: memory[ROOM_WORD] == seen -> memory[ROOM_WORD] = seen + 1
      :: else
      fi
    }
    if
    :: WITHOUT != CLEAR_FIRST -> atomic { ALIVE(by) -> asleep = false }
    :: else
    fi
  :: else
  fi;
  seen = 0
}

/* The writer's look at both cursors: one after the other, while they move. */
inline look_for_room() {
  atomic { looked = true; room = ROOM_BY(0) }
  room = room && ROOM_BY(1)
}

proctype Writer() {
  byte expected;
  bool looked, room;
  do
  :: sent < BLOCKS ->
    look_for_room();
    do
    :: room -> break
    :: else ->
      looked = false;
      /* Raises the flag, and looks once more; without a barrier the look may come before. */
      do
      :: expected == 0 -> expected = memory[ROOM_WORD];
        atomic {
          if
          :: memory[ROOM_WORD] == expected -> expected = expected | 1; memory[ROOM_WORD] = expected
          :: memory[ROOM_WORD] != expected && WITHOUT == RAISE_AGAIN ->
            expected = memory[ROOM_WORD] - memory[ROOM_WORD] % 2; looked = true
          :: memory[ROOM_WORD] != expected && WITHOUT != RAISE_AGAIN -> expected = 0
          fi
        }
      :: (expected != 0 || WITHOUT == ROOM_BARRIER) && !looked -> look_for_room()
      :: atomic { expected != 0 && looked -> break }
      od;
      if
      :: atomic { room && WITHOUT != LOOK_AGAIN -> expected = 0 }
      :: atomic {
          !room || WITHOUT == LOOK_AGAIN ->
          if
          :: memory[ROOM_WORD] == expected || WITHOUT == COMPARE -> asleep = true
          :: else
          fi;
          expected = 0
        }
        if
        :: !asleep
        :: atomic { killed[0] && left && ROOM_BY(1) && WITHOUT != LIMIT -> asleep = false }
        fi;
        look_for_room()
      fi
    od;
    store(W, SENT_WORD, sent + 1);
    atomic { DRAINED(W) -> sent++; looked = false; room = false }
  :: else -> break
  od
}

proctype Reader(byte me) {
  byte seen, s;
  bool leaves;
  if
  :: me == 0 -> leaves = true
  :: skip
  fi;
  do
  :: atomic { ALIVE(me) && memory[SENT_WORD] > s -> s++ }
    store_release(me, CURSOR_WORD(me), s);
    wake(me)
  :: atomic { leaves && ALIVE(me) && DRAINED(me) && memory[GATES_WORD(me)] == 1 -> memory[GATES_WORD(me)] = 0; left = true }
    if
    :: WITHOUT != LEAVE_WAKES -> wake(me)
    :: else
    fi;
    break
  od
}

/* Drops reader 0 when its process is gone, and wakes the writer whether the flag is up or not. */
proctype Keeper() {
  atomic { killed[0] && DRAINED(0) && memory[GATES_WORD(0)] == 1 -> memory[GATES_WORD(0)] = 0 }
  atomic {
    WITHOUT != DROP_WAKES && (memory[ROOM_WORD] % 2 == 1 || WITHOUT != DROP_SURELY) ->
    memory[ROOM_WORD] = memory[ROOM_WORD] + memory[ROOM_WORD] % 2
  }
  asleep = false
}

proctype Judge() {
  timeout;
  assert(sent == BLOCKS)
}

init {
  atomic {
    memory[GATES_WORD(0)] = 1;
    memory[GATES_WORD(1)] = 1;
    run Writer();
    run Killer();
    run Keeper();
    run Reader(0);
    run Reader(1);
    run Judge()
  }
}
