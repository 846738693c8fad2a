/* SPDX-License-Identifier: Apache-2.0
 *
 * The layout of a ring's two segments, and of its announcement.
 *
 * The data segment holds a header of 4096 bytes and `capacity` slots, each of them one block; readers map it read-only. The
 * reader table holds a header of 4096 bytes and `entry_count` entries of 64 bytes; readers may write it. All integers are
 * little endian. Words that change while the ring lives lie on cache lines apart from those that do not.
 */
#ifndef QAULTRA_IPC_RING_LAYOUT_H
#define QAULTRA_IPC_RING_LAYOUT_H

#include "market_data_block.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "The ring is little endian, and read in place"
#endif

#define QAULTRA_RING_MAGIC 0x474E49524C554151u          /* the bytes "QAULRING" */
#define QAULTRA_RING_TABLE_MAGIC 0x444145524C554151u    /* the bytes "QAULREAD" */
#define QAULTRA_RING_ANNOUNCE_MAGIC 0x434E4E414C554151u /* the bytes "QAULANNC" */
#define QAULTRA_RING_VERSION 1u

#define QAULTRA_RING_HEADER_BYTES 4096u
#define QAULTRA_RING_SLOT_BYTES QAULTRA_BLOCK_SIZE
#define QAULTRA_RING_ENTRY_BYTES 64u
#define QAULTRA_RING_ANNOUNCEMENT_BYTES 64u
#define QAULTRA_RING_NAME_BYTES_MAX 104u

/** Limits. The capacity is a power of two, so that it divides 2^32 and the low half of a sequence finds the slot. */
#define QAULTRA_RING_CAPACITY_MIN 16u
#define QAULTRA_RING_CAPACITY_MAX 65536u
#define QAULTRA_RING_ENTRIES_MAX 1024u
/** The last sequence: up to here every integer is exact as a number of JavaScript. */
#define QAULTRA_RING_SEQUENCE_MAX 9007199254740991u

/** Bits of `flags`. */
#define QAULTRA_RING_FLAG_LOSSLESS 1u /* gating readers hold the writer back */

/** Values of the header's `state`. */
#define QAULTRA_RING_LIVE 1u
#define QAULTRA_RING_CLOSED 2u

/** In place of the high half of a sequence: the block was lost before it came to this ring, and readers count it as missed. */
#define QAULTRA_RING_SKIPPED 0xFFFFFFFFu

/** `queue_subscribers` when the writer has lost its ports. */
#define QAULTRA_RING_QUEUE_GONE 0xFFFFFFFFu

/** The lower 8 bits of an entry's `state`; the rest is its generation. */
#define QAULTRA_RING_ENTRY_FREE 0u
#define QAULTRA_RING_ENTRY_CLAIMED 1u   /* its owner is filling it in */
#define QAULTRA_RING_ENTRY_GATING 2u    /* the writer waits for its cursor */
#define QAULTRA_RING_ENTRY_OBSERVING 3u /* counted, not waited for */
#define QAULTRA_RING_ENTRY_DROPPED 4u   /* the writer's side gave it up; its owner frees it */
#define QAULTRA_RING_ENTRY_STATUS_MASK 0xFFu
#define QAULTRA_RING_ENTRY_GENERATION 0x100u /* one generation */

/** The files are these two with the epoch as 16 lower-case hexadecimal digits behind; no path ever comes from a peer. */
#define QAULTRA_RING_FOLDER "/dev/shm"
#define QAULTRA_RING_DATA_PREFIX "qaultra-ring-"
#define QAULTRA_RING_TABLE_PREFIX "qaultra-readers-"
/** The event of {service, stream} on which a ring is announced. */
#define QAULTRA_RING_EVENT "Ring"

/** What the data segment begins with. */
typedef struct qaultra_ring_header {
  QAULTRA_BLOCK_ALIGNAS uint64_t magic;
  uint32_t version;
  uint32_t header_bytes;
  uint32_t capacity; /* slots */
  uint32_t slot_bytes;
  uint64_t epoch;          /* random, not 0: this broadcaster's life */
  uint64_t first_sequence; /* of the first block */
  uint64_t segment_bytes;
  uint32_t flags;
  uint32_t heartbeat_interval_ms; /* a writer whose last beat is older is stale */
  uint32_t max_subscribers;
  uint32_t reader_timeout_ms; /* a gating reader that is silent for longer may be dropped */
  uint32_t writer_pid;
  uint32_t reserved;
  uint64_t writer_start_time;    /* field 22 of /proc/<pid>/stat */
  uint64_t writer_pid_namespace; /* inode of /proc/self/ns/pid */
  uint64_t created_ns;           /* CLOCK_MONOTONIC; set anew when it was announced */
  uint8_t unused_96[32];
  uint32_t head_high_first; /* the head, the sequence of the next block to be committed, in three words: ring_atomic.h */
  uint32_t head_low;
  uint32_t head_high_last;
  uint8_t unused_140[52];
  uint32_t heartbeat_ms; /* CLOCK_MONOTONIC modulo 2^32, every 10 to 100 ms */
  uint32_t state;
  uint8_t unused_200[56];
  uint32_t queue_subscribers; /* native subscribers of the queue lane */
  uint8_t unused_260[252];
  uint32_t service_bytes;
  uint32_t stream_bytes;
  uint8_t service[QAULTRA_RING_NAME_BYTES_MAX]; /* UTF-8, not terminated */
  uint8_t stream[QAULTRA_RING_NAME_BYTES_MAX];
  uint8_t unused_728[3368];
} qaultra_ring_header;

/** A slot: a block whose sequence is also read as two words. */
typedef union qaultra_ring_slot {
  qaultra_market_data_block block;
  uint32_t words[QAULTRA_RING_SLOT_BYTES / 4]; /* 0: the stamp, low half of the sequence; 1: its high half */
} qaultra_ring_slot;

/** What the reader table begins with. */
typedef struct qaultra_ring_table_header {
  QAULTRA_BLOCK_ALIGNAS uint64_t magic;
  uint32_t version;
  uint32_t header_bytes;
  uint32_t entry_count;
  uint32_t entry_bytes;
  uint64_t epoch;
  uint64_t segment_bytes;
  uint8_t unused_40[24];
  uint32_t data_word; /* who waits for data parks here */
  uint8_t unused_68[60];
  uint32_t room_word; /* a lossless writer that waits for room parks here */
  uint8_t unused_132[60];
  uint32_t changes;         /* one more after an entry began or ceased to gate */
  uint32_t entries_used;    /* entries below have been used; only grows */
  uint32_t dropped_readers; /* gating readers that the writer's side gave up */
  uint8_t unused_204[3892];
} qaultra_ring_table_header;

/** One reader. */
typedef struct qaultra_ring_entry {
  QAULTRA_BLOCK_ALIGNAS uint32_t state; /* generation << 8 | status */
  uint32_t pid;
  uint32_t cursor; /* low half of the sequence that it reads next; a gating one is never more than capacity behind */
  uint32_t heartbeat_ms;
  uint32_t subscribers; /* DataSubscribers behind this entry */
  uint32_t reserved;
  uint64_t start_time;
  uint64_t pid_namespace;
  uint8_t unused_40[24];
} qaultra_ring_entry;

/** Published once, with a history of 1, on {service, stream, QAULTRA_RING_EVENT}; payload of 64 bytes aligned to 8. */
typedef struct qaultra_ring_announcement {
  uint64_t magic;
  uint32_t version;
  uint32_t flags;
  uint64_t epoch;
  uint64_t data_bytes;
  uint64_t table_bytes;
  uint64_t first_sequence;
  uint64_t created_ns;
  uint64_t origin; /* iceoryx's id of the port that has the same blocks on the queue lane, 0: none has */
} qaultra_ring_announcement;

#define QAULTRA_RING_OFFSET(type, field, offset) \
  QAULTRA_BLOCK_ASSERT(offsetof(type, field) == (offset), #field " at " #offset)

QAULTRA_BLOCK_ASSERT(sizeof(qaultra_ring_header) == QAULTRA_RING_HEADER_BYTES, "a header is 4096 bytes");
QAULTRA_RING_OFFSET(qaultra_ring_header, magic, 0);
QAULTRA_RING_OFFSET(qaultra_ring_header, version, 8);
QAULTRA_RING_OFFSET(qaultra_ring_header, header_bytes, 12);
QAULTRA_RING_OFFSET(qaultra_ring_header, capacity, 16);
QAULTRA_RING_OFFSET(qaultra_ring_header, slot_bytes, 20);
QAULTRA_RING_OFFSET(qaultra_ring_header, epoch, 24);
QAULTRA_RING_OFFSET(qaultra_ring_header, first_sequence, 32);
QAULTRA_RING_OFFSET(qaultra_ring_header, segment_bytes, 40);
QAULTRA_RING_OFFSET(qaultra_ring_header, flags, 48);
QAULTRA_RING_OFFSET(qaultra_ring_header, heartbeat_interval_ms, 52);
QAULTRA_RING_OFFSET(qaultra_ring_header, max_subscribers, 56);
QAULTRA_RING_OFFSET(qaultra_ring_header, reader_timeout_ms, 60);
QAULTRA_RING_OFFSET(qaultra_ring_header, writer_pid, 64);
QAULTRA_RING_OFFSET(qaultra_ring_header, reserved, 68);
QAULTRA_RING_OFFSET(qaultra_ring_header, writer_start_time, 72);
QAULTRA_RING_OFFSET(qaultra_ring_header, writer_pid_namespace, 80);
QAULTRA_RING_OFFSET(qaultra_ring_header, created_ns, 88);
QAULTRA_RING_OFFSET(qaultra_ring_header, head_high_first, 128);
QAULTRA_RING_OFFSET(qaultra_ring_header, head_low, 132);
QAULTRA_RING_OFFSET(qaultra_ring_header, head_high_last, 136);
QAULTRA_RING_OFFSET(qaultra_ring_header, heartbeat_ms, 192);
QAULTRA_RING_OFFSET(qaultra_ring_header, state, 196);
QAULTRA_RING_OFFSET(qaultra_ring_header, queue_subscribers, 256);
QAULTRA_RING_OFFSET(qaultra_ring_header, service_bytes, 512);
QAULTRA_RING_OFFSET(qaultra_ring_header, stream_bytes, 516);
QAULTRA_RING_OFFSET(qaultra_ring_header, service, 520);
QAULTRA_RING_OFFSET(qaultra_ring_header, stream, 624);

QAULTRA_BLOCK_ASSERT(sizeof(qaultra_ring_slot) == QAULTRA_RING_SLOT_BYTES, "a slot is a block");

QAULTRA_BLOCK_ASSERT(sizeof(qaultra_ring_table_header) == QAULTRA_RING_HEADER_BYTES, "a table's header is 4096 bytes");
QAULTRA_RING_OFFSET(qaultra_ring_table_header, magic, 0);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, version, 8);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, header_bytes, 12);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, entry_count, 16);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, entry_bytes, 20);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, epoch, 24);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, segment_bytes, 32);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, data_word, 64);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, room_word, 128);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, changes, 192);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, entries_used, 196);
QAULTRA_RING_OFFSET(qaultra_ring_table_header, dropped_readers, 200);

QAULTRA_BLOCK_ASSERT(sizeof(qaultra_ring_entry) == QAULTRA_RING_ENTRY_BYTES, "an entry is 64 bytes");
QAULTRA_RING_OFFSET(qaultra_ring_entry, state, 0);
QAULTRA_RING_OFFSET(qaultra_ring_entry, pid, 4);
QAULTRA_RING_OFFSET(qaultra_ring_entry, cursor, 8);
QAULTRA_RING_OFFSET(qaultra_ring_entry, heartbeat_ms, 12);
QAULTRA_RING_OFFSET(qaultra_ring_entry, subscribers, 16);
QAULTRA_RING_OFFSET(qaultra_ring_entry, reserved, 20);
QAULTRA_RING_OFFSET(qaultra_ring_entry, start_time, 24);
QAULTRA_RING_OFFSET(qaultra_ring_entry, pid_namespace, 32);

QAULTRA_BLOCK_ASSERT(sizeof(qaultra_ring_announcement) == QAULTRA_RING_ANNOUNCEMENT_BYTES, "an announcement is 64 bytes");
QAULTRA_RING_OFFSET(qaultra_ring_announcement, magic, 0);
QAULTRA_RING_OFFSET(qaultra_ring_announcement, version, 8);
QAULTRA_RING_OFFSET(qaultra_ring_announcement, flags, 12);
QAULTRA_RING_OFFSET(qaultra_ring_announcement, epoch, 16);
QAULTRA_RING_OFFSET(qaultra_ring_announcement, data_bytes, 24);
QAULTRA_RING_OFFSET(qaultra_ring_announcement, table_bytes, 32);
QAULTRA_RING_OFFSET(qaultra_ring_announcement, first_sequence, 40);
QAULTRA_RING_OFFSET(qaultra_ring_announcement, created_ns, 48);
QAULTRA_RING_OFFSET(qaultra_ring_announcement, origin, 56);

#endif
