// SPDX-License-Identifier: Apache-2.0
// The memory that the Workers of a process share: who gets which piece of it, and who may join.
import { assert, assertEquals, assertLess, assertThrows } from "@std/assert";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import {
  ArgumentError,
  ConfigError,
  NameEmptyError,
  NameTooLongError,
  SharedMemoryTooSmallError,
  TooManyPublishersError,
  TooManySubscribersError,
} from "../src/errors.ts";
import { ARENA_BYTES_MIN, FIRST_PAGE, PAGE_BYTES, RINGS_MAX, STREAMS_MAX } from "../src/transport/memory_arena.ts";
import { type Extent, findGap } from "../src/transport/memory_space.ts";
import { MemoryTransport } from "../src/transport/memory_transport.ts";
import type { TransportRing } from "../src/transport/transport.ts";
import { newRing } from "./memory/rings.ts";
import { assertMisuse, NO_OBJECTS, type Untyped } from "./support/misuse.ts";
import { collectGarbage } from "./support/runtime.ts";
import { delay } from "./support/wait.ts";
import { Random } from "./support/random.ts";

const NAME = { service: "S", stream: "arena" };
/** What a ring of so many slots, with one page for its reader table's entries, takes. */
const ringBytes = (capacity: number): number => (1 + capacity * 2 + 2) * PAGE_BYTES;

test("findGap finds the first piece that is large enough, as a look at every page does", () => {
  const random = new Random(7);
  const [start, end] = [3, 203];
  const pages = new Array<boolean>(end).fill(false).fill(true, 0, start);
  let extents: Extent[] = [];
  let refused = 0;
  for (let step = 0; step < 5000; step++) {
    if (extents.length > 0 && random.integer(0, 99) < 45) {
      const gone = random.pick(extents);
      extents = extents.filter((extent) => extent !== gone);
      pages.fill(false, gone.first, gone.first + gone.pages);
      continue;
    }
    const wanted = random.integer(1, 40);
    const runs: { first: number; pages: number }[] = [];
    for (let page = start; page < end; page++) {
      if (pages[page]) continue;
      const last = runs.at(-1);
      if (last !== undefined && last.first + last.pages === page) last.pages++;
      else runs.push({ first: page, pages: 1 });
    }
    const found = findGap(extents, wanted, start, end);
    assertEquals(found.largest, Math.max(0, ...runs.map((run) => run.pages)));
    assertEquals(found.first, runs.find((run) => run.pages >= wanted)?.first ?? -1);
    if (found.first < 0) {
      refused++;
      continue;
    }
    extents.push({ first: found.first, pages: wanted });
    pages.fill(true, found.first, found.first + wanted);
  }
  assert(refused > 100);
});

test("MemoryTransport gives rings memory that no other has, and takes it back", () => {
  const transport = MemoryTransport.create({ bytes: 4 * ARENA_BYTES_MIN });
  const random = new Random(11);
  const open: TransportRing[] = [];
  let refused = 0;
  for (let step = 0; step < 800; step++) {
    if (open.length > 0 && random.integer(0, 99) < 40) {
      const [ring] = open.splice(random.integer(0, open.length - 1), 1);
      ring!.close();
      continue;
    }
    let ring: TransportRing;
    try {
      ring = newRing(transport, NAME, { capacity: random.pick([16, 32, 64, 128]), entries: random.integer(1, 200) });
    } catch (error) {
      assert(error instanceof SharedMemoryTooSmallError);
      assertLess(error.value as number, error.limit!);
      refused++;
      continue;
    }
    const areas = [...open, ring].flatMap(({ data, table }) => [data, table]).sort((a, b) =>
      a.byteOffset - b.byteOffset
    );
    assert(areas[0]!.byteOffset >= FIRST_PAGE * PAGE_BYTES);
    for (const [index, area] of areas.entries()) {
      assertEquals(area.byteOffset % PAGE_BYTES, 0);
      const next = areas[index + 1]?.byteOffset ?? transport.handle.buffer.byteLength;
      assert(area.byteOffset + area.byteLength <= next);
    }
    open.push(ring);
  }
  assert(refused > 20);
  for (const ring of open) ring.close();
  const free = 4 * ARENA_BYTES_MIN - FIRST_PAGE * PAGE_BYTES;
  assertMisuse(() => newRing(transport, NAME, { capacity: 65536 }), SharedMemoryTooSmallError, {
    value: free,
    limit: ringBytes(65536),
    says: ["poolMemoryMb", "bufferDepth"],
  });
  transport.close();
});

test("MemoryTransport refuses more rings and more streams than it has records for, and goes on", () => {
  const transport = MemoryTransport.create();
  const rings = Array.from({ length: RINGS_MAX }, () => newRing(transport, NAME));
  assertMisuse(() => newRing(transport, NAME), TooManyPublishersError, { limit: RINGS_MAX });
  rings[500]!.close();
  newRing(transport, NAME).close();
  transport.close();

  const other = MemoryTransport.create();
  for (let index = 0; index < STREAMS_MAX; index++) other.findRings({ service: "S", stream: `s${index}` });
  assertMisuse(() => other.findRings(NAME), TooManySubscribersError, { limit: STREAMS_MAX });
  assertMisuse(() => newRing(other, NAME), TooManySubscribersError, { limit: STREAMS_MAX });
  const known = { service: "S", stream: "s1" };
  newRing(other, known).announce({ low: 0, high: 0 });
  assertEquals(other.ports().length, STREAMS_MAX);
  other.close();
});

test("MemoryTransport does not take the memory that it reserves, however often", async () => {
  const before = residentBytes();
  for (let turn = 0; turn < 20; turn++) {
    const transport = MemoryTransport.create({ bytes: turn === 10 ? 2 ** 32 : 2 ** 30 });
    newRing(transport, NAME).close();
    assertLess(residentBytes() - before, 2 ** 28);
    transport.close();
    await delay(0);
    if (turn % 4 === 3) collectGarbage();
  }
});

test("MemoryTransport forgets the names of streams that are not used any more, or never were", () => {
  const transport = MemoryTransport.create({ bytes: ARENA_BYTES_MIN });
  for (let index = 0; index <= STREAMS_MAX; index++) {
    const name = { service: "S", stream: `s${index}` };
    assertThrows(() => newRing(transport, name, { capacity: 65536 }), SharedMemoryTooSmallError);
    const finder = transport.findRings(name);
    const ring = newRing(transport, name);
    ring.announce({ low: 0, high: 0 });
    ring.close();
    finder.close();
  }
  assertEquals(transport.ports(), []);
  transport.close();
});

test("MemoryTransport takes the lock over from a Worker that was terminated while it held it", () => {
  const transport = MemoryTransport.create({ bytes: ARENA_BYTES_MIN });
  const lock = new Int32Array(transport.handle.buffer, 256, 1);
  assertEquals(lock[0], 0);
  lock[0] = 12345;
  newRing(transport, NAME);
  assertEquals(lock[0], 0);
  assertEquals(transport.ports().length, 1);
  transport.close();
});

test("MemoryTransport refuses options that do not fit", () => {
  const sizes = [null, "1", 0, -4096, NaN, Infinity, ARENA_BYTES_MIN + 1, ARENA_BYTES_MIN - 4096, 2 ** 32 + 4096];
  for (const bytes of sizes) assertMisuse(() => MemoryTransport.create({ bytes: bytes as Untyped }), ConfigError);
  assertMisuse(() => MemoryTransport.create({ name: "" }), NameEmptyError);
  assertMisuse(() => MemoryTransport.create({ name: "ä".repeat(51) }), NameTooLongError, { value: 102, limit: 100 });
  assertMisuse(() => MemoryTransport.create({ name: 5 as Untyped }), ArgumentError);
});

test("MemoryTransport refuses names of streams that do not fit", () => {
  const transport = MemoryTransport.create({ bytes: ARENA_BYTES_MIN });
  for (const call of [newRing, (one: MemoryTransport, name: Untyped) => one.findRings(name)]) {
    assertMisuse(() => call(transport, { service: "", stream: "s" }), NameEmptyError);
    assertMisuse(() => call(transport, { service: "s", stream: "s".repeat(101) }), NameTooLongError);
    assertMisuse(() => call(transport, { service: "s", stream: 5 as Untyped }), ArgumentError);
  }
  assertEquals(transport.ports(), []);
  transport.close();
});

test("MemoryTransport.attach joins by a handle that was cloned, under the same name", () => {
  const first = MemoryTransport.create({ name: "\ufeffmärkte", bytes: ARENA_BYTES_MIN });
  const second = MemoryTransport.attach(structuredClone(first.handle));
  assertEquals([second.name, second.stack, second.state], ["\ufeffmärkte", "memory", "attached"]);
  first.close();
  // The memory belongs to all who joined.
  newRing(second, NAME).close();
  assertEquals([first.state, second.state], ["closed", "attached"]);
  second.close();
});

test("MemoryTransport.attach refuses what is no handle", () => {
  const real = MemoryTransport.create({ bytes: ARENA_BYTES_MIN });
  const { kind, buffer } = real.handle;
  const copyWith = (word: number, value: number): SharedArrayBuffer => {
    const copy = new SharedArrayBuffer(buffer.byteLength);
    new Uint8Array(copy).set(new Uint8Array(buffer));
    new Int32Array(copy)[word] = value;
    return copy;
  };
  MemoryTransport.attach({ kind, buffer: copyWith(200, 0) }).close();
  const thrower = new Proxy({}, {
    get: () => {
      throw new Error("on purpose");
    },
  });
  const hostile: Untyped[] = [
    ...NO_OBJECTS,
    undefined,
    [],
    {},
    thrower,
    {
      get kind() {
        throw "on purpose";
      },
    },
    { kind },
    { buffer },
    { kind: "qaultra-other", buffer },
    { kind, buffer: new ArrayBuffer(buffer.byteLength) },
    { kind, buffer: new Uint8Array(buffer) },
    { kind, buffer: Object.create(SharedArrayBuffer.prototype) },
    { kind, buffer: { byteLength: buffer.byteLength, constructor: SharedArrayBuffer } },
    { kind, buffer: new SharedArrayBuffer(0) },
    { kind, buffer: new SharedArrayBuffer(ARENA_BYTES_MIN) },
    { kind, buffer: new SharedArrayBuffer(ARENA_BYTES_MIN + 8) },
    // Magic, version, size, and the length of the name.
    ...[0, 1, 2, 3, 4].map((word) => ({ kind, buffer: copyWith(word, 0x7fffffff) })),
    { kind, buffer: copyWith(4, -1) },
  ];
  for (const handle of hostile) assertMisuse(() => MemoryTransport.attach(handle), ArgumentError);
  assertThrows(() => MemoryTransport.attach(thrower), ArgumentError, "cannot be read");
  real.close();
});

function residentBytes(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))![1]) * 1024;
}
