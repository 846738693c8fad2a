// SPDX-License-Identifier: Apache-2.0
// Broadcasting with arguments of wrong types and out of their ranges: each is a typed error, and the process goes on.
import { after, before, describe, test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ArgumentError,
  BatchTooLargeError,
  BroadcastConfig,
  type BroadcastConfigFields,
  ClosedError,
  ConfigError,
  DataBroadcaster,
  DataSubscriber,
  DataTooLongError,
  FieldValueError,
  MarketDataType,
  RecordSizeError,
  Runtime,
  SequenceExhaustedError,
  Tick,
  TooManyLoansError,
} from "../mod.ts";
import { Ground, NATIVE_STACKS } from "./support/ground.ts";
import {
  assertIpcError,
  assertMisuse,
  assertStillWorks,
  makePair,
  NO_INTEGERS,
  NO_NUMBERS,
  NO_OBJECTS,
  type Pair,
  type Untyped,
} from "./support/misuse.ts";
import { waitFor } from "./support/wait.ts";

const { Unknown } = MarketDataType;
const TICK = { timestampNs: 1n, last: 1, bid: 1, ask: 1, volume: 1n, symbol: "QAUL" };

for (const stack of NATIVE_STACKS) {
  describe(stack, () => {
    let ground: Ground;
    let runtime: Runtime;
    before(async () => {
      ground = await Ground.start(stack, { blocks: 64 });
      runtime = ground.runtime;
    });
    after(() => ground.stop());

    for (const lane of ["auto", "queue"] as const) {
      const config = new BroadcastConfig({ lane });
      const pairOf = (stream: string, fields: Partial<BroadcastConfigFields> = {}): Pair =>
        makePair(runtime, stream, { lane, ...fields });

      describe(`DataBroadcaster with lane ${lane}`, () => {
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
          using p = pairOf("data");
          const lying = new Proxy(new Uint8Array(9000), { get: (t, k) => k === "length" ? 8 : Reflect.get(t, k) });
          const hollow = Object.create(Uint8Array.prototype);
          const others = [
            undefined,
            null,
            "text",
            5,
            {},
            [],
            [1, 2],
            new ArrayBuffer(8),
            new DataView(new ArrayBuffer(8)),
          ];
          const arrays = [new Uint16Array(4), new Int8Array(8), new Float64Array(1), lying, hollow];
          for (const data of [...others, ...arrays] as Untyped[]) {
            assertMisuse(() => p.out.broadcast(data, 1, Unknown), ArgumentError);
            assertMisuse(() => p.out.broadcastBatch(data, 1, Unknown), ArgumentError);
          }
          assertEquals(p.out.getStats().sentBlocks, 0);
          assertEquals(p.out.getStats().errors, 2 * (others.length + arrays.length));
        });

        test("broadcast takes 8160 bytes and refuses 8161", () => {
          using p = pairOf("length");
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
          using p = pairOf("longer than said", { bufferDepth: 16 });
          class Lying extends Uint8Array {
            override get length(): number {
              return 8;
            }
          }
          const lying = new Lying(3 * 8192).fill(0xaa);
          if (lane === "queue") {
            const loans = Array.from({ length: 8 }, () => p.out.loan()!);
            for (const loan of loans) loan.data.fill(0x55);
            for (const loan of loans.splice(4)) loan.discard();
            for (let turn = 0; turn < 4; turn++) {
              assertMisuse(() => p.out.broadcast(lying, 1, Unknown), DataTooLongError);
            }
            for (const loan of loans) {
              assert(loan.data.every((byte) => byte === 0x55));
              loan.discard();
            }
            assertEquals(p.out.getStats().sentBlocks, 0);
          } else {
            // In every slot, the last one before the end of the memory among them, with blocks in those behind it.
            const filled = new Uint8Array(8160).fill(0x55);
            for (let turn = 0; turn < 40; turn++) {
              assertMisuse(() => p.out.broadcast(lying, 1, Unknown), DataTooLongError);
              assert(p.out.broadcast(filled, 1, Unknown));
              if (turn % 13 !== 12) continue;
              assertEquals(p.feed.poll((block) => assert(block.data.every((byte) => byte === 0x55))), 13);
            }
            assertEquals(p.out.getStats().sentBlocks, 40);
            assertEquals(p.feed.getReceiveStats().missedBlocks, 0);
          }
        });

        test("broadcast refuses record counts and types that are none", () => {
          using p = pairOf("counts");
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
          using p = pairOf("batch", { batchSize: 100 });
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
          using p = pairOf("loan");
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

        if (lane === "auto") {
          test("a second loan, and broadcasting beside a loan, is a TooManyLoansError, and the loan stays", () => {
            using p = pairOf("one loan");
            using loan = p.out.loan()!;
            loan.data.set([1, 2, 3]);
            const ticks = p.out.writer(Tick);
            ticks.write(TICK);
            for (let turn = 1; turn <= 3; turn++) {
              const limits = { value: 2, limit: 1, says: ["publish or discard"] };
              assertMisuse(() => p.out.loan(), TooManyLoansError, limits);
              assertMisuse(() => p.out.broadcast(Uint8Array.of(9), 1, Unknown), TooManyLoansError, limits);
              assertMisuse(() => p.out.broadcastBatch(new Uint8Array(720), 10, Unknown), TooManyLoansError, limits);
              assertMisuse(() => ticks.flush(), TooManyLoansError, limits);
              assertEquals(p.out.getStats().errors, 4 * turn);
            }
            assertEquals([p.out.getStats().sentBlocks, p.out.nextSequence, p.feed.receive()], [0, 0, null]);
            assert(loan.publish(3, 1, Unknown));
            assert(ticks.flush());
            assertEquals(p.feed.receive(), Uint8Array.of(1, 2, 3));
            assertEquals(p.feed.poll((block) => assertEquals(block.records(Tick).at(0).symbol, "QAUL")), 1);
            assertEquals(p.out.nextSequence, 2);
          });
        }

        test("waitForRoom and waitForRoomSync refuse timeouts that are none", async () => {
          using p = pairOf("room");
          for (const wrong of [...NO_NUMBERS, NaN, -1, -Infinity]) {
            assertMisuse(() => p.out.waitForRoomSync(wrong), ArgumentError, { value: wrong });
            assertIpcError(await assertRejects(() => p.out.waitForRoom(wrong)), ArgumentError, { value: wrong });
          }
          assert(p.out.waitForRoomSync(Infinity));
          assert(await p.out.waitForRoom(0));
        });

        test("writer refuses what is no schema, and write what is no record", () => {
          using p = pairOf("writer");
          for (const wrong of [undefined, null, {}, "Tick", 72, { ...Tick }] as Untyped[]) {
            assertMisuse(() => p.out.writer(wrong), ArgumentError, { value: wrong });
          }
          const ticks = p.out.writer(Tick);
          for (const wrong of [undefined, null, 5, "tick", {}, [], { timestampNs: 1n }] as Untyped[]) {
            assertMisuse(() => ticks.write(wrong), FieldValueError);
          }
          assertMisuse(() => ticks.write({ ...TICK, volume: -1n }), FieldValueError, { value: -1n });
          assertMisuse(() => ticks.write({ ...TICK, symbol: "x".repeat(33) }), FieldValueError, { limit: 32 });
          assertMisuse(() => ticks.write({ ...TICK, price: 1 } as Untyped), FieldValueError);
          assertEquals(ticks.pending, 0);
          assert(ticks.write(TICK) && ticks.flush());
          assertEquals(p.feed.poll((block) => assertEquals(block.records(Tick).at(0).symbol, "QAUL")), 1);
        });

        test("broadcast past sequence 2^53 - 1 throws", () => {
          using p = pairOf("sequence");
          using last = new DataBroadcaster(config, "sequence", { runtime, firstSequence: Number.MAX_SAFE_INTEGER });
          assert(last.broadcast(Uint8Array.of(1), 1, Unknown));
          assertEquals(p.feed.poll((block) => assertEquals(block.sequence, Number.MAX_SAFE_INTEGER)), 1);
          assertMisuse(() => last.broadcast(Uint8Array.of(1), 1, Unknown), SequenceExhaustedError);
          assertMisuse(() => last.loan(), SequenceExhaustedError);
        });

        test("what a writer's timer throws comes out of the next write, and close reports it once more", async () => {
          const last = new DataBroadcaster(config.with({ flushAfterMs: 1 }), "timer", {
            runtime,
            firstSequence: Number.MAX_SAFE_INTEGER,
          });
          const ticks = last.writer(Tick);
          assert(ticks.write(TICK) && ticks.flush());
          assert(ticks.write(TICK));
          let thrown: unknown;
          await waitFor(() => {
            try {
              // Full or not, a record is written only as long as the timer has met no error.
              return ticks.pending < ticks.capacity - 1 && !ticks.write(TICK);
            } catch (error) {
              thrown = error;
              return true;
            }
          });
          assertIpcError(thrown, SequenceExhaustedError);
          const { pending } = ticks;
          assert(pending >= 1);
          assertMisuse(() => last.close(), SequenceExhaustedError);
          assertEquals(last.getStats().sentBlocks, 1);
          assertMisuse(() => ticks.write(TICK), ClosedError);
          last.close();
          assertStillWorks(runtime);
        });

        test("a runtime closes all it has although the close of one fails", () => {
          const other = ground.open();
          const failing = new DataBroadcaster(config, "failing", {
            runtime: other,
            firstSequence: Number.MAX_SAFE_INTEGER,
          });
          const ticks = failing.writer(Tick);
          assert(failing.broadcast(Uint8Array.of(1), 1, Unknown));
          ticks.write(TICK);
          const feed = new DataSubscriber(config, "failing", { runtime: other });
          assertMisuse(() => other.close(), SequenceExhaustedError);
          assertEquals([other.state, feed.closed], ["closed", true]);
          assertEquals(runtime.streams(), []);
          assertStillWorks(runtime);
        });
      });
    }
  });
}
