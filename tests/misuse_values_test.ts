// SPDX-License-Identifier: Apache-2.0
// Values whose own code lies, throws or calls back, and objects that only look like ours: typed errors, and no wrong bytes.
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  ArgumentError,
  BroadcastConfig,
  BroadcastManager,
  ClosedError,
  ConfigError,
  DataBroadcaster,
  DataSubscriber,
  defineRecord,
  MarketDataType,
  RecordSizeError,
  Runtime,
  SchemaError,
  Tick,
  TooManyLoansError,
} from "../mod.ts";
import { assertMisuse, type Untyped } from "./support/misuse.ts";
import { waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;
const config = new BroadcastConfig({ bufferDepth: 16, flushAfterMs: 60_000 });
const Pair = defineRecord("Pair", { first: "f64", second: "f64" });

/** Bytes that say other things of themselves than what they are. */
class LyingBytes extends Uint8Array {
  override get length(): number {
    return 70_000;
  }
  override get byteLength(): number {
    return 1;
  }
  override subarray(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(9000);
  }
  override set(): void {
    throw new Error("not set");
  }
}

/** Only the prototypes of what they claim to be. */
const FORGED_BYTES: readonly Untyped[] = [
  Object.create(Uint8Array.prototype),
  Object.setPrototypeOf(new DataView(new ArrayBuffer(8)), Uint8Array.prototype),
  Object.setPrototypeOf(new Float64Array(8), Uint8Array.prototype),
];
const UNDESCRIBABLE: readonly Untyped[] = [
  Object.setPrototypeOf(new DataView(new ArrayBuffer(8)), null),
  Object.defineProperty(new Uint16Array(4), "byteLength", { value: Symbol("length") }),
  new Proxy([], {
    get() {
      throw new Error("a trap");
    },
  }),
  Proxy.revocable([], {}),
];
{
  const revoked = Proxy.revocable([], {});
  revoked.revoke();
  (UNDESCRIBABLE as Untyped[]).push(revoked.proxy);
}

function stand(): { runtime: Runtime; out: DataBroadcaster; feed: DataSubscriber; [Symbol.dispose](): void } {
  const runtime = Runtime.open({ stack: "memory" });
  const out = new DataBroadcaster(config, "values", { runtime });
  const feed = new DataSubscriber(config, "values", { runtime });
  return { runtime, out, feed, [Symbol.dispose]: () => runtime.close() };
}

test("IpcError shows values whose own code throws", () => {
  using here = stand();
  for (const value of UNDESCRIBABLE) {
    const error = assertThrows(() => here.out.broadcast(value, 1, Unknown), ArgumentError);
    assert(/value (an object|a view of \d+ bytes|an array of \d+)/.test(error.message), error.message);
    assertThrows(() => new DataSubscriber(value, "values", { runtime: here.runtime }), ArgumentError);
  }
});

test("DataBroadcaster takes the bytes that data have, whatever these say of themselves", () => {
  using here = stand();
  const { out, feed } = here;
  const data = new LyingBytes([1, 2, 3, 4, 5, 6, 7, 8]);
  assert(out.broadcast(data, 1, Unknown));
  assertEquals(feed.receive()?.join(), "1,2,3,4,5,6,7,8");
  assertEquals(out.broadcastBatch(data, 2, Unknown), 2);
  assertEquals(feed.receive()?.join(), "1,2,3,4,5,6,7,8");
  assertEquals([out.getStats().sentBytes, feed.getReceiveStats().receivedBytes], [16, 16]);
  for (const forged of FORGED_BYTES) {
    assertMisuse(() => out.broadcast(forged, 1, Unknown), ArgumentError);
    assertMisuse(() => out.broadcastBatch(forged, 1, Unknown), ArgumentError);
  }
  const gone = new Uint8Array(8);
  gone.buffer.transfer(0);
  assertMisuse(() => out.broadcast(gone, 1, Unknown), ArgumentError);
  assertEquals([out.nextSequence, feed.receive()], [2, null]);
});

test("RecordSchema reads and writes the bytes that there are, whatever these say of themselves", () => {
  const bytes = new LyingBytes(2 * Pair.size);
  assertThrows(() => Pair.write(bytes, 3 * Pair.size, { first: 1, second: 2 }), RecordSizeError);
  Pair.write(bytes, Pair.size, { first: 1, second: 2 });
  assertEquals(Pair.read(bytes, Pair.size), { first: 1, second: 2 });
  assertEquals(Pair.over(bytes).at(1).second, 2);
  for (const forged of FORGED_BYTES) {
    assertThrows(() => Pair.write(forged, 0, { first: 1, second: 2 }), ArgumentError);
    assertThrows(() => Pair.read(forged, 0), ArgumentError);
    assertThrows(() => Pair.over(forged), ArgumentError);
  }
  const gone = new Uint8Array(8);
  gone.buffer.transfer(0);
  assertEquals(Pair.over(gone).length, 0);
});

test("RecordSchema.write survives getters that write records and take the memory away", () => {
  const target = new Uint8Array(Pair.size);
  const other = new Uint8Array(Pair.size);
  Pair.write(target, 0, {
    first: 1,
    get second() {
      Pair.write(other, 0, { first: 3, second: 4 });
      return 2;
    },
  });
  assertEquals([Pair.read(target), Pair.read(other)], [{ first: 1, second: 2 }, { first: 3, second: 4 }]);
  const taking = {
    first: 1,
    get second() {
      target.buffer.transfer(0);
      return 2;
    },
  };
  assertThrows(() => Pair.write(target, 0, taking), RecordSizeError);
});

test("RecordWriter refuses to be used by the values of the record that it writes", () => {
  using here = stand();
  const { out, feed } = here;
  const pairs = out.writer(Pair);
  pairs.write({ first: 1, second: 2 });
  const nested = (use: () => unknown) => ({
    first: 5,
    get second() {
      use();
      return 6;
    },
  });
  assertMisuse(() => pairs.write(nested(() => pairs.write({ first: 7, second: 8 }))), ArgumentError);
  assertMisuse(() => pairs.write(nested(() => pairs.flush())), ArgumentError);
  assertEquals(pairs.pending, 1);
  assertMisuse(() => pairs.write(nested(() => out.close())), ClosedError);
  using block = feed.receiveBlock()!;
  assertEquals(block.records(Pair).toArray(), [{ first: 1, second: 2 }]);
  assertEquals(feed.receive(), null);
});

test("RecordWriter forgets what its timer met once its records were sent", async () => {
  using runtime = Runtime.open({ stack: "memory" });
  using out = new DataBroadcaster(config.with({ flushAfterMs: 0 }), "late", { runtime });
  const pairs = out.writer(Pair);
  const loan = out.loan()!;
  pairs.write({ first: 1, second: 2 });
  await waitFor(() => out.getStats().errors > 0);
  assertThrows(() => pairs.flush(), TooManyLoansError);
  loan.discard();
  assert(pairs.flush());
  assert(pairs.write({ first: 3, second: 4 }));
});

test("Objects that only look like ours are refused where ours are asked for", () => {
  using here = stand();
  const { runtime, out, feed } = here;
  out.broadcast(new Uint8Array(8), 1, Unknown);
  using block = feed.receiveBlock()!;
  const schemaLike = Object.create(Object.getPrototypeOf(Tick));
  for (const look of [(value: object) => Object.create(value) as Untyped, (value: object) => new Proxy(value, {})]) {
    const configLike = look(config);
    assertMisuse(() => new DataBroadcaster(configLike, "x", { runtime }), ArgumentError);
    assertMisuse(() => new DataSubscriber(configLike, "x", { runtime }), ArgumentError);
    assertMisuse(() => Runtime.open({ stack: "memory", config: configLike }), ConfigError);
    const runtimeLike = look(runtime) as Runtime;
    assertMisuse(() => new DataBroadcaster(config, "x", { runtime: runtimeLike }), ArgumentError);
    assertMisuse(() => new BroadcastManager(runtimeLike), ArgumentError);
    assertMisuse(() => out.writer(look(Tick) as Untyped), ArgumentError);
    assertMisuse(() => block.records(look(Tick) as Untyped), ArgumentError);
  }
  assertMisuse(() => feed.blocks({ signal: Object.create(AbortSignal.prototype) }), ArgumentError);
  assertMisuse(() => out.writer(schemaLike), ArgumentError);
});

test("Records refuse indices and texts that are none", () => {
  const List = defineRecord("List", { list: "u16[3]", text: "char[8]" });
  const records = List.over(new Uint8Array(List.size));
  const record = records.at(0);
  for (const index of [Symbol("0"), 0n, "0", null, undefined, {}] as Untyped[]) {
    assertThrows(() => records.at(index), ArgumentError);
    assertThrows(() => record.list.at(index), ArgumentError);
    assertThrows(() => record.textWord(index), ArgumentError);
    if (typeof index !== "string") assertThrows(() => record.textEquals(index), ArgumentError);
  }
});

test("defineRecord refuses names and options that are none", () => {
  for (const name of [Symbol("x"), { toString: () => assert(false) }, null, 5] as Untyped[]) {
    assertThrows(() => defineRecord(name, { a: "u8" }, { unknown: 1 } as Untyped), SchemaError);
  }
  for (const options of [null, 5, "x", Symbol("x")] as Untyped[]) {
    assertThrows(() => defineRecord("Options", { a: "u8" }, options), SchemaError);
  }
});

test("Runtime.open asks each option once", () => {
  let looks = 0;
  const options = {
    stack: "memory" as const,
    get name() {
      return looks++ === 0 ? "once" : Symbol("twice") as Untyped;
    },
  };
  using runtime = Runtime.open(options);
  assertEquals([runtime.name, looks], ["once", 1]);
});
