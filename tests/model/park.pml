/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers that park until there is data: the event count at data_word. Mirrors `#arm`, `wait` and `park` of
 * src/ring/ring_port.ts, the end of `commit` in src/ring/ring_writer.ts, and of c_shim/include/qaultra_ipc/ the files
 * ring_wait.h, ring_reader.h and ring_writer.h.
 *
 * Checked: when nothing moves any more, no reader sleeps while a block is there that it has not read, whoever was killed at
 * whatever step; a killed reader costs the others nothing but a needless wake-up. Two readers share the word, so that
 * one may raise the flag that the other's waker has just cleared.
 *
 * A sleeper also wakes after some time, to see whether the writer lives. That must not hide a lost wake-up, so here it happens
 * only when the writer was killed: then who cleared the flag may have been killed before it woke anybody.
 *
 * Bounds. How a block is read is in seqlock.pml; here it is a number, of the newest block, and a reader has it when it sees a
 * number above its own. 3 blocks: between the look of one reader and its sleep the flag can be cleared and raised again, twice.
 * The futex is as the kernel has it: comparing and falling asleep are one step, and so is waking all.
 */
#ifndef BLOCKS
#define BLOCKS 3
#endif

#define WRITER_BARRIER 1 /* without: the writer's full barrier between the stamp and the look at the flag */
#define PARK_BARRIER 2 /* without: the reader's full barrier between the flag and the look again */
#define LOOK_AGAIN 3 /* without: the reader's look at the stamp after it raised the flag */
#define ODD_BARRIER 4 /* without: that barrier for who finds the flag raised by another */
#define COMPARE 5 /* without: the comparison of the word by who falls asleep */
#define GENERATION 6 /* without: the generation that moves when the flag is cleared */
#define CLEAR_FIRST 7 /* without: the order of clearing the flag before waking */
#define WAKE_ALL 8 /* without: waking all who sleep, when the flag is one for all */
#define WATCH 9 /* without: looking after a writer that died before it woke anybody */

#define WORDS 2
#define PROCESSES 3
#define DEPTH 2
#define W 2
#define ALIVE(p) (!killed[p])
bool killed[PROCESSES];
#include "memory.pml"
MEMORY_PROCESS(:: REACH_0(W) :: REACH_1(W))

#define NEWEST_WORD 0
#define DATA_WORD 1

bool asleep[2];
byte cursors[2];

proctype Killer() {
  if
  :: killed[0] = true
  :: skip
  fi;
  if
  :: killed[W] = true
  :: skip
  fi
}

inline wake_sleepers() {
  d_step {
    ALIVE(W) ->
    if
    :: WITHOUT == WAKE_ALL && asleep[0] -> asleep[0] = false
    :: else -> asleep[0] = false; asleep[1] = false
    fi
  }
}

proctype Writer() {
  byte block, seen;
  do
  :: block < BLOCKS ->
    block++;
    store(W, NEWEST_WORD, block);
    (ALIVE(W) && (DRAINED(W) || WITHOUT == WRITER_BARRIER));
    seen = memory[DATA_WORD];
    if
    :: seen % 2 == 1 ->
      if
      :: WITHOUT == CLEAR_FIRST -> wake_sleepers()
      :: else
      fi;
      /* One try: who changed the word meanwhile has looked after this block was there. */
      d_step {
        ALIVE(W) && DRAINED(W) ->
        if
        :: memory[DATA_WORD] == seen -> memory[DATA_WORD] = (WITHOUT == GENERATION -> seen - 1 : seen + 1)
        :: else
        fi
      }
      if
      :: WITHOUT != CLEAR_FIRST -> wake_sleepers()
      :: else
      fi
    :: else
    fi;
    seen = 0
  :: else -> break
  od
}

proctype Reader(byte me) {
  byte expected;
  bool looked, found;
  do
  :: atomic { ALIVE(me) && memory[NEWEST_WORD] > cursors[me] -> cursors[me]++ }
  :: atomic { ALIVE(me) && memory[NEWEST_WORD] == cursors[me] -> skip }
    /* Raises the flag, and looks once more; without a barrier the look may come before. */
    do
    :: expected == 0 -> atomic { ALIVE(me) -> expected = memory[DATA_WORD] }
      if
      :: atomic { expected % 2 == 0 && ALIVE(me) ->
          if
          :: memory[DATA_WORD] == expected ->
            expected++; memory[DATA_WORD] = expected;
            if
            :: WITHOUT == ODD_BARRIER -> looked = false; found = false
            :: else
            fi
          :: else -> expected = 0
          fi
        }
      :: expected % 2 == 1
      fi
    :: atomic {
        (expected != 0 || WITHOUT == PARK_BARRIER || WITHOUT == ODD_BARRIER) && !looked && ALIVE(me) ->
        looked = true; found = memory[NEWEST_WORD] > cursors[me] && WITHOUT != LOOK_AGAIN
      }
    :: atomic { expected != 0 && looked -> looked = false; break }
    od;
    if
    :: atomic { found -> found = false; expected = 0 }
    :: atomic { !found && ALIVE(me) ->
        if
        :: memory[DATA_WORD] == expected || WITHOUT == COMPARE -> asleep[me] = true
        :: else
        fi;
        expected = 0
      }
      if
      :: ALIVE(me) && !asleep[me]
      :: atomic {
          ALIVE(me) && killed[W] && DRAINED(W) && memory[NEWEST_WORD] > cursors[me] && WITHOUT != WATCH ->
          asleep[me] = false
        }
      fi
    fi
  od
}

proctype Judge() {
  timeout;
  d_step {
    assert(killed[W] || memory[NEWEST_WORD] == BLOCKS);
    assert(killed[0] || cursors[0] == memory[NEWEST_WORD]);
    assert(cursors[1] == memory[NEWEST_WORD])
  }
}

init {
  atomic {
    run Writer();
    run Killer();
    run Reader(0);
    run Reader(1);
    run Judge()
  }
}
