// SPDX-License-Identifier: Apache-2.0
import type { NativeFunction, NativeSymbols } from "./types.ts";

/** The ABI version that this table describes; a library of another one is refused at load. */
export const ABI_VERSION = 1;

/** The functions of `qipc.h`, in its order. This is the only place in TypeScript that knows their signatures. */
export const SYMBOLS = {
  // uint32_t qipc_abi_version(void)
  qipc_abi_version: { parameters: [], result: "u32" },
  // int32_t qipc_error_detail(uint8_t* result, uint8_t* text, uint32_t text_len)
  qipc_error_detail: { parameters: ["buffer", "buffer", "u32"], result: "i32" },

  // int32_t qipc_runtime_open(const uint8_t* options, uint32_t options_len, uint8_t* result)
  qipc_runtime_open: { parameters: ["buffer", "u32", "buffer"], result: "i32" },
  // int32_t qipc_runtime_close(uint32_t runtime)
  qipc_runtime_close: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_runtime_state(uint32_t runtime, uint8_t* result)
  qipc_runtime_state: { parameters: ["u32", "buffer"], result: "i32" },
  // int32_t qipc_runtime_attach_again(uint32_t runtime)
  qipc_runtime_attach_again: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_runtime_streams(uint32_t runtime, uint8_t* buffer, uint32_t buffer_len, uint8_t* result)
  qipc_runtime_streams: { parameters: ["u32", "buffer", "u32", "buffer"], result: "i32" },
  // int32_t qipc_runtime_bind_numa(uint32_t runtime, uint8_t* result)
  qipc_runtime_bind_numa: { parameters: ["u32", "buffer"], result: "i32" },
  // int32_t qipc_window_map(uint32_t runtime, uint32_t window, uint8_t* result)
  qipc_window_map: { parameters: ["u32", "u32", "buffer"], result: "i32" },
  // int32_t qipc_window_unmap(uint32_t window)
  qipc_window_unmap: { parameters: ["u32"], result: "i32" },

  // int32_t qipc_publisher_open(uint32_t runtime, const uint8_t* service, uint32_t service_len, const uint8_t* stream,
  //   uint32_t stream_len, const uint8_t* event, uint32_t event_len, uint32_t payload_size, uint32_t alignment,
  //   uint32_t history, uint32_t flags, uint8_t* result)
  qipc_publisher_open: {
    parameters: ["u32", "buffer", "u32", "buffer", "u32", "buffer", "u32", "u32", "u32", "u32", "u32", "buffer"],
    result: "i32",
  },
  // int32_t qipc_publisher_close(uint32_t publisher)
  qipc_publisher_close: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_publisher_loan(uint32_t publisher, uint8_t* result)
  qipc_publisher_loan: { parameters: ["u32", "buffer"], result: "i32" },
  // int32_t qipc_publisher_publish(uint32_t publisher, uint32_t slot, uint32_t flags)
  qipc_publisher_publish: { parameters: ["u32", "u32", "u32"], result: "i32" },
  // int32_t qipc_publisher_discard(uint32_t publisher, uint32_t slot)
  qipc_publisher_discard: { parameters: ["u32", "u32"], result: "i32" },
  // int32_t qipc_publisher_info(uint32_t publisher, uint8_t* result)
  qipc_publisher_info: { parameters: ["u32", "buffer"], result: "i32" },
  // int32_t qipc_publisher_has_room(uint32_t publisher)
  qipc_publisher_has_room: { parameters: ["u32"], result: "i32" },

  // int32_t qipc_subscriber_open(uint32_t runtime, const uint8_t* service, uint32_t service_len, const uint8_t* stream,
  //   uint32_t stream_len, const uint8_t* event, uint32_t event_len, uint32_t payload_size, uint32_t alignment,
  //   uint32_t capacity, uint32_t history, uint32_t flags, uint8_t* result)
  qipc_subscriber_open: {
    parameters: [
      "u32",
      "buffer",
      "u32",
      "buffer",
      "u32",
      "buffer",
      "u32",
      "u32",
      "u32",
      "u32",
      "u32",
      "u32",
      "buffer",
    ],
    result: "i32",
  },
  // int32_t qipc_subscriber_close(uint32_t subscriber)
  qipc_subscriber_close: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_subscriber_take(uint32_t subscriber, uint32_t max, uint8_t* result)
  qipc_subscriber_take: { parameters: ["u32", "u32", "buffer"], result: "i32" },
  // int32_t qipc_subscriber_release(uint32_t subscriber, uint32_t slot)
  qipc_subscriber_release: { parameters: ["u32", "u32"], result: "i32" },
  // int32_t qipc_subscriber_has_data(uint32_t subscriber)
  qipc_subscriber_has_data: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_subscriber_wait(uint32_t subscriber, double timeout_ms)
  qipc_subscriber_wait: { parameters: ["u32", "f64"], result: "i32" },

  // int32_t qipc_waiter_open(uint32_t runtime, uint8_t* result)
  qipc_waiter_open: { parameters: ["u32", "buffer"], result: "i32" },
  // int32_t qipc_waiter_close(uint32_t waiter)
  qipc_waiter_close: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_waiter_arm(uint32_t waiter, uint32_t subscriber)
  qipc_waiter_arm: { parameters: ["u32", "u32"], result: "i32" },
  // int32_t qipc_waiter_disarm(uint32_t waiter, uint32_t subscriber)
  qipc_waiter_disarm: { parameters: ["u32", "u32"], result: "i32" },
  // int32_t qipc_waiter_clear(uint32_t waiter)
  qipc_waiter_clear: { parameters: ["u32"], result: "i32" },

  // int32_t qipc_group_id(const uint8_t* name, uint32_t name_len, uint8_t* result)
  qipc_group_id: { parameters: ["buffer", "u32", "buffer"], result: "i32" },
  // int32_t qipc_ring_create(uint32_t runtime, const uint8_t* service, uint32_t service_len, const uint8_t* stream,
  //   uint32_t stream_len, uint32_t capacity, uint32_t entries, uint32_t max_subscribers, uint32_t flags,
  //   uint32_t heartbeat_ms, uint32_t reader_timeout_ms, double first_sequence, uint32_t group, uint32_t access, uint8_t* result)
  qipc_ring_create: {
    parameters: [
      "u32",
      "buffer",
      "u32",
      "buffer",
      "u32",
      "u32",
      "u32",
      "u32",
      "u32",
      "u32",
      "u32",
      "f64",
      "u32",
      "u32",
      "buffer",
    ],
    result: "i32",
  },
  // int32_t qipc_ring_attach(uint32_t runtime, uint32_t epoch_low, uint32_t epoch_high, uint8_t* result)
  qipc_ring_attach: { parameters: ["u32", "u32", "u32", "buffer"], result: "i32" },
  // int32_t qipc_ring_close(uint32_t ring)
  qipc_ring_close: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_ring_writer_alive(uint32_t ring)
  qipc_ring_writer_alive: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_ring_keep_entry(uint32_t ring, uint32_t entry)
  qipc_ring_keep_entry: { parameters: ["u32", "u32"], result: "i32" },
  // int32_t qipc_ring_set_publishers(uint32_t ring, uint32_t announcer, uint32_t queue)
  qipc_ring_set_publishers: { parameters: ["u32", "u32", "u32"], result: "i32" },
  // int32_t qipc_ring_set_audience(uint32_t ring, uint32_t elsewhere)
  qipc_ring_set_audience: { parameters: ["u32", "u32"], result: "i32" },
  // int32_t qipc_ring_bind_numa(uint32_t ring, uint8_t* result)
  qipc_ring_bind_numa: { parameters: ["u32", "buffer"], result: "i32" },
  // int32_t qipc_ring_wake(uint32_t ring, uint32_t word)
  qipc_ring_wake: { parameters: ["u32", "u32"], result: "i32" },
  // int32_t qipc_ring_wait(const uint8_t* waits, uint32_t count, double timeout_ms)
  qipc_ring_wait: { parameters: ["buffer", "u32", "f64"], result: "i32" },
  // int32_t qipc_waiter_arm_ring(uint32_t waiter, uint32_t ring, uint32_t word, uint32_t expected)
  qipc_waiter_arm_ring: { parameters: ["u32", "u32", "u32", "u32"], result: "i32" },
  // int32_t qipc_waiter_disarm_ring(uint32_t waiter, uint32_t ring, uint32_t word)
  qipc_waiter_disarm_ring: { parameters: ["u32", "u32", "u32"], result: "i32" },

  // uint32_t qipc_clock_ms(void)
  qipc_clock_ms: { parameters: [], result: "u32" },
  // int32_t qipc_block_seal(uint8_t* memory, uint32_t offset, uint32_t sequence_low, uint32_t sequence_high)
  qipc_block_seal: { parameters: ["buffer", "u32", "u32", "u32"], result: "i32" },
  // int32_t qipc_block_check(const uint8_t* memory, uint32_t offset)
  qipc_block_check: { parameters: ["buffer", "u32"], result: "i32" },

  // double qipc_clock_since_ns(uint32_t low, uint32_t high)
  qipc_clock_since_ns: { parameters: ["u32", "u32"], result: "f64" },
  // int32_t qipc_thread_pin(uint32_t cpu)
  qipc_thread_pin: { parameters: ["u32"], result: "i32" },
  // int32_t qipc_thread_affinity(uint8_t* result)
  qipc_thread_affinity: { parameters: ["buffer"], result: "i32" },
  // int32_t qipc_thread_yield(void)
  qipc_thread_yield: { parameters: [], result: "i32" },
  // int32_t qipc_process_exit(void)
  qipc_process_exit: { parameters: [], result: "i32" },
} as const satisfies Record<string, NativeFunction>;

/** The functions of the library, typed after the table. */
export type Symbols = NativeSymbols<typeof SYMBOLS>;
