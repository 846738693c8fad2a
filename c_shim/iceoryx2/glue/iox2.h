/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Rust half of this library offers to the C++ half: iceoryx2's nodes, services and ports. No two threads may be inside of
 * one port, nor make or end nodes and ports, at the same time. Statuses are those of qipc.h.
 */
#ifndef QIPC_IOX2_H
#define QIPC_IOX2_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iox2_node iox2_node;
typedef struct iox2_publisher iox2_publisher;
typedef struct iox2_subscriber iox2_subscriber;

/** Lent for a call; UTF-8. */
typedef struct iox2_text {
    const char* bytes;
    size_t length;
} iox2_text;

typedef struct iox2_failure {
    double value;
    double limit;
    uint32_t text_bytes;
    char text[500];
} iox2_failure;

/** A service, and what it is to be where it does not exist yet. */
typedef struct iox2_service {
    iox2_text name;
    iox2_text type_name;
    uint32_t payload_bytes;
    uint32_t alignment;
    uint32_t publishers_max;
    uint32_t subscribers_max;
    uint32_t nodes_max;
    uint32_t history;
    uint32_t buffer_max;
    uint32_t borrowed_max;
    uint32_t timeout_ms;
} iox2_service;

typedef struct iox2_chunk {
    void* payload;
    uint64_t payload_bytes;
    void* header_end; /* what lies between it and the payload is nobody's */
    uint64_t publisher[2];
} iox2_chunk;

/** With `must_be_free` a name that another live process has is refused. `path` becomes that of the file that the node lives by. */
int32_t iox2_node_open(iox2_text name, uint32_t must_be_free, iox2_text root, iox2_text prefix, iox2_node** out, char* path, size_t path_bytes,
                       iox2_failure* failure);
/** A node is lost when its root was removed: what it has there by name is another's by now, and not to be removed. */
void iox2_node_close(iox2_node* node, uint32_t is_lost);
/** Clears away what dead processes have left. Returns how many there were. */
int32_t iox2_node_clean(const iox2_node* node);

typedef void (*iox2_stream_visit)(void* context, const char* name, size_t name_bytes, uint32_t publishers, uint32_t subscribers);
int32_t iox2_streams(const iox2_node* node, iox2_stream_visit visit, void* context, iox2_failure* failure);

/** Removes what is left of a service that nobody can use. 1 when there was something, 0 when not. */
int32_t iox2_heal(const iox2_node* node, iox2_text name, iox2_failure* failure);

/** `loans`: slots for loans. `id` becomes the two halves of the publisher's id. */
int32_t iox2_publisher_open(const iox2_node* node, const iox2_service* service, uint32_t loans, iox2_publisher** out,
                            uint64_t* id, iox2_failure* failure);
void iox2_publisher_close(iox2_publisher* publisher, uint32_t is_lost);
int32_t iox2_publisher_loan(iox2_publisher* publisher, uint32_t slot, iox2_chunk* chunk, iox2_failure* failure);
int32_t iox2_publisher_send(iox2_publisher* publisher, uint32_t slot, iox2_failure* failure);
void iox2_publisher_discard(iox2_publisher* publisher, uint32_t slot);
/** Connects subscribers that have come, who get the history. */
void iox2_publisher_connect(iox2_publisher* publisher);
/** Subscribers of the service: any thread, while nobody closes the publisher. */
uint32_t iox2_publisher_subscribers(const iox2_publisher* publisher);
void iox2_publisher_audience(const iox2_node* node, const iox2_publisher* publisher, uint32_t* own, uint32_t* others);

/** `slots`: for what is held. `capacity` becomes the one in force. */
int32_t iox2_subscriber_open(const iox2_node* node, const iox2_service* service, uint32_t slots, uint32_t* capacity,
                             iox2_subscriber** out, iox2_failure* failure);
void iox2_subscriber_close(iox2_subscriber* subscriber, uint32_t is_lost);
/** 1 when there was a chunk, 0 when not. */
int32_t iox2_subscriber_take(iox2_subscriber* subscriber, uint32_t slot, iox2_chunk* chunk, iox2_failure* failure);
void iox2_subscriber_release(iox2_subscriber* subscriber, uint32_t slot);
int32_t iox2_subscriber_has_data(const iox2_subscriber* subscriber);
/** Publishers of other processes. */
uint32_t iox2_subscriber_other_publishers(const iox2_node* node, const iox2_subscriber* subscriber);

#ifdef __cplusplus
}
#endif

#endif
