/* SPDX-License-Identifier: Apache-2.0
 *
 * The C ABI of @qaultra/ipc: what a stack (iceoryx now, others later) offers to a TypeScript runtime through FFI.
 *
 * Rules that hold for every call
 *  - Scalars are u32, i32 and f64. Buffers are (pointer, length) pairs that the call does not keep. Results go to a buffer
 *    of the caller, 8-byte aligned, of at least QIPC_RESULT_BYTES (a call that needs another size says so); its layout is
 *    given beside each call as "result", words being u32 and qwords u64.
 *  - Return value: 0 is QIPC_OK; positive is an expected outcome or a count; negative is an error (QIPC_E_...). No call
 *    throws, prints, aborts or touches memory before it has checked its arguments.
 *  - After an error, qipc_error_detail gives the offending value, the limit and a text, of this thread's last error.
 *  - A handle is a u32 that belongs to the thread that made it. It carries a generation: one that was closed is
 *    QIPC_E_CLOSED, one that never was or is of another kind is QIPC_E_BAD_HANDLE, one of another thread is
 *    QIPC_E_WRONG_THREAD.
 *  - Control calls (open, close, streams) may talk to the daemon and end within QIPC_CONTROL_TIMEOUT_MS, or the timeout that
 *    they are given. Data calls (loan, publish, take, release, has_data) never wait, allocate nothing and make no system
 *    call of their own.
 */
#ifndef QAULTRA_IPC_QIPC_H
#define QAULTRA_IPC_QIPC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QIPC_ABI_VERSION 1u

#define QIPC_RESULT_BYTES 256u
#define QIPC_NAME_BYTES_MAX 100u
#define QIPC_CONTROL_TIMEOUT_MS 1000u
#define QIPC_SIGNAL_DEFER_MS_MAX 200u
#define QIPC_TAKE_ENTRY_BYTES 32u
#define QIPC_TAKE_MAX 256u

/** Statuses. A number is never reused. */
#define QIPC_OK 0
#define QIPC_NO_DATA 1    /* nothing to take */
#define QIPC_NO_CHUNK 2   /* the pool is empty; an expected outcome */
#define QIPC_QUEUE_FULL 3 /* a lossless queue has no room; an expected outcome */
#define QIPC_TIMED_OUT 4  /* a wait ended without data */

#define QIPC_E_INTERNAL (-1)             /* a defect of this library or of its stack; the text names it */
#define QIPC_E_NULL (-2)                 /* a pointer is null */
#define QIPC_E_MISALIGNED (-3)           /* a result buffer is not aligned to 8 */
#define QIPC_E_BUFFER_TOO_SMALL (-4)     /* value: given, limit: needed */
#define QIPC_E_OPTION (-5)               /* an option is unknown, malformed or out of its range */
#define QIPC_E_NAME_EMPTY (-6)
#define QIPC_E_NAME_TOO_LONG (-7)        /* value: bytes, limit: QIPC_NAME_BYTES_MAX */
#define QIPC_E_NAME_INVALID (-8)         /* NUL inside, not UTF-8, a control character, or one that this stack cannot carry */
#define QIPC_E_BAD_HANDLE (-9)
#define QIPC_E_CLOSED (-10)
#define QIPC_E_WRONG_THREAD (-11)
#define QIPC_E_NAME_IN_USE (-12)         /* another process runs under this runtime name */
#define QIPC_E_DAEMON_ABSENT (-13)       /* no daemon answers */
#define QIPC_E_DAEMON_GONE (-14)         /* the daemon this runtime was attached to is dead or was replaced */
#define QIPC_E_DAEMON_HUNG (-15)         /* the daemon exists and does not answer in time */
#define QIPC_E_DAEMON_START (-16)        /* the daemon could not be started */
#define QIPC_E_SHM_TOO_SMALL (-17)       /* value: bytes free, limit: bytes needed */
#define QIPC_E_OPTIONS_DIFFER (-18)      /* this process has a runtime open with other options */
#define QIPC_E_TOO_MANY_PUBLISHERS (-19) /* limit: of the daemon */
#define QIPC_E_TOO_MANY_SUBSCRIBERS (-20)/* limit: of the daemon */
#define QIPC_E_STREAM_FULL (-21)         /* a publisher of the stream serves no further subscriber */
#define QIPC_E_TOO_MANY_LOANS (-22)      /* limit: loans of one publisher at once */
#define QIPC_E_TOO_MANY_HELD (-23)       /* limit: chunks held of one subscriber at once */
#define QIPC_E_BLOCK_TOO_LARGE (-24)     /* no pool has chunks of this size: value: bytes needed */
#define QIPC_E_NOT_LOANED (-25)          /* this slot is not loaned (published or discarded before?) */
#define QIPC_E_NOT_HELD (-26)            /* this slot is not held (released before?) */
#define QIPC_E_CAPACITY (-27)            /* queue capacity out of range: value, limit */
#define QIPC_E_HISTORY (-28)             /* history out of range: value, limit */
#define QIPC_E_ACCESS (-29)              /* this user may not connect to the daemon or write any segment */
#define QIPC_E_TOO_MANY_PROCESSES (-30)  /* the daemon takes no further process */
#define QIPC_E_TOO_MANY_HANDLES (-31)    /* limit: handles of one process */
#define QIPC_E_FOREIGN_CHUNK (-32)       /* a peer sent a chunk of another size or alignment; it was given back */
#define QIPC_E_SYSTEM (-33)              /* a system call failed: value: errno */
#define QIPC_E_UNSUPPORTED (-34)         /* this machine or stack cannot do it */
#define QIPC_E_TOO_MANY_WAITERS (-35)    /* limit: condition variables of the daemon */
#define QIPC_E_VERSION (-36)             /* the daemon speaks another version of its protocol */
#define QIPC_E_RING_GONE (-37)           /* no ring of this epoch: its writer closed it or died, and it was removed */
#define QIPC_E_RING_VERSION (-38)        /* value: the version of the ring, limit: the one known here */
#define QIPC_E_RING_CORRUPT (-39)        /* a header that does not fit its segment; the text names the field; value, limit */
#define QIPC_E_RING_CAPACITY (-40)       /* a ring's capacity is no power of two within the limits: value, limit */
#define QIPC_E_RING_ENTRY (-41)          /* an entry of a reader table, or their count, is out of range: value, limit */
#define QIPC_E_SERVICE_TYPE (-42)        /* the stream carries another type of payload */
#define QIPC_E_SERVICE_DAMAGED (-43)     /* what the stack keeps of a stream is unusable, or another version's: see qipc_runtime_heal */

/** The ABI this library implements: QIPC_ABI_VERSION. Any thread. */
uint32_t qipc_abi_version(void);

/** The name of a status ("QIPC_E_CLOSED"), static, never null; "QIPC_UNKNOWN" for a number that is none. Any thread. */
const char* qipc_status_string(int32_t status);

/** This thread's last error. result (QIPC_RESULT_BYTES): qword 0 value, qword 1 limit (both f64); then the text goes to
 * `text`, UTF-8, not terminated, cut at `text_len`. Returns the bytes written. Any thread. */
int32_t qipc_error_detail(uint8_t* result, uint8_t* text, uint32_t text_len);

/* ---- runtime ---------------------------------------------------------------------------------------------------- */

/**
 * Connects this process, or, when it is connected with equal options already, counts one more handle, attaching again first if need
 * be.
 *
 * `options`: UTF-8 lines "key=value\n", any order. Keys:
 *   name            runtime name, 1 to QIPC_NAME_BYTES_MAX bytes; default: unique in this process
 *   daemon          require | spawn (default require)
 *   daemon_keep     0 | 1: a spawned daemon outlives the last process that asked for it (default 0)
 *   pool_bytes      bytes of block pool for a spawned daemon (default 67108864)
 *   timeout_ms      1 to 60000, how long an answer of the daemon may take (default QIPC_CONTROL_TIMEOUT_MS)
 *   log             off | error | warning | info | debug: the stack's own log on stderr (default off)
 *   access_readers, access_writers   groups of a spawned daemon's segment (default: the user's own)
 * Equal means: the same text.
 *
 * result: word 0 handle; word 1 length of the runtime name, word 2 1 when this call spawned the daemon; bytes 16.. name.
 * A "name" that another live process uses is QIPC_E_NAME_IN_USE. With daemon=require and none that answers a registration
 * in time: QIPC_E_DAEMON_ABSENT, or QIPC_E_DAEMON_HUNG when one exists but does not answer.
 */
int32_t qipc_runtime_open(const uint8_t* options, uint32_t options_len, uint8_t* result);

/** Closes this handle and every port that this thread opened through it. The last handle of the process disconnects it.
 * Windows stay mapped until qipc_window_unmap. */
int32_t qipc_runtime_close(uint32_t runtime);

/** Any state that can be told without asking the daemon. result: word 0 state: 1 attached, 2 detached; word 1 the generation of the
 * connection, which goes up each time the process attaches: ports and windows of earlier ones are gone. Costs a few system calls. */
int32_t qipc_runtime_state(uint32_t runtime, uint8_t* result);

/**
 * When the daemon has died, was replaced, or has given this process up, the process attaches anew by itself, within a second after there
 * is a healthy daemon; with daemon=spawn one is started where none is. This call does it at once, and is QIPC_OK when there is nothing to
 * do. QIPC_E_DAEMON_ABSENT, QIPC_E_DAEMON_HUNG and the others of qipc_runtime_open when there is no healthy daemon: then nothing
 * has changed. As long as there is none, ports go on exchanging blocks with processes that have the same memory mapped. Afterwards
 * handles of runtimes, waiters and rings of all threads are good as before, every waiter has got its byte, and what is opened belongs to
 * the new connection. Publishers and subscribers of the old one say QIPC_E_DAEMON_GONE, also to those who wait for them, and are to be
 * closed; what they loaned or held is gone, the windows that threads have mapped stay. Takes as long as opening.
 */
int32_t qipc_runtime_attach_again(uint32_t runtime);

/**
 * Streams known to the daemon, this process's own included. Each entry in `buffer`: u32 size of the entry (a multiple of
 * 8), u32 publishers, u32 subscribers, u16 service length, u16 stream length, u16 event length, u16 publishers that
 * wait for no subscriber (which lossless ones do not connect to), then the three names.
 * result: word 0 entries written, word 1 bytes needed. QIPC_E_BUFFER_TOO_SMALL when they do not fit (nothing is written).
 */
int32_t qipc_runtime_streams(uint32_t runtime, uint8_t* buffer, uint32_t buffer_len, uint8_t* result);

/**
 * Where a window lies. Loans and takes name blocks by (window, offset): a window is a mapping owned by this library, at most
 * QIPC_WINDOW_BYTES_MAX long, that stays valid until this thread has called qipc_window_unmap for it. Windows of takes are
 * read-only; writing there is a fault. result: qword 0 address, qword 1 length, word 4 writable (0 or 1).
 */
#define QIPC_WINDOW_BYTES_MAX 1073807360u /* 1 GiB and 64 KiB: no block is cut by a window's end */
int32_t qipc_window_map(uint32_t runtime, uint32_t window, uint8_t* result);

/** This thread holds no view of the window any longer. It is unmapped when no thread does and its runtime is closed. Works
 * after qipc_runtime_close. */
int32_t qipc_window_unmap(uint32_t window);

/* ---- publisher -------------------------------------------------------------------------------------------------- */

#define QIPC_PUBLISHER_BLOCKING 1u /* lossless: wait for consumers that ask for it; loan tells QIPC_QUEUE_FULL first */

/**
 * Offers {service, stream, event}. `history`: blocks kept for late subscribers, 0 to 16. `payload_size` 1 to 65536 and
 * `alignment` a power of two up to 64 are those of every loan. A chunk is loaned and given back once, so that a pool that
 * is missing is told here (QIPC_E_BLOCK_TOO_LARGE).
 * result: word 0 handle, word 1 loans at once at the most; qword 1 (bytes 8-15) the origin id of its chunks.
 */
int32_t qipc_publisher_open(uint32_t runtime, const uint8_t* service, uint32_t service_len, const uint8_t* stream,
                            uint32_t stream_len, const uint8_t* event, uint32_t event_len, uint32_t payload_size,
                            uint32_t alignment, uint32_t history, uint32_t flags, uint8_t* result);

/** Gives back loans and stops offering. */
int32_t qipc_publisher_close(uint32_t publisher);

/**
 * Loans a chunk to write into; its bytes are those of some block before. Returns QIPC_OK, QIPC_NO_CHUNK,
 * QIPC_QUEUE_FULL (blocking publishers), or an error. result: word 0 slot, word 1 window (writable), word 2 offset in bytes.
 * Data call.
 */
int32_t qipc_publisher_loan(uint32_t publisher, uint8_t* result);

#define QIPC_PUBLISH_STAMP 1u   /* write CLOCK_REALTIME into bytes 8-15 of the chunk first */
#define QIPC_PUBLISH_PREPARE 2u /* take the chunk of the next loan afterwards, so that the loan finds it ready */

/** Delivers the chunk; the slot is free afterwards. `flags`: QIPC_PUBLISH_... A prepared chunk counts as no loan; one that the
 * pool has not is looked for again by the next loan. Returns QIPC_OK, QIPC_QUEUE_FULL when another publisher of the stream
 * filled the queue of a lossless subscriber since the loan, which then stays, or an error. Data call; a blocking publisher
 * may wait when the queue is filled at this very moment. */
int32_t qipc_publisher_publish(uint32_t publisher, uint32_t slot, uint32_t flags);

/** Gives a loan back unpublished. Data call. */
int32_t qipc_publisher_discard(uint32_t publisher, uint32_t slot);

/** result: word 0 subscribers connected to this publisher, word 1 loans out. Takes the stack's lock: not for every block. */
int32_t qipc_publisher_info(uint32_t publisher, uint8_t* result);

/** QIPC_OK when a loan would find room now; QIPC_QUEUE_FULL when a lossless queue is full. */
int32_t qipc_publisher_has_room(uint32_t publisher);

/* ---- subscriber ------------------------------------------------------------------------------------------------- */

#define QIPC_SUBSCRIBER_BLOCKING 1u /* lossless: ask blocking publishers to wait; connects to those alone */

/**
 * Subscribes to {service, stream, event}. `capacity`: 1 to 256 queued chunks. `history`: 0 to 16 chunks asked of each
 * publisher. Chunks of another size or alignment than given are refused one by one (QIPC_E_FOREIGN_CHUNK).
 * result: word 0 handle, word 1 the capacity in force. QIPC_E_STREAM_FULL when a publisher of the stream cannot serve it.
 */
int32_t qipc_subscriber_open(uint32_t runtime, const uint8_t* service, uint32_t service_len, const uint8_t* stream,
                             uint32_t stream_len, const uint8_t* event, uint32_t event_len, uint32_t payload_size,
                             uint32_t alignment, uint32_t capacity, uint32_t history, uint32_t flags, uint8_t* result);

/** Gives back what is held and unsubscribes. */
int32_t qipc_subscriber_close(uint32_t subscriber);

/**
 * Takes up to `max` (1 to QIPC_TAKE_MAX) chunks, oldest first. They are stable until released. `result` holds
 * max x QIPC_TAKE_ENTRY_BYTES; each entry: word 0 slot, word 1 window (read-only), word 2 offset, word 3 payload bytes,
 * qword 2 (bytes 16-23) origin id of the publisher, bytes 24-31 reserved. Returns the count taken (0: none there), or an
 * error. When all slots are held and more is queued: QIPC_E_TOO_MANY_HELD, and nothing is lost by asking. Data call.
 */
int32_t qipc_subscriber_take(uint32_t subscriber, uint32_t max, uint8_t* result);

/** Gives a taken chunk back. Data call. */
int32_t qipc_subscriber_release(uint32_t subscriber, uint32_t slot);

/** 1 when a take would find something, 0 when not, or an error. Data call. */
int32_t qipc_subscriber_has_data(uint32_t subscriber);

/** Blocks this thread until there is data or `timeout_ms` (0 to 2147483647) is over: QIPC_OK or QIPC_TIMED_OUT. */
int32_t qipc_subscriber_wait(uint32_t subscriber, double timeout_ms);

/** The same for `count` (1 to 64) subscribers of this thread, u32 handles in `subscribers`. */
int32_t qipc_subscriber_wait_any(const uint8_t* subscribers, uint32_t count, double timeout_ms);

/* ---- parking: waking an event loop -------------------------------------------------------------------------------- */

/**
 * One waiter for each thread with an event loop: a socket to read from. When an armed subscriber has data, one byte arrives
 * there (one, however many subscribers are ready, until qipc_waiter_clear). result: word 0 handle, word 1 file descriptor
 * (owned by the caller, who closes it after qipc_waiter_close).
 */
int32_t qipc_waiter_open(uint32_t runtime, uint8_t* result);
int32_t qipc_waiter_close(uint32_t waiter);

/** Arms: wakes once when data is there or arrives (QIPC_OK), or returns 1 without arming when data is there already. */
int32_t qipc_waiter_arm(uint32_t waiter, uint32_t subscriber);

/** Takes the arming back. Data keeps arriving in the queue, without a wake-up and without its cost to publishers. */
int32_t qipc_waiter_disarm(uint32_t waiter, uint32_t subscriber);

/** To be called by the reader of the socket before it looks at its subscribers. */
int32_t qipc_waiter_clear(uint32_t waiter);

/* ---- ring ------------------------------------------------------------------------------------------------------- */

#define QIPC_RING_CAPACITY_MIN 16u
#define QIPC_RING_CAPACITY_MAX 65536u
#define QIPC_RING_ENTRIES_MAX 1024u
#define QIPC_RING_WAITS_MAX 64u

#define QIPC_RING_LOSSLESS 1u /* flags of qipc_ring_create */
#define QIPC_GROUP_OWN 0xFFFFFFFFu /* the group that this process runs under */

#define QIPC_RING_DATA 0u /* the words of a reader table that can be waited on: who waits for data, */
#define QIPC_RING_ROOM 1u /* and a lossless writer that waits for room */

/**
 * The id of a group by its name, which the system's list of groups tells. QIPC_E_OPTION when there is none of this name.
 * result: word 0 the id.
 */
int32_t qipc_group_id(const uint8_t* name, uint32_t name_len, uint8_t* result);

/**
 * A ring is two files in /dev/shm, laid out as ring.h says and named after the epoch, a random number: the blocks, which
 * readers map read-only, and the table of its readers. What happens in them is up to the caller, by atomic accesses; these
 * calls make, find, check, keep alive and remove them, and let threads sleep. They need no daemon.
 *
 * Makes the ring of a new epoch. It exists, locked by this process and named, before this returns; a thread of this library
 * keeps its heartbeat from then on, until the ring is closed. `capacity`: slots, a power of two. `entries`: 1 to
 * QIPC_RING_ENTRIES_MAX places for readers. `first_sequence`: a whole number from 0 to 2^53 - 1. `heartbeat_ms` and
 * `reader_timeout_ms`, 1 to 2^31 - 1, and `max_subscribers` are stored for the readers. Every page is touched, which takes about
 * 0.2 s a GiB. QIPC_E_SHM_TOO_SMALL (value: bytes free, limit: bytes needed) when /dev/shm has no room.
 * `group`: the id of the group that the files are given to, or QIPC_GROUP_OWN; QIPC_E_ACCESS when this user is not in it. `access`:
 * who may read the blocks, and who may write the table too, as the modes of chmod: 0600, 0640, 0644, 0660, 0664 or 0666.
 * result: word 0 handle; qword 1 epoch; qwords 2 and 3 address and bytes of the data segment, writable; qwords 4 and 5 those
 * of the table; qword 6 created_ns. The mappings stay until qipc_ring_close.
 */
int32_t qipc_ring_create(uint32_t runtime, const uint8_t* service, uint32_t service_len, const uint8_t* stream,
                         uint32_t stream_len, uint32_t capacity, uint32_t entries, uint32_t max_subscribers,
                         uint32_t flags, uint32_t heartbeat_ms, uint32_t reader_timeout_ms, double first_sequence,
                         uint32_t group, uint32_t access, uint8_t* result);

/**
 * Maps the ring of an epoch, its data read-only, its table writable where this user may write it and read-only otherwise. Both
 * headers are checked against their files first (QIPC_E_RING_VERSION, QIPC_E_RING_CORRUPT). A ring whose writer is dead can be
 * attached as long as its names are there; this removes them, and the mappings stay. QIPC_E_RING_GONE when there is none,
 * QIPC_E_ACCESS when this user may not read it.
 * result: word 0 handle, word 1 1 when the table is writable and 0 when not; qwords 2 to 5 as above; word 14 process id, qword 8
 * start time and qword 9 process namespace of this process, as an entry of the table has them.
 */
int32_t qipc_ring_attach(uint32_t runtime, uint32_t epoch_low, uint32_t epoch_high, uint8_t* result);

/**
 * Gives a ring back and unmaps it: the caller has no view of it any longer, and no thread of his is inside a call with it. The
 * handle's entry is freed and its waits are forgotten. Of a writer this ends the ring: readers learn that it is closed, are
 * woken, and read what they have mapped to the end. Its names go with it, unless a subscriber of the announcer (see
 * qipc_ring_set_publishers) has not attached yet: then whoever attaches removes them, or this process some seconds later.
 * Rings that are closed in bulk, with their runtime or at the end of the process, stay mapped. Those of a thread that ends
 * are let go; empty pages take their place, so that an address that was handed to another thread can still be read.
 */
int32_t qipc_ring_close(uint32_t ring);

/** 1 while the writer's process lives and has not closed the ring, 0 afterwards. One or two system calls. */
int32_t qipc_ring_writer_alive(uint32_t ring);

#define QIPC_RING_NO_ENTRY UINT32_MAX

/**
 * From now on this entry of the table, which the caller has claimed, has its heartbeat refreshed, and is freed when the handle is
 * closed or its thread ends. It takes the place of the one named before, which stays as it is; QIPC_RING_NO_ENTRY names none.
 * QIPC_E_RING_ENTRY when there is no such entry, QIPC_E_ACCESS when the table is read-only.
 */
int32_t qipc_ring_keep_entry(uint32_t ring, uint32_t entry);

/**
 * For the writer: the publishers of this thread that belong to the ring; 0 for none. The subscribers of `queue` are counted into the
 * ring's header, once before this returns and every 10 ms from then on; when the daemon has removed the port, 0xFFFFFFFF is
 * written there. `announcer` publishes the ring's announcement: its subscribers are those who may still want to attach when
 * the ring is closed, so it is to be closed after the ring.
 */
int32_t qipc_ring_set_publishers(uint32_t ring, uint32_t announcer, uint32_t queue);

/** For the writer of a ring that is announced on other stacks too, by their libraries: how many subscribers those announcements
 * have. When the ring is closed, or its process ends, they count beside those of `announcer`. */
int32_t qipc_ring_set_audience(uint32_t ring, uint32_t elsewhere);

/** Binds the blocks of the ring to the NUMA node of the calling thread, and reads one page back. result: word 0 node asked, word 1
 * node found. QIPC_E_UNSUPPORTED where the kernel has no NUMA calls. */
int32_t qipc_ring_bind_numa(uint32_t ring, uint8_t* result);

/** Clears the flag of a word (QIPC_RING_DATA or QIPC_RING_ROOM), moves its generation and wakes all who sleep on it. Data call;
 * one system call when the flag was up. QIPC_E_ACCESS when the table is read-only. */
int32_t qipc_ring_wake(uint32_t ring, uint32_t word);

/** Blocks this thread while every named word has its expected value, `timeout_ms` (0 to 2147483647) at the most. waits: `count` (1
 * to QIPC_RING_WAITS_MAX) entries of 4 words {ring, word, expected value, 0}. QIPC_OK or QIPC_TIMED_OUT. */
int32_t qipc_ring_wait(const uint8_t* waits, uint32_t count, double timeout_ms);

/** The same for an event loop: when the word no longer has the expected value, or has not now, one byte arrives at the waiter's
 * socket (one, however many words have changed, until qipc_waiter_clear), and the arming is gone. Arming again replaces the
 * expected value. */
int32_t qipc_waiter_arm_ring(uint32_t waiter, uint32_t ring, uint32_t word, uint32_t expected);
int32_t qipc_waiter_disarm_ring(uint32_t waiter, uint32_t ring, uint32_t word);

/** CLOCK_MONOTONIC in milliseconds modulo 2^32, as heartbeats have it. Any thread. */
uint32_t qipc_clock_ms(void);

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

/**
 * Puts the checksum into the trailer of a block of 8192 bytes, which lies so many bytes behind `memory`, aligned to 8, and is
 * otherwise complete: see block_checksum.h. Any thread; about 20 ns for a tick, 0.5 us for a full block.
 */
int32_t qipc_block_seal(uint8_t* memory, uint32_t offset, uint32_t sequence_low, uint32_t sequence_high);
/** 0: the block has no checksum; 1: its checksum is right; 2: it is not. Any thread. */
int32_t qipc_block_check(const uint8_t* memory, uint32_t offset);

/* ---- process ---------------------------------------------------------------------------------------------------- */

/** CLOCK_REALTIME now minus the u64 nanoseconds given as two words, in nanoseconds. Any thread, about 25 ns. */
double qipc_clock_since_ns(uint32_t low, uint32_t high);

/** Pins the calling thread to one CPU, and reads it back. value/limit of an error: the CPU, the count of CPUs. */
int32_t qipc_thread_pin(uint32_t cpu);
/** result: word 0 count of CPUs this thread may run on, word 1 the lowest of them, word 2 the CPU it runs on now. */
int32_t qipc_thread_affinity(uint8_t* result);
/** Lets another thread have this CPU: sched_yield. Any thread. */
int32_t qipc_thread_yield(void);

/** Binds the writable block memory of the runtime to the NUMA node of the calling thread, and reads one page back.
 * result: word 0 node asked, word 1 node found. QIPC_E_UNSUPPORTED where the kernel has no NUMA calls. */
int32_t qipc_runtime_bind_numa(uint32_t runtime, uint8_t* result);

/** Disconnects at once, from whatever thread, as at the end of the process: all ports and handles become closed. */
int32_t qipc_process_exit(void);

#ifdef __cplusplus
}
#endif

#endif
