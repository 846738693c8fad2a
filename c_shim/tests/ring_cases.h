/* SPDX-License-Identifier: Apache-2.0
 *
 * What the cases about rings share: making, attaching and looking at them. Blocks are written and read by ring.h.
 */
#ifndef QIPC_RING_CASES_H
#define QIPC_RING_CASES_H

#include "qaultra_ipc/ring.h"
#include "test.h"

/** A ring as a call has told of it. */
struct Ring {
    uint32_t handle;
    uint64_t epoch;
    bool is_table_writable;
    qaultra_ring_header* header;
    qaultra_ring_shape shape;
    qaultra_ring_table table;
    qaultra_ring_table_shape table_shape;
    qaultra_ring_identity identity; /* of an attached ring: this process */
};

struct RingOptions {
    uint32_t capacity;
    uint32_t entries;
    uint32_t max_subscribers;
    uint32_t flags;
    uint32_t heartbeat_ms;
    uint32_t reader_timeout_ms;
    double first_sequence;
    uint32_t group;
    uint32_t access;
};

extern const struct RingOptions g_small_ring; /* 16 slots, 8 entries */

/** The statuses of the calls; the ring is in RESULT. */
int32_t try_ring(uint32_t runtime, const char* stream, struct RingOptions options);
int32_t try_attach(uint32_t runtime, uint64_t epoch);

/** What a call has just told of. */
struct Ring ring_in_result(void);

struct Ring make_ring(uint32_t runtime, const char* stream);
struct Ring attach_ring(uint32_t runtime, uint64_t epoch);

/** What is in /dev/shm of this ring. */
bool has_data_name(uint64_t epoch);
bool has_table_name(uint64_t epoch);
bool has_names(uint64_t epoch);

/** Files of rings in /dev/shm. */
uint32_t count_ring_files(void);

/** Fills a free entry in with this status and has it kept; for one process at a time. Returns its index. */
uint32_t join_ring(const struct Ring* ring, uint32_t status);
uint32_t status_of_entry(const struct Ring* ring, uint32_t index);

/**
 * Every case about sleeping runs in two processes: one whose kernel lets a thread sleep on several words, and one whose kernel
 * refuses it (the argument is then "refused"). True in these two.
 */
bool begin_sleeping(const char* case_name);

/** Raises the flag of a word; its value then. */
uint32_t raise_flag(const struct Ring* ring, uint32_t word);

/** A case that runs in a child process; `to` is its standard input, `from` its standard output. */
struct Child {
    int pid;
    int to;
    int from;
};
struct Child start_child(const char* case_name, const char* argument);
void tell(int fd, const void* bytes, size_t count);
void hear(int fd, void* bytes, size_t count);

/** Ends its input, or ends it by a signal; it must end with success, or by that very signal. */
void end_child(struct Child child, int signal);

#endif
