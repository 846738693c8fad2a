// SPDX-License-Identifier: Apache-2.0
// The numbers of a ring, as three places state them: ring_layout.h, src/ring/layout.ts, and what the transports write.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import * as layout from "../src/ring/layout.ts";
import {
  ANNOUNCEMENT_ALIGNMENT,
  ANNOUNCEMENT_BYTES,
  decodeAnnouncement,
  encodeAnnouncement,
  RING_EVENT,
} from "../src/transport/announcement.ts";
import * as memory from "../src/transport/memory_ring_header.ts";
import { MemoryTransport } from "../src/transport/memory_transport.ts";
import type { RingArea } from "../src/transport/transport.ts";
import { epochOf, newRing } from "./memory/rings.ts";
import { runC } from "./support/c_compiler.ts";

const data = (field: string): string => `offsetof(qaultra_ring_header, ${field})`;
const table = (field: string): string => `offsetof(qaultra_ring_table_header, ${field})`;
const entry = (field: string): string => `offsetof(qaultra_ring_entry, ${field})`;
const low = (word: string): string => `(uint32_t)(${word})`;
const high = (word: string): string => `(uint32_t)((${word}) >> 32)`;

/** Evaluates expressions in C. */
function evaluate(expressions: Record<string, string>): Record<string, number> {
  const lines = Object.entries(expressions).map(([name, code]) =>
    `printf("${name} %llu\\n", (unsigned long long)(${code}));`
  );
  const printed = runC(`#define _DEFAULT_SOURCE
    #include <qaultra_ipc/ring.h>
    #include <stdio.h>
    int main(void) { qaultra_ring_reader reader; (void)reader; ${lines.join("\n")} return 0; }`);
  return Object.fromEntries(printed.map((line) => [line.split(" ")[0], Number(line.split(" ")[1])]));
}

/** What of a module is a number. */
function numbersOf(module: Record<string, unknown>): Record<string, number> {
  return Object.fromEntries(Object.entries(module).filter(([, value]) => typeof value === "number")) as never;
}

type Numbers<M> = { [K in keyof M as M[K] extends number ? K : never]: string };

/** An expression in C for every number of src/ring/layout.ts. */
const LAYOUT: Omit<Numbers<typeof layout>, "RINGS_OF_STREAM_MAX"> = {
  RING_VERSION: "QAULTRA_RING_VERSION",
  RING_CAPACITY_MIN: "QAULTRA_RING_CAPACITY_MIN",
  RING_CAPACITY_MAX: "QAULTRA_RING_CAPACITY_MAX",
  RING_ENTRIES_MAX: "QAULTRA_RING_ENTRIES_MAX",
  RING_MAGIC_LOW: low("QAULTRA_RING_MAGIC"),
  RING_MAGIC_HIGH: high("QAULTRA_RING_MAGIC"),
  TABLE_MAGIC_LOW: low("QAULTRA_RING_TABLE_MAGIC"),
  TABLE_MAGIC_HIGH: high("QAULTRA_RING_TABLE_MAGIC"),
  RING_OFFSET_MAGIC: data("magic"),
  RING_OFFSET_VERSION: data("version"),
  RING_OFFSET_HEADER_BYTES: data("header_bytes"),
  RING_OFFSET_CAPACITY: data("capacity"),
  RING_OFFSET_SLOT_BYTES: data("slot_bytes"),
  RING_OFFSET_EPOCH: data("epoch"),
  RING_OFFSET_FIRST_SEQUENCE: data("first_sequence"),
  RING_OFFSET_SEGMENT_BYTES: data("segment_bytes"),
  RING_OFFSET_FLAGS: data("flags"),
  RING_OFFSET_HEARTBEAT_INTERVAL_MS: data("heartbeat_interval_ms"),
  RING_OFFSET_MAX_SUBSCRIBERS: data("max_subscribers"),
  RING_OFFSET_READER_TIMEOUT_MS: data("reader_timeout_ms"),
  RING_OFFSET_CREATED_NS: data("created_ns"),
  RING_OFFSET_HEAD_HIGH_FIRST: data("head_high_first"),
  RING_OFFSET_HEAD_LOW: data("head_low"),
  RING_OFFSET_HEAD_HIGH_LAST: data("head_high_last"),
  RING_OFFSET_HEARTBEAT_MS: data("heartbeat_ms"),
  RING_OFFSET_STATE: data("state"),
  RING_OFFSET_QUEUE_SUBSCRIBERS: data("queue_subscribers"),
  RING_OFFSET_SERVICE_BYTES: data("service_bytes"),
  RING_OFFSET_STREAM_BYTES: data("stream_bytes"),
  RING_NAME_BYTES: "QAULTRA_RING_NAME_BYTES_MAX",
  RING_HEADER_BYTES: "sizeof(qaultra_ring_header)",
  RING_SLOT_BYTES: "sizeof(qaultra_ring_slot)",
  RING_FLAG_LOSSLESS: "QAULTRA_RING_FLAG_LOSSLESS",
  RING_CLOSED: "QAULTRA_RING_CLOSED",
  RING_SKIPPED: "QAULTRA_RING_SKIPPED",
  QUEUE_PORTS_GONE: "QAULTRA_RING_QUEUE_GONE",
  TABLE_OFFSET_MAGIC: table("magic"),
  TABLE_OFFSET_VERSION: table("version"),
  TABLE_OFFSET_HEADER_BYTES: table("header_bytes"),
  TABLE_OFFSET_ENTRY_COUNT: table("entry_count"),
  TABLE_OFFSET_ENTRY_BYTES: table("entry_bytes"),
  TABLE_OFFSET_EPOCH: table("epoch"),
  TABLE_OFFSET_SEGMENT_BYTES: table("segment_bytes"),
  TABLE_OFFSET_DATA_WORD: table("data_word"),
  TABLE_OFFSET_ROOM_WORD: table("room_word"),
  TABLE_OFFSET_CHANGES: table("changes"),
  TABLE_OFFSET_ENTRIES_USED: table("entries_used"),
  TABLE_OFFSET_DROPPED_READERS: table("dropped_readers"),
  TABLE_HEADER_BYTES: "sizeof(qaultra_ring_table_header)",
  TABLE_ENTRY_BYTES: "sizeof(qaultra_ring_entry)",
  ENTRY_OFFSET_STATE: entry("state"),
  ENTRY_OFFSET_CURSOR: entry("cursor"),
  ENTRY_OFFSET_HEARTBEAT_MS: entry("heartbeat_ms"),
  ENTRY_OFFSET_SUBSCRIBERS: entry("subscribers"),
  ENTRY_OFFSET_START_TIME: entry("start_time"),
  ENTRY_OFFSET_PID_NAMESPACE: entry("pid_namespace"),
  ENTRY_FREE: "QAULTRA_RING_ENTRY_FREE",
  ENTRY_CLAIMED: "QAULTRA_RING_ENTRY_CLAIMED",
  ENTRY_GATING: "QAULTRA_RING_ENTRY_GATING",
  ENTRY_OBSERVING: "QAULTRA_RING_ENTRY_OBSERVING",
  ENTRY_DROPPED: "QAULTRA_RING_ENTRY_DROPPED",
  ENTRY_STATUS_MASK: "QAULTRA_RING_ENTRY_STATUS_MASK",
  ENTRY_GENERATION_STEP: "QAULTRA_RING_ENTRY_GENERATION",
};

test("ring layout has the numbers that a C compiler finds in ring_layout.h", () => {
  const { RINGS_OF_STREAM_MAX: _, ...ours } = numbersOf(layout);
  assertEquals(evaluate({ ...LAYOUT }), ours);
});

test("memory_ring_header has the numbers that a C compiler finds in ring_layout.h", () => {
  const expressions: Numbers<typeof memory> = {
    CAPACITY_MIN: "QAULTRA_RING_CAPACITY_MIN",
    CAPACITY_MAX: "QAULTRA_RING_CAPACITY_MAX",
    ENTRIES_MAX: "QAULTRA_RING_ENTRIES_MAX",
    WORD_HEARTBEAT_MS: `${data("heartbeat_ms")} / 4`,
    WORD_DATA: `${table("data_word")} / 4`,
    WORD_ROOM: `${table("room_word")} / 4`,
  };
  assertEquals(evaluate({ ...expressions }), numbersOf(memory));
});

test("ring layout computes sizes and margins as ring.h does, for every capacity", () => {
  const capacities = Array.from({ length: 13 }, (_, shift) => layout.RING_CAPACITY_MIN << shift);
  const expressions = Object.fromEntries(capacities.flatMap((capacity) => [
    [`ring_${capacity}`, `qaultra_ring_data_bytes(${capacity})`],
    [`table_${capacity}`, `qaultra_ring_table_bytes(${capacity / 16})`],
    // How far behind a head a reader that was overtaken goes on.
    [`kept_${capacity}`, `(reader.capacity = ${capacity}, 1000000 - qaultra_ring_oldest_safe(&reader, 1000000))`],
  ]));
  const found = evaluate(expressions);
  assertEquals(capacities.at(-1), layout.RING_CAPACITY_MAX);
  for (const capacity of capacities) {
    assertEquals(layout.ringBytes(capacity), found[`ring_${capacity}`]);
    assertEquals(memory.dataBytesOf(capacity), found[`ring_${capacity}`]);
    assertEquals(memory.tableBytesOf(capacity / 16), found[`table_${capacity}`]);
    assertEquals(capacity - layout.resumeMargin(capacity), found[`kept_${capacity}`]);
  }
});

/** The words of an area that are not 0, by their offset. */
function wordsOf({ buffer, byteOffset, byteLength }: RingArea): Record<string, number> {
  const words = new Uint32Array(buffer, byteOffset, byteLength / 4);
  return Object.fromEntries([...words].flatMap((word, index) => word === 0 ? [] : [[String(index * 4), word]]));
}

for (const firstSequence of [0, 7, 2 ** 31 - 5, 2 ** 32 - 5, 2 ** 53 - 1 - 1024]) {
  test(`writeRing writes a ring from ${firstSequence} byte for byte as qaultra_ring_format does`, () => {
    const name = { service: "Dienst", stream: "Kanäle" };
    const settings = {
      capacity: 32,
      entries: 5,
      maxSubscribers: 77,
      lossless: firstSequence === 7,
      heartbeatIntervalMs: 12345,
      readerTimeoutMs: 6789,
      firstSequence,
    };
    const transport = MemoryTransport.create();
    const ring = newRing(transport, name, settings);
    const header = new DataView(ring.data.buffer, ring.data.byteOffset, layout.RING_HEADER_BYTES);
    const [epochLow, epochHigh] = epochOf(ring);
    const printed = runC(`#define _DEFAULT_SOURCE
      #include <qaultra_ipc/ring.h>
      #include <stdio.h>
      static _Alignas(64) uint32_t data[${ring.data.byteLength / 4}], table[${ring.table.byteLength / 4}];
      static void print(const char* area, const uint32_t* words, size_t count) {
        for (size_t i = 0; i < count; i++) if (words[i] != 0) printf("%s %zu %u\\n", area, i * 4, words[i]);
      }
      int main(void) {
        qaultra_ring_options options = qaultra_ring_options_default();
        options.service = "${name.service}";
        options.service_bytes = sizeof "${name.service}" - 1;
        options.stream = "${name.stream}";
        options.stream_bytes = sizeof "${name.stream}" - 1;
        options.epoch = ${BigInt(epochHigh) << 32n | BigInt(epochLow)}u;
        options.first_sequence = ${firstSequence}u;
        options.created_ns = ${header.getBigUint64(layout.RING_OFFSET_CREATED_NS, true)}u;
        options.capacity = ${settings.capacity};
        options.entry_count = ${settings.entries};
        options.flags = ${settings.lossless ? "QAULTRA_RING_FLAG_LOSSLESS" : "0"};
        options.heartbeat_interval_ms = ${settings.heartbeatIntervalMs};
        options.max_subscribers = ${settings.maxSubscribers};
        options.reader_timeout_ms = ${settings.readerTimeoutMs};
        const qaultra_ring_identity nobody = {0, 0, 0};
        const uint32_t now_ms = ${header.getUint32(layout.RING_OFFSET_HEARTBEAT_MS, true)}u;
        qaultra_ring_format(data, table, &options, &nobody, now_ms);
        print("data", data, sizeof data / 4);
        print("table", table, sizeof table / 4);
        return 0;
      }`).map((line) => line.split(" "));
    const found = (area: string): Record<string, number> =>
      Object.fromEntries(printed.filter((line) => line[0] === area).map(([, offset, word]) => [offset, Number(word)]));
    assertEquals(wordsOf(ring.data), found("data"));
    assertEquals(wordsOf(ring.table), found("table"));
    transport.close();
  });
}

test("encodeAnnouncement fills in the struct of ring_layout.h, byte for byte", () => {
  const announced = {
    epochLow: 0x89abcdef,
    epochHigh: 0xfedcba98,
    origin: { low: 0x87654321, high: 0xf1e2d3c4 },
    flags: layout.RING_FLAG_LOSSLESS,
    dataBytes: layout.ringBytes(65536),
    tableBytes: 69632,
    firstSequence: 2 ** 53 - 1,
    createdNs: 0xf123456789abcdefn,
  };
  const view = new DataView(new ArrayBuffer(ANNOUNCEMENT_BYTES));
  encodeAnnouncement(view, announced);
  const printed = runC(`#include <qaultra_ipc/ring_layout.h>
    #include <stdio.h>
    int main(void) {
      const qaultra_ring_announcement announcement = {
        .magic = QAULTRA_RING_ANNOUNCE_MAGIC,
        .version = QAULTRA_RING_VERSION,
        .flags = QAULTRA_RING_FLAG_LOSSLESS,
        .epoch = 0xfedcba9889abcdefu,
        .data_bytes = ${announced.dataBytes},
        .table_bytes = ${announced.tableBytes},
        .first_sequence = QAULTRA_RING_SEQUENCE_MAX,
        .created_ns = 0xf123456789abcdefu,
        .origin = 0xf1e2d3c487654321u,
      };
      const uint8_t* bytes = (const uint8_t*)&announcement;
      for (size_t i = 0; i < sizeof announcement; i++) printf("%u\\n", bytes[i]);
      printf("%zu %s\\n", _Alignof(qaultra_ring_announcement), QAULTRA_RING_EVENT);
      return 0;
    }`);
  assertEquals(printed.pop(), `${ANNOUNCEMENT_ALIGNMENT} ${RING_EVENT}`);
  assertEquals([...new Uint8Array(view.buffer)], printed.map(Number));
  const { epochLow, epochHigh, origin } = announced;
  assertEquals(decodeAnnouncement(view), { epochLow, epochHigh, origin });
});

test("decodeAnnouncement knows nothing of another magic or version", () => {
  const view = new DataView(new ArrayBuffer(ANNOUNCEMENT_BYTES));
  const announced = {
    epochLow: 1,
    epochHigh: 2,
    origin: { low: 3, high: 4 },
    flags: 0,
    dataBytes: 5,
    tableBytes: 6,
    firstSequence: 7,
    createdNs: 8n,
  };
  encodeAnnouncement(view, announced);
  for (let at = 0; at < 12; at++) {
    const byte = view.getUint8(at);
    view.setUint8(at, byte ^ 1);
    assertEquals(decodeAnnouncement(view), null, `byte ${at}`);
    view.setUint8(at, byte);
  }
  assertEquals(decodeAnnouncement(view)?.epochLow, 1);
});
