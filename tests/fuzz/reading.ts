// SPDX-License-Identifier: Apache-2.0
// The calls of subscribers and of the blocks that they hand out.
import { type Block, DataSubscriber } from "../../mod.ts";
import type { Random } from "../support/random.ts";
import type { Call, Untyped } from "./calls.ts";
import { SCHEMAS } from "./content.ts";
import { type Machine, PLACELESS } from "./machine.ts";
import { OwnError } from "./outcome.ts";
import { type Held, HELD_MAX, type Reader } from "./reader.ts";
import { brief } from "./writing.ts";

const READERS_MAX = 7;
const OPTION_NAMES = ["runtime", "lane", "read", "history", "observe", "wait"];

function make(machine: Machine, random: Random): void {
  if (machine.readers.length >= READERS_MAX) return closeOne(machine, random, machine.readers[0]!);
  const stream = machine.stream(random);
  const runtime = random.pick(machine.runtimes);
  const options = random.pick<object>([
    { runtime },
    { runtime },
    {},
    { runtime, history: random.pick([0, 1, 16, "all"]) },
    { runtime, observe: random.integer(0, 1) === 0 },
    { runtime, read: random.pick(["stable", "in-place"]), wait: random.pick(["park", "backoff"]) },
  ]);
  const args: unknown[] = [machine.config(random, stream), stream.name, options];
  if (machine.spoils(random)) {
    const at = random.integer(0, 2);
    args[at] = at === 2 ? machine.hostileOptions(random, options, OPTION_NAMES) : machine.hostile(random);
  }
  const made = machine.attempt(
    "new DataSubscriber",
    () => new DataSubscriber(...(args as [Untyped, Untyped, Untyped])),
  );
  if (made.ok) machine.addReader(made.value);
}

function pick(machine: Machine, random: Random): Reader | undefined {
  return machine.readers.length === 0 ? undefined : random.pick(machine.readers);
}

function closeOne(machine: Machine, random: Random, reader: Reader): void {
  const wasClosed = reader.feed.closed;
  const closing = machine.attempt(
    "DataSubscriber.close",
    () => random.integer(0, 1) === 0 ? reader.feed.close() : reader.feed[Symbol.dispose](),
  );
  machine.expect(closing.ok && reader.feed.closed, () => "a subscriber did not close");
  for (const { block } of reader.held.splice(0)) {
    machine.expect(block.released, () => "a held block outlived its subscriber");
  }
  if (!wasClosed && random.integer(0, 3) > 0) return;
  const at = machine.readers.indexOf(reader);
  // A loop that is still to be told keeps its subscriber here.
  if (at >= 0 && reader.loops.every(({ pending }) => pending === null)) machine.readers.splice(at, 1);
}

/** Whether a call on a subscriber ended as it may. */
export function mayFail(machine: Machine, reader: Reader, what: string, code: string): void {
  // What finds a ring too many says so; the other way is to be closed.
  machine.expect(
    reader.feed.closed || PLACELESS.has(code),
    () => `${what} failed with ${code}`,
  );
}

function receive(machine: Machine, random: Random): void {
  const reader = pick(machine, random);
  if (reader === undefined) return make(machine, random);
  const { feed } = reader;
  const before = feed.getReceiveStats();
  const got = machine.attempt("receive", () => random.integer(0, 1) === 0 ? feed.receive() : feed.receiveNowait());
  if (!got.ok) return mayFail(machine, reader, "receive", got.code);
  if (got.value === null) return;
  reader.tookCopy(got.value, feed.getReceiveStats().receivedRecords - before.receivedRecords);
}

function receiveBlock(machine: Machine, random: Random): void {
  const reader = pick(machine, random);
  if (reader === undefined) return make(machine, random);
  for (let count = random.pick([1, 1, 1, 20, 300]); count > 0; count--) {
    const isFull = reader.held.length === HELD_MAX;
    const got = machine.attempt("receiveBlock", () => reader.feed.receiveBlock());
    if (!got.ok) {
      if (got.code === "QIPC_HELD_LIMIT") {
        reader.heldLimitHits++;
        return machine.expect(isFull, () => `the limit of held blocks at ${reader.held.length}`);
      }
      return mayFail(machine, reader, "receiveBlock", got.code);
    }
    if (got.value === null) return;
    machine.expect(!isFull, () => "a block beyond the limit");
    const held = reader.took(got.value);
    if (held === null) got.value.release();
    else reader.held.push(held);
  }
}

function release(machine: Machine, random: Random): void {
  const reader = pick(machine, random);
  if (reader === undefined || reader.held.length === 0) return receiveBlock(machine, random);
  const closed = reader.feed.closed;
  const some = reader.held.splice(random.integer(0, reader.held.length - 1), random.pick([1, 1, 10, 256]));
  for (const held of some) {
    if (!closed) reader.checkHeld(held);
    const { block } = held;
    const released = machine.attempt(
      "release",
      () => random.integer(0, 1) === 0 ? block.release() : block[Symbol.dispose](),
    );
    machine.expect(released.ok && block.released, () => "a block was not released");
  }
  checkReleased(machine, some[0]!.block, random);
}

function checkReleased(machine: Machine, block: Block, random: Random): void {
  const late = machine.attempt("a released block", () => askBlock(block, random));
  machine.expect(!late.ok && late.code === "QIPC_BLOCK_RELEASED", () => "a released block answers");
}

function askBlock(block: Block, random: Random): unknown {
  return random.pick<() => unknown>([
    () => block.sequence,
    () => block.data,
    () => block.epoch,
    () => block.intact,
    () => block.recordCount,
    () => block.timestampNs,
    () => block.sourceSequence,
    () => block.records(random.pick(SCHEMAS) as Untyped),
  ])();
}

function examine(machine: Machine, random: Random): void {
  const reader = pick(machine, random);
  const held = reader === undefined ? undefined : reader.held[random.integer(0, Math.max(0, reader.held.length - 1))];
  if (reader === undefined || held === undefined || reader.feed.closed) return receiveBlock(machine, random);
  reader.checkHeld(held);
  const schema: unknown = machine.spoils(random) ? machine.hostile(random) : random.pick(SCHEMAS);
  machine.attempt("records", () => {
    const records = held.block.records(schema as Untyped);
    for (const record of records) void record.toObject();
    const index = (machine.spoils(random) ? machine.hostile(random) : random.integer(-3, 3)) as number;
    return records.at(index).toObject();
  });
}

function poll(machine: Machine, random: Random): void {
  const reader = pick(machine, random);
  if (reader === undefined) return make(machine, random);
  let handled = 0;
  let last: Held | null = null;
  const way = random.integer(0, 11);
  const handler = (block: Block): void => {
    handled++;
    last = reader.took(block);
    if (way > 4) return;
    if (way === 0) {
      if (random.integer(0, 3) === 0) throw new OwnError("thrown by a handler");
    } else if (way === 1) reader.feed.close();
    else machine.reenter();
    if (last !== null && !block.released) reader.checkHeld(last);
    if (way === 4) block.release();
  };
  const args: unknown[] = [handler, random.pick([undefined, 1, 2, 7, 1000, Infinity])];
  if (machine.spoils(random)) args[random.integer(0, 1)] = machine.hostile(random);
  const before = machine.calls;
  const polled = machine.attempt("poll", () => reader.feed.poll(...(args as [Untyped, Untyped])));
  const kept = last as Held | null;
  if (kept !== null) machine.expect(kept.block.released, () => "the block of a handler outlived it");
  const limit = args[1] as number | undefined;
  const isStrange = typeof args[0] === "function" && args[0] !== handler;
  if (isStrange) reader.tookUnseen();
  const valid = typeof args[0] === "function" && (limit === undefined || (typeof limit === "number" && limit >= 1));
  if (!polled.ok) {
    if (way === 0 || !valid || args[0] !== handler || machine.calls !== before + 1) return;
    return mayFail(machine, reader, "poll", polled.code);
  }
  machine.expect(valid, () => "poll took arguments that are not valid");
  if (!isStrange) machine.expect(polled.value === handled, () => `poll says ${polled.value}, not ${handled}`);
}

function waitSync(machine: Machine, random: Random): void {
  const reader = pick(machine, random);
  if (reader === undefined) return make(machine, random);
  const timeout: unknown = machine.spoils(random) ? brief(machine.hostile(random)) : random.pick([0, 0, 0.05, 1]);
  const waited = machine.attempt("waitSync", () => reader.feed.waitSync(timeout as number));
  const valid = typeof timeout === "number" && timeout >= 0;
  if (!waited.ok) return valid ? mayFail(machine, reader, "waitSync", waited.code) : undefined;
  machine.expect(valid, () => "a timeout that is none was taken");
}

function ask(machine: Machine, random: Random): void {
  const reader = pick(machine, random);
  if (reader === undefined) return make(machine, random);
  const { feed } = reader;
  const asked = machine.attempt("subscriber's getters", () =>
    random.pick<() => unknown>([
      () => feed.hasData(),
      () => feed.state,
      () => [feed.queueCapacity, feed.config, feed.stream, feed.closed],
      () => feed.getReceiveStats(),
    ])());
  if (!asked.ok) mayFail(machine, reader, "a getter", asked.code);
}

function close(machine: Machine, random: Random): void {
  const reader = pick(machine, random);
  if (reader !== undefined) closeOne(machine, random, reader);
}

/** What subscribers can be asked for. */
export const READING: readonly Call[] = [
  { weight: 14, make },
  { weight: 80, make: receive },
  { weight: 60, make: receiveBlock },
  { weight: 40, make: release },
  { weight: 20, make: examine },
  { weight: 80, make: poll },
  { weight: 20, make: waitSync },
  { weight: 30, make: ask },
  { weight: 6, make: close },
];
