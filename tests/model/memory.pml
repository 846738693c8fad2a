/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that the models of the ring share: weaker than x86-64 (whose buffers keep their order and whose loads do) and
 * as weak as arm64, so what holds here holds on both.
 *
 * Stores: every process has a store buffer. A store goes into it and reaches memory at some later moment, chosen by the
 * search: stores to different words in any order, stores to the same word in theirs, and a store-release after every store
 * that was issued before it, which is all that a release promises (a later plain store may overtake it). A full barrier
 * is a guard that waits until the own buffer is empty; a store barrier lets no later store overtake an earlier one. An
 * atomic read-modify-write waits for an empty buffer and then acts on memory.
 * No process loads a word while a store of its own to it is in its buffer, so there is no forwarding.
 *
 * Loads: the models state which loads of a look may be satisfied before which others. They are options of one `do` loop, each
 * with a guard that names the loads it has to come after; without an acquire or a barrier in between there is no such
 * guard, and the search takes them in every order. That is also how a load comes late, after a store that follows it in the
 * program (a cursor that is stored before the block was read).
 *
 * Death: a killed process takes no further step, and what is in its buffer still reaches memory, since a processor does not
 * take back stores of instructions that are complete. The kernel releases the lock of a dead writer after that.
 *
 * Before including this file a model defines WORDS, PROCESSES, DEPTH (stores of one process between two barriers) and
 * ALIVE(p).
 * -DWITHOUT=NAME takes out the thing of that name: a table at the top of each model lists them, and tests/model_test.ts
 * asserts that each makes the model fail. Without a mutation a full buffer is an error of the model, since it would hide
 * behaviours; with one it only makes the store wait.
 */
#ifndef WITHOUT
#define WITHOUT 0
#endif

/* Added to the number of a word in a buffer: this store is a release; a store barrier came after this store. */
#define RELEASE 64
#define BEHIND_BARRIER 128
#define PLACE(p, i) (buffer[p].word[i] & 63)

typedef StoreBuffer {
  byte word[DEPTH];
  byte value[DEPTH];
  byte count
};

byte memory[WORDS];
StoreBuffer buffer[PROCESSES];

/* The guard of a full barrier, and of an atomic read-modify-write. */
#define DRAINED(p) (buffer[p].count == 0)

#define store(p, address, what) \
  atomic { \
    assert(WITHOUT != 0 || buffer[p].count < DEPTH || !ALIVE(p)); \
    (ALIVE(p) && buffer[p].count < DEPTH) -> \
    d_step { \
      buffer[p].word[buffer[p].count] = (address); \
      buffer[p].value[buffer[p].count] = (what); \
      buffer[p].count++ \
    } \
  }

#define store_release(p, address, what) store(p, (address) + RELEASE, what)

/* The models need it where at most one store is in the buffer. */
#define store_barrier(p) \
  d_step { \
    assert(WITHOUT != 0 || buffer[p].count <= 1); \
    if \
    :: buffer[p].count > 0 -> buffer[p].word[buffer[p].count - 1] = buffer[p].word[buffer[p].count - 1] | BEHIND_BARRIER \
    :: else \
    fi \
  }

/* Whether entry i of a buffer may reach memory before entry j, which was stored earlier, and before any at all. */
#define OVERTAKES(p, i, j) (PLACE(p, i) != PLACE(p, j) && buffer[p].word[j] < BEHIND_BARRIER)
#define IS_PLAIN(p, i) (buffer[p].count > i && (buffer[p].word[i] & RELEASE) == 0)

/* Takes entry `from` of a buffer to memory and closes the gap; what is not used is zero, so that equal states are equal. */
#define reach_memory(p, from) \
  memory[PLACE(p, from)] = buffer[p].value[from]; \
  i = from; \
  do \
  :: i + 1 < buffer[p].count -> \
    buffer[p].word[i] = buffer[p].word[i + 1]; \
    buffer[p].value[i] = buffer[p].value[i + 1]; \
    i++ \
  :: else -> break \
  od; \
  buffer[p].count--; \
  buffer[p].word[buffer[p].count] = 0; \
  buffer[p].value[buffer[p].count] = 0; \
  i = 0

#define REACH_0(p) d_step { buffer[p].count > 0 -> reach_memory(p, 0) }
#define REACH_1(p) d_step { IS_PLAIN(p, 1) && OVERTAKES(p, 1, 0) -> reach_memory(p, 1) }
#define REACH_2(p) d_step { IS_PLAIN(p, 2) && OVERTAKES(p, 2, 0) && OVERTAKES(p, 2, 1) -> reach_memory(p, 2) }
#define REACH_3(p) \
  d_step { \
    IS_PLAIN(p, 3) && OVERTAKES(p, 3, 0) && OVERTAKES(p, 3, 1) && OVERTAKES(p, 3, 2) -> reach_memory(p, 3) \
  }
#define REACH_4(p) \
  d_step { \
    IS_PLAIN(p, 4) && OVERTAKES(p, 4, 0) && OVERTAKES(p, 4, 1) && OVERTAKES(p, 4, 2) && OVERTAKES(p, 4, 3) -> \
    reach_memory(p, 4) \
  }

/* The buffers' way to memory; a model says which entries there are. The variable is zero between steps. */
#define MEMORY_PROCESS(ways) \
  active proctype Memory() { \
    byte i; \
    do \
    ways \
    od \
  }
