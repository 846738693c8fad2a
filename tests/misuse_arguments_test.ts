// SPDX-License-Identifier: Apache-2.0
// Arguments of wrong types and out of their ranges: each is a typed error, and the process goes on.
import { after, before, describe, test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ArgumentError,
  BatchTooLargeError,
  type Block,
  BroadcastConfig,
  BroadcastManager,
  ConfigError,
  DataBroadcaster,
  DataSubscriber,
  DataTooLongError,
  FieldValueError,
  MarketDataType,
  RecordSizeError,
  Runtime,
  RuntimeClosedError,
  RuntimeNotOpenError,
  SequenceExhaustedError,
  StackUnknownError,
  Tick,
} from "../mod.ts";
import { assertIpcError, assertMisuse, assertStillFlows, assertStillWorks } from "./support/misuse.ts";
import { RouDi } from "./support/roudi.ts";

/** Takes the types away, as a JavaScript caller would have it. */
// deno-lint-ignore no-explicit-any -- these tests pass what TypeScript refuses
type Untyped = any;

const { Unknown } = MarketDataType;
const NO_NUMBERS: readonly Untyped[] = [undefined, null, "8", true, 8n, {}, [], [8], Symbol("8"), () => 8];
const NO_INTEGERS: readonly Untyped[] = [...NO_NUMBERS, NaN, Infinity, -Infinity, 1.5, -1];
const NO_OBJECTS: readonly Untyped[] = [null, 5, "options", true, Symbol("options")];
const config = new BroadcastConfig();

let roudi: RouDi;
let runtime: Runtime;
before(async () => {
  roudi = await RouDi.start({ blocks: 64 });
  runtime = Runtime.open();
});
after(async () => {
  runtime.close();
  await roudi.stop();
});

/** A broadcaster and a subscriber, to be misused and then used. */
function pair(stream: string, fields: Untyped = {}): Disposable & { out: DataBroadcaster; feed: DataSubscriber } {
  const out = new DataBroadcaster(config.with(fields), stream, { runtime });
  const feed = new DataSubscriber(config.with(fields), stream, { runtime });
  return {
    out,
    feed,
    [Symbol.dispose](): void {
      assertStillFlows(out, feed);
      feed.close();
      out.close();
    },
  };
}

describe("Runtime", () => {
  test("Runtime.open refuses options that are no object, unknown, or out of their range", () => {
    for (const options of NO_OBJECTS) assertMisuse(() => Runtime.open(options), ArgumentError, { value: options });
    const wrong: Record<string, readonly Untyped[]> = {
      roudi: ["", "start", null, 1, true],
      keepRoudi: [0, "yes", null],
      timeoutMs: [0, 60_001, 1.5, NaN, Infinity, -1, "1000", null],
      log: ["", "verbose", 0, null],
      libraryPath: [5, null, {}],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        assertMisuse(() => Runtime.open({ [name]: value }), ConfigError, { value, says: [`${name} must be`] });
      }
    }
    for (const poolMemoryMb of [0, 65_537, 1.5, NaN, "64", null] as Untyped[]) {
      assertMisuse(() => Runtime.open({ roudi: "spawn", poolMemoryMb }), ConfigError, { value: poolMemoryMb });
    }
    const ceiling = new BroadcastConfig({ memoryPoolSizeMb: 32 });
    assertMisuse(() => Runtime.open({ roudi: "spawn", poolMemoryMb: 33, config: ceiling }), ConfigError, {
      value: 33,
      says: ["1 to 32"],
    });
    assertMisuse(() => Runtime.open({ roudi: "spawn", config: {} as Untyped }), ConfigError);
    assertMisuse(() => Runtime.open({ rudi: "spawn" } as Untyped), ConfigError, { value: "rudi", says: ["keepRoudi"] });
    for (const stack of ["", "iceoryx3", null, 5] as Untyped[]) {
      assertMisuse(() => Runtime.open({ stack }), StackUnknownError, { value: stack });
    }
    assertStillWorks(runtime);
  });

  test("Runtime.close ends it: what needs it throws, state and close do not", () => {
    const other = Runtime.open();
    const name = other.name;
    other.close();
    other.close();
    assertEquals(other.state, "closed");
    assertEquals(other.name, name);
    assertMisuse(() => other.streams(), RuntimeClosedError);
    assertMisuse(() => new DataBroadcaster(config, "x", { runtime: other }), RuntimeClosedError);
    assertMisuse(() => new DataSubscriber(config, "x", { runtime: other }), RuntimeClosedError);
    const manager = new BroadcastManager(other);
    assertMisuse(() => manager.createBroadcaster(config, "x"), RuntimeClosedError);
    assertStillWorks(runtime);
  });

  test("Runtime.default without any open runtime throws", () => {
    runtime.close();
    try {
      assertMisuse(() => Runtime.default, RuntimeNotOpenError, { says: ["Runtime.open"] });
      assertMisuse(() => new DataBroadcaster(config, "x"), RuntimeNotOpenError);
      assertMisuse(() => new DataSubscriber(config, "x"), RuntimeNotOpenError);
      assertMisuse(() => new BroadcastManager(), RuntimeNotOpenError);
      assertMisuse(() => DataBroadcaster.initializeRuntime(5 as Untyped), ArgumentError, { value: 5 });
    } finally {
      runtime = Runtime.open();
    }
    assertStillWorks(runtime);
  });
});

describe("DataBroadcaster", () => {
  test("new DataBroadcaster refuses a wrong configuration, wrong options and a wrong runtime", () => {
    for (const wrong of [undefined, null, {}, 5, { ...config }, BroadcastConfig] as Untyped[]) {
      assertMisuse(() => new DataBroadcaster(wrong, "x", { runtime }), ArgumentError, { value: wrong });
    }
    for (const wrong of NO_OBJECTS) assertMisuse(() => new DataBroadcaster(config, "x", wrong), ArgumentError);
    for (const wrong of [null, {}, 5, "runtime", Runtime]) {
      assertMisuse(() => new DataBroadcaster(config, "x", { runtime: wrong as Untyped }), ArgumentError);
    }
    assertMisuse(() => new DataBroadcaster(config, "x", { runtime, wait: "spin" } as Untyped), ConfigError, {
      value: "wait",
      says: ["firstSequence"],
    });
    for (const wrong of [-1, 1.5, NaN, Infinity, 2 ** 53, "0", null, 0n] as Untyped[]) {
      assertMisuse(() => new DataBroadcaster(config, "x", { runtime, firstSequence: wrong }), ArgumentError, {
        value: wrong,
        limit: Number.MAX_SAFE_INTEGER,
      });
    }
    assertStillWorks(runtime);
  });

  test("broadcast refuses data that are no Uint8Array, also what pretends to be one", () => {
    using p = pair("data");
    const lying = new Proxy(new Uint8Array(9000), { get: (t, k) => k === "length" ? 8 : Reflect.get(t, k) });
    const hollow = Object.create(Uint8Array.prototype);
    const others = [undefined, null, "text", 5, {}, [], [1, 2], new ArrayBuffer(8), new DataView(new ArrayBuffer(8))];
    const arrays = [new Uint16Array(4), new Int8Array(8), new Float64Array(1), lying, hollow];
    for (const data of [...others, ...arrays] as Untyped[]) {
      assertMisuse(() => p.out.broadcast(data, 1, Unknown), ArgumentError);
      assertMisuse(() => p.out.broadcastBatch(data, 1, Unknown), ArgumentError);
    }
    assertEquals(p.out.getStats().sentBlocks, 0);
    assertEquals(p.out.getStats().errors, 2 * (others.length + arrays.length));
  });

  test("broadcast takes 8160 bytes and refuses 8161", () => {
    using p = pair("length");
    assert(p.out.broadcast(new Uint8Array(0), 0, Unknown));
    assert(p.out.broadcast(new Uint8Array(8160), 1, Unknown));
    for (const length of [8161, 8192, 1 << 20]) {
      assertMisuse(() => p.out.broadcast(new Uint8Array(length), 1, Unknown), DataTooLongError, {
        value: length,
        limit: 8160,
      });
    }
    assertEquals([p.feed.receive()?.length, p.feed.receive()?.length, p.feed.receive()], [0, 8160, null]);
    assertEquals(p.out.nextSequence, 2);
  });

  test("broadcast never writes past a block, however long the data turn out to be", () => {
    using p = pair("longer than said");
    class Lying extends Uint8Array {
      override get length(): number {
        return 8;
      }
    }
    const loans = Array.from({ length: 8 }, () => p.out.loan()!);
    for (const loan of loans) loan.data.fill(0x55);
    for (const loan of loans.splice(4)) loan.discard();
    const lying = new Lying(3 * 8192).fill(0xaa);
    for (let turn = 0; turn < 4; turn++) assertMisuse(() => p.out.broadcast(lying, 1, Unknown), ArgumentError);
    for (const loan of loans) {
      assert(loan.data.every((byte) => byte === 0x55));
      loan.discard();
    }
    assertEquals(p.out.getStats().sentBlocks, 0);
  });

  test("broadcast refuses record counts and types that are none", () => {
    using p = pair("counts");
    const data = new Uint8Array(8);
    for (const count of [...NO_INTEGERS, 2 ** 53]) {
      assertMisuse(() => p.out.broadcast(data, count, Unknown), ArgumentError, { value: count });
      assertMisuse(() => p.out.broadcastBatch(data, count, Unknown), ArgumentError, { value: count });
    }
    for (const type of [...NO_INTEGERS, 5, 254, 256, 2 ** 32, "Tick"] as Untyped[]) {
      assertMisuse(() => p.out.broadcast(data, 1, type), ArgumentError, { value: type });
      assertMisuse(() => p.out.broadcastBatch(data, 1, type), ArgumentError, { value: type });
    }
    assert(p.out.broadcast(data, Number.MAX_SAFE_INTEGER, Unknown));
    assertEquals(p.out.getStats().sentBlocks, 1);
  });

  test("broadcastBatch refuses lengths that are not whole records, and more than batchSize", () => {
    using p = pair("batch", { batchSize: 100 });
    assertMisuse(() => p.out.broadcastBatch(new Uint8Array(101), 101, Unknown), BatchTooLargeError, {
      value: 101,
      limit: 100,
    });
    const wrong: readonly [number, number][] = [[73, 2], [0, 1], [8, 0], [8161, 1], [16322, 2]];
    for (const [length, count] of wrong) {
      assertMisuse(() => p.out.broadcastBatch(new Uint8Array(length), count, Unknown), RecordSizeError, {
        value: length,
        limit: 8160,
        says: [`${length} bytes are not ${count} records`],
      });
    }
    assertEquals(p.out.broadcastBatch(new Uint8Array(0), 0, Unknown), 0);
    assertEquals(p.out.broadcastBatch(new Uint8Array(100 * 72), 100, Unknown), 100);
  });

  test("publish of a loan refuses wrong lengths, counts and types, and the loan stays", () => {
    using p = pair("loan");
    using loan = p.out.loan()!;
    for (const length of NO_INTEGERS) {
      assertMisuse(() => loan.publish(length, 1, Unknown), ArgumentError, { value: length });
    }
    for (const length of [8161, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      assertMisuse(() => loan.publish(length, 1, Unknown), DataTooLongError, { value: length, limit: 8160 });
    }
    for (const count of NO_INTEGERS) {
      assertMisuse(() => loan.publish(8, count, Unknown), ArgumentError, { value: count });
    }
    for (const type of [...NO_INTEGERS, 7]) {
      assertMisuse(() => loan.publish(8, 1, type), ArgumentError, { value: type });
    }
    assertThrows(() => loan.data.set([1], 8160), RangeError);
    loan.data.set([1, 2, 3]);
    loan.publish(3, 1, Unknown);
    assertEquals(p.feed.receive(), Uint8Array.of(1, 2, 3));
  });

  test("waitForRoom and waitForRoomSync refuse timeouts that are none", async () => {
    using p = pair("room");
    for (const wrong of [...NO_NUMBERS, NaN, -1, -Infinity]) {
      assertMisuse(() => p.out.waitForRoomSync(wrong), ArgumentError, { value: wrong });
      assertIpcError(await assertRejects(() => p.out.waitForRoom(wrong)), ArgumentError, { value: wrong });
    }
    assert(p.out.waitForRoomSync(Infinity));
    assert(await p.out.waitForRoom(0));
  });

  test("writer refuses what is no schema, and write what is no record", () => {
    using p = pair("writer");
    for (const wrong of [undefined, null, {}, "Tick", 72, { ...Tick }] as Untyped[]) {
      assertMisuse(() => p.out.writer(wrong), ArgumentError, { value: wrong });
    }
    const ticks = p.out.writer(Tick);
    for (const wrong of [undefined, null, 5, "tick", {}, [], { timestampNs: 1n }] as Untyped[]) {
      assertMisuse(() => ticks.write(wrong), FieldValueError);
    }
    const tick = { timestampNs: 1n, last: 1, bid: 1, ask: 1, volume: 1n, symbol: "QAUL" };
    assertMisuse(() => ticks.write({ ...tick, volume: -1n }), FieldValueError, { value: -1n });
    assertMisuse(() => ticks.write({ ...tick, symbol: "x".repeat(33) }), FieldValueError, { limit: 32 });
    assertMisuse(() => ticks.write({ ...tick, price: 1 } as Untyped), FieldValueError);
    assertEquals(ticks.pending, 0);
    assert(ticks.write(tick) && ticks.flush());
    assertEquals(p.feed.poll((block) => assertEquals(block.records(Tick).at(0).symbol, "QAUL")), 1);
  });

  test("broadcast past sequence 2^53 - 1 throws", () => {
    using p = pair("sequence");
    using last = new DataBroadcaster(config, "sequence", { runtime, firstSequence: Number.MAX_SAFE_INTEGER });
    assert(last.broadcast(Uint8Array.of(1), 1, Unknown));
    assertEquals(p.feed.poll((block) => assertEquals(block.sequence, Number.MAX_SAFE_INTEGER)), 1);
    assertMisuse(() => last.broadcast(Uint8Array.of(1), 1, Unknown), SequenceExhaustedError);
    assertMisuse(() => last.loan(), SequenceExhaustedError);
  });
});

describe("DataSubscriber", () => {
  test("new DataSubscriber refuses a wrong configuration, wrong options and a wrong runtime", () => {
    for (const wrong of [undefined, null, {}, 5, { ...config }] as Untyped[]) {
      assertMisuse(() => new DataSubscriber(wrong, "x", { runtime }), ArgumentError, { value: wrong });
    }
    for (const wrong of NO_OBJECTS) assertMisuse(() => new DataSubscriber(config, "x", wrong), ArgumentError);
    for (const wrong of [null, {}, 5, "runtime"]) {
      assertMisuse(() => new DataSubscriber(config, "x", { runtime: wrong as Untyped }), ArgumentError);
    }
    const options: Untyped[] = [{ history: -1 }, { history: 65_537 }, { history: "16" }, { lane: "ring-ring" }];
    for (const wrong of [...options, { wait: "sleep" }, { wait: null }, { capacity: 3 }]) {
      assertMisuse(() => new DataSubscriber(config, "x", { runtime, ...wrong }), ConfigError);
    }
    assertStillWorks(runtime);
  });

  test("poll refuses a handler that is no function and a limit that is no number from 1", () => {
    using p = pair("poll");
    p.out.broadcast(Uint8Array.of(1), 1, Unknown);
    for (const wrong of [undefined, null, {}, "handler", 5] as Untyped[]) {
      assertMisuse(() => p.feed.poll(wrong), ArgumentError, { value: wrong });
    }
    for (const wrong of [null, "8", [8], 8n, true, 0, -1, NaN, 0.5] as Untyped[]) {
      assertMisuse(() => p.feed.poll(() => {}, wrong), ArgumentError, { value: wrong });
    }
    assertEquals(p.feed.poll(() => {}, Infinity), 1);
  });

  test("waitSync refuses timeouts that are none", () => {
    using p = pair("wait");
    for (const wrong of [...NO_NUMBERS, NaN, -1]) {
      assertMisuse(() => p.feed.waitSync(wrong), ArgumentError, { value: wrong });
    }
    assertEquals(p.feed.waitSync(0), false);
  });

  test("blocks refuses wrong options and a signal that is none", () => {
    using p = pair("blocks");
    for (const wrong of NO_OBJECTS) assertMisuse(() => p.feed.blocks(wrong), ArgumentError);
    for (const wrong of [null, {}, 5, "abort"]) {
      assertMisuse(() => p.feed.blocks({ signal: wrong as Untyped }), ArgumentError, { value: wrong });
    }
    assertMisuse(() => p.feed.blocks({ timeout: 5 } as Untyped), ConfigError, { value: "timeout" });
  });

  test("records of a block refuses what is no schema", () => {
    using p = pair("records");
    p.out.broadcast(new Uint8Array(72), 1, MarketDataType.Tick);
    p.feed.poll((block: Block) => {
      for (const wrong of [undefined, null, {}, "Tick", { size: 72, id: 0 }] as Untyped[]) {
        assertMisuse(() => block.records(wrong), ArgumentError);
      }
      assertEquals(block.records(Tick).length, 1);
    });
  });
});

describe("BroadcastManager", () => {
  test("BroadcastManager refuses wrong arguments", () => {
    for (const wrong of [null, {}, 5] as Untyped[]) assertMisuse(() => new BroadcastManager(wrong), ArgumentError);
    using manager = new BroadcastManager(runtime);
    for (const wrong of [undefined, null, {}] as Untyped[]) {
      assertMisuse(() => manager.createBroadcaster(wrong, "x"), ArgumentError);
      assertMisuse(() => manager.createSubscriber(wrong, "x"), ArgumentError);
    }
    for (const wrong of [undefined, null, 5, {}] as Untyped[]) {
      assertMisuse(() => manager.createBroadcaster(config, wrong), ArgumentError);
      assertMisuse(() => manager.createSubscriber(config, wrong), ArgumentError);
    }
    for (const wrong of NO_OBJECTS) {
      assertMisuse(() => manager.createBroadcaster(config, "x", wrong), ArgumentError);
      assertMisuse(() => manager.createSubscriber(config, "x", wrong), ArgumentError);
    }
    assertMisuse(() => manager.createSubscriber(config, "x", { runtime } as Untyped), ConfigError);
    for (const wrong of [null, 5, {}] as Untyped[]) assertMisuse(() => manager.close(wrong), ArgumentError);
    assertEquals(manager.getAllStreams(), []);
    manager.createBroadcaster(config, "twice");
    assertMisuse(() => manager.createBroadcaster(config, "twice"), ArgumentError, { value: "twice" });
    assertStillWorks(runtime);
  });
});
