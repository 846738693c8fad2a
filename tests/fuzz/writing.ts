// SPDX-License-Identifier: Apache-2.0
// The calls of broadcasters, their loans and their writers.
import { type BlockLoan, DataBroadcaster, MarketDataType, type RecordFields, type RecordSchema } from "../../mod.ts";
import type { Random } from "../support/random.ts";
import type { Call, Untyped } from "./calls.ts";
import { fillBytes, freeWord, Loose, ownWord, recordValues, SCHEMAS } from "./content.ts";
import { isGone, plainBytes } from "./hostile.ts";
import type { Machine } from "./machine.ts";
import { OWN, REVOKED } from "./outcome.ts";
import { TRAILER_OFFSET } from "./reader.ts";
import type { Gatherer, Writer } from "./writer.ts";

const WRITERS_MAX = 5;
const GATHERERS_MAX = 3;
const DATA_MAX = 8160;
const TYPES = Object.values(MarketDataType);
const FIRST_SEQUENCES = [0, 0, 0, 5, 2 ** 31 - 3, 2 ** 32 - 20, 2 ** 53 - 9, 2 ** 53 - 1];
const LENGTHS = [0, 1, 3, 4, 8, 72, 100, 113, 1000, TRAILER_OFFSET, TRAILER_OFFSET + 1, DATA_MAX];

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isType = (value: unknown): boolean => typeof value === "number" && (TYPES as readonly number[]).includes(value);

function make(machine: Machine, random: Random): void {
  if (machine.writers.length >= WRITERS_MAX) return closeOne(machine, random, machine.writers[0]!);
  const stream = machine.stream(random);
  const runtime = random.pick(machine.runtimes);
  const firstSequence = random.pick(FIRST_SEQUENCES);
  const options = random.pick([{ runtime }, { runtime, firstSequence }, {}]);
  const args: unknown[] = [machine.config(random, stream), stream.name, options];
  if (machine.spoils(random)) {
    const at = random.integer(0, 2);
    args[at] = at === 2
      ? machine.hostileOptions(random, options, ["runtime", "firstSequence"])
      : machine.hostile(random);
  }
  const made = machine.attempt(
    "new DataBroadcaster",
    () => new DataBroadcaster(...(args as [Untyped, Untyped, Untyped])),
  );
  if (made.ok) machine.addWriter(made.value);
}

/** One of the broadcasters that are open, or now and then a closed one. */
function pick(machine: Machine, random: Random): Writer | undefined {
  return machine.writers.length === 0 ? undefined : random.pick(machine.writers);
}

function closeOne(machine: Machine, random: Random, writer: Writer): void {
  const wasClosed = writer.closed;
  writer.close(() => {
    const closing = machine.attempt(
      "DataBroadcaster.close",
      () => random.integer(0, 1) === 0 ? writer.out.close() : writer.out[Symbol.dispose](),
    );
    // Records that no sequence is left for are lost, and it says so.
    const mayFail = writer.next > Number.MAX_SAFE_INTEGER - 3 && writer.gatherers.some(({ pending }) => pending > 0);
    machine.expect(closing.ok || mayFail, () => "close threw");
  });
  if (!wasClosed && random.integer(0, 3) > 0) return;
  const at = machine.writers.indexOf(writer);
  if (at >= 0) machine.writers.splice(at, 1);
}

/** Checks how a call on data ended against what its arguments say. */
function settle(machine: Machine, writer: Writer, valid: boolean, before: number, ok: boolean, code: string): boolean {
  if (machine.calls !== before + 1) return false; // Something else was called from inside.
  const mayFail = !valid || writer.closed || writer.loans.length > 0 || writer.next > Number.MAX_SAFE_INTEGER ||
    code === "QIPC_SEQUENCE_EXHAUSTED";
  machine.expect(ok || mayFail, () => `valid data were refused with ${code}`);
  machine.expect(
    !ok || (valid && !writer.closed),
    () => `data that are not valid were taken`,
  );
  return ok;
}

function broadcast(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer === undefined) return make(machine, random);
  ready(writer);
  const data = new Uint8Array(random.pick(LENGTHS));
  fillBytes(data, ownWord(writer.out.epoch, writer.next));
  const args: unknown[] = [data, random.integer(0, 9), random.pick(TYPES)];
  if (machine.spoils(random)) args[random.integer(0, 2)] = machine.hostile(random);
  const before = machine.calls;
  const sent = machine.attempt("broadcast", () => writer.out.broadcast(...(args as [Untyped, Untyped, Untyped])));
  const bytes = plainBytes(args[0]);
  const valid = bytes !== undefined && bytes.length <= DATA_MAX && isCount(args[1]) && isType(args[2]);
  // Without room the data are not looked at.
  if (sent.ok && !sent.value && args[0] instanceof Uint8Array && isGone(args[0])) return writer.refused();
  if (!settle(machine, writer, valid, before, sent.ok, sent.ok ? "" : sent.code) || !sent.ok) return;
  if (sent.value) writer.sent(args[1] as number, bytes!.length);
  else writer.refused();
}

function batch(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer === undefined) return make(machine, random);
  ready(writer);
  const { out } = writer;
  const count = random.integer(0, 40);
  const size = random.pick([1, 8, 72, 100, 4000, TRAILER_OFFSET + 1, DATA_MAX]);
  const data = new Uint8Array(count * size);
  const perBlock = Math.max(1, Math.floor(TRAILER_OFFSET / size));
  const args: unknown[] = [data, count, random.pick(TYPES)];
  if (machine.spoils(random)) {
    // With another count it is cut elsewhere.
    fillBytes(data, freeWord(random.bits()));
    args[random.integer(0, 2)] = machine.hostile(random);
  } else {
    for (let at = 0, next = writer.next; at < count; at += perBlock, next++) {
      fillBytes(data.subarray(at * size, (at + perBlock) * size), ownWord(out.epoch, next));
    }
  }
  const before = machine.calls;
  const sent = machine.attempt("broadcastBatch", () => out.broadcastBatch(...(args as [Untyped, Untyped, Untyped])));
  const bytes = plainBytes(args[0]);
  const given = args[1] as number;
  const each = bytes !== undefined && isCount(given) ? bytes.length / given : NaN;
  const isEmpty = sent.ok && given === 0 && sent.value === 0;
  const valid = isEmpty || bytes !== undefined && isCount(given) && isType(args[2]) && given <= out.config.batchSize &&
      (Number.isInteger(each) && each > 0 && each <= DATA_MAX);
  if (!settle(machine, writer, valid, before, sent.ok, sent.ok ? "" : sent.code)) {
    // What went out before the numbers ran out is counted.
    if (!sent.ok && sent.code === "QIPC_SEQUENCE_EXHAUSTED") resync(writer);
    return;
  }
  if (!sent.ok || isEmpty) return;
  const fitting = Math.max(1, Math.floor(TRAILER_OFFSET / each));
  writer.sent(sent.value, sent.value * each, Math.ceil(sent.value / fitting));
  if (sent.value < given) writer.refused();
}

/** Looks at what became of it since it was used last. */
function ready(writer: Writer): void {
  if (!writer.closed) writer.sync();
}

function resync(writer: Writer): void {
  writer.out.resetStats();
  writer.reset();
  writer.next = writer.out.nextSequence;
}

function loan(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer === undefined) return make(machine, random);
  ready(writer);
  const most = writer.ringed ? 1 : 8;
  const given = machine.attempt("loan", () => writer.out.loan());
  if (!given.ok) {
    const mayFail = writer.closed || writer.loans.length >= most || writer.next > Number.MAX_SAFE_INTEGER;
    return machine.expect(mayFail, () => `no loan was given: ${given.code}`);
  }
  machine.expect(writer.loans.length < most, () => `a loan beyond ${most}`);
  if (given.value === null) return writer.refused();
  writer.loans.push(given.value);
}

function useLoan(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  const given = writer?.loans[0];
  if (writer === undefined || given === undefined) return loan(machine, random);
  if (writer.closed) return;
  const dropped = (): void => {
    const at = writer.loans.indexOf(given);
    if (at >= 0) writer.loans.splice(at, 1);
  };
  if (random.integer(0, 4) === 0) {
    machine.attempt("loan.discard", () => random.integer(0, 1) === 0 ? given.discard() : given[Symbol.dispose]());
    return dropped();
  }
  writer.sync();
  const filled = machine.attempt("loan.data", () => fillBytes(given.data, ownWord(writer.out.epoch, writer.next)));
  machine.expect(filled.ok, () => "a loan cannot be written");
  const args: unknown[] = [random.pick(LENGTHS), random.integer(0, 9), random.pick(TYPES)];
  if (machine.spoils(random)) args[random.integer(0, 2)] = machine.hostile(random);
  const before = machine.calls;
  const sent = machine.attempt("loan.publish", () => given.publish(...(args as [Untyped, Untyped, Untyped])));
  const [length] = args as number[];
  const valid = Number.isInteger(length) && length! >= 0 && length! <= DATA_MAX && isCount(args[1]) && isType(args[2]);
  if (machine.calls !== before + 1) return;
  machine.expect(!sent.ok || valid, () => "a loan was published with arguments that are not valid");
  if (!sent.ok) {
    const mayFail = !valid || writer.next > Number.MAX_SAFE_INTEGER;
    return machine.expect(mayFail, () => `a loan was not published: ${sent.code}`);
  }
  if (!sent.value) return refusedLoan(machine, writer);
  dropped();
  writer.sent(args[1] as number, length!);
  afterwards(machine, given);
}

function refusedLoan(machine: Machine, writer: Writer): void {
  machine.expect(writer.lossless && !writer.ringed, () => "a loan found no room");
  writer.refused();
}

function afterwards(machine: Machine, given: BlockLoan): void {
  const again = machine.attempt("loan.publish again", () => given.publish(1, 1, MarketDataType.Unknown));
  machine.expect(!again.ok && again.code === "QIPC_NOT_LOANED", () => "a loan was published twice");
  given.discard();
}

function gather(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer === undefined) return make(machine, random);
  if (writer.gatherers.length >= GATHERERS_MAX) return;
  const schema: unknown = machine.spoils(random) ? machine.hostile(random) : random.pick(SCHEMAS);
  const made = machine.attempt("writer", () => writer.out.writer(schema as RecordSchema<RecordFields>));
  if (!made.ok) return;
  machine.expect((SCHEMAS as readonly unknown[]).includes(schema), () => "a writer of no schema");
  const { size } = schema as RecordSchema<RecordFields>;
  if (!writer.closed) writer.gatherers.push({ writer: made.value, schema, size, pending: 0 });
}

function write(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer === undefined || writer.closed || writer.gatherers.length === 0) return gather(machine, random);
  const gatherer = random.pick(writer.gatherers);
  for (let count = random.pick([1, 1, 3, 150]); count > 0; count--) {
    if (!writeOne(machine, random, writer, gatherer)) return;
  }
}

/** Writes a record; false when no other should be tried. */
function writeOne(machine: Machine, random: Random, writer: Writer, gatherer: Gatherer): boolean {
  let values: unknown = recordValues(gatherer.schema, random.integer(0, 1 << 30));
  const spoiled = machine.spoils(random);
  if (spoiled) {
    values = gatherer.schema === Loose
      ? machine.hostileOptions(random, values as object, Object.keys(values as object))
      : machine.hostileValues(random, values as object);
  }
  writer.sync();
  const before = machine.calls;
  const pending = gatherer.pending;
  const written = machine.attempt("write", () => gatherer.writer.write(values as Untyped));
  if (writer.closed) return false;
  if (machine.calls !== before + 1) {
    // A value called the fuzzer, which may have done anything: what is there now is right if readers find no fault with it.
    recount(writer);
    return false;
  }
  const now = gatherer.writer.pending;
  if (!written.ok) {
    const own = written.code === OWN || written.code === REVOKED;
    // What a timer met while a loan was out is told by the next write.
    const late = pending > 0 && written.code === "QIPC_TOO_MANY_LOANS";
    // So does one that is made by a value of the writer's own record.
    const nested = machine.isInside && written.code === "QIPC_ARGUMENT";
    const mayFail = spoiled || own || late || nested || writer.loans.length > 0 ||
      writer.next > Number.MAX_SAFE_INTEGER;
    machine.expect(mayFail, () => `a record was refused with ${written.code}`);
    recount(writer);
    return false;
  }
  const { capacity } = gatherer.writer;
  const whole = pending === capacity ? capacity : pending + 1;
  if (pending === capacity && !written.value) writer.refused();
  else if (pending === capacity) {
    writer.sent(capacity, capacity * gatherer.size);
    machine.expect(now === 1 || capacity === 1, () => `${now} records after a full block`);
    if (capacity === 1) recount(writer);
  } else if (now === 0) {
    machine.expect(whole === capacity, () => `a block of ${whole} records was sent, of ${capacity}`);
    writer.sent(whole, whole * gatherer.size);
  } else {
    machine.expect(now === whole, () => `${now} records are there, not ${whole}`);
    if (whole === capacity) writer.refused();
  }
  gatherer.pending = now;
  return written.value;
}

function recount(writer: Writer): void {
  resync(writer);
  for (const gatherer of writer.gatherers) gatherer.pending = gatherer.writer.pending;
}

function flush(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer === undefined || writer.closed || writer.gatherers.length === 0) return gather(machine, random);
  const gatherer = random.pick(writer.gatherers);
  writer.sync();
  const { pending } = gatherer;
  const flushed = machine.attempt("flush", () => gatherer.writer.flush());
  if (!flushed.ok) {
    if (machine.isInside && flushed.code === "QIPC_ARGUMENT") return;
    const mayFail = pending > 0 && (writer.loans.length > 0 || writer.next > Number.MAX_SAFE_INTEGER);
    return machine.expect(mayFail, () => `flush failed with ${flushed.code}`);
  }
  if (pending === 0) return machine.expect(flushed.value, () => "nothing could not be flushed");
  if (!flushed.value) return writer.refused();
  gatherer.pending = 0;
  writer.sent(pending, pending * gatherer.size);
}

function ask(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer === undefined) return make(machine, random);
  const { out } = writer;
  const asked = machine.attempt("broadcaster's getters", () =>
    random.pick<() => unknown>([
      () => out.hasSubscribers(),
      () => out.getSubscriberCount(),
      () => out.getStats(),
      () => [out.epoch, out.nextSequence, out.historyDepth, out.config, out.stream],
    ])());
  machine.expect(asked.ok || writer.closed, () => "a broadcaster does not answer");
  if (random.integer(0, 20) > 0) return;
  writer.sync();
  writer.check();
  machine.attempt("resetStats", () => out.resetStats());
  writer.reset();
}

function waitForRoomSync(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer === undefined) return make(machine, random);
  const timeout: unknown = machine.spoils(random) ? brief(machine.hostile(random)) : random.pick([0, 0.1, 1]);
  const waited = machine.attempt("waitForRoomSync", () => writer.out.waitForRoomSync(timeout as number));
  const valid = typeof timeout === "number" && timeout >= 0;
  machine.expect(waited.ok || !valid || writer.closed, () => "waiting for room failed");
  machine.expect(!waited.ok || valid, () => "a timeout that is none was taken");
}

async function waitForRoom(machine: Machine, random: Random): Promise<void> {
  const writer = pick(machine, random);
  if (writer === undefined) return make(machine, random);
  const timeout: unknown = machine.spoils(random) ? brief(machine.hostile(random)) : random.pick([0, 1, 3]);
  const waited = machine.attemptLater("waitForRoom", () => writer.out.waitForRoom(timeout as number));
  if (random.integer(0, 3) === 0) closeOne(machine, random, writer);
  await waited;
}

/** No wait of the fuzzer may be long. */
export function brief(timeout: unknown): unknown {
  return typeof timeout === "number" && timeout > 2 ? 2 : timeout;
}

function close(machine: Machine, random: Random): void {
  const writer = pick(machine, random);
  if (writer !== undefined) closeOne(machine, random, writer);
}

/** What broadcasters can be asked for. */
export const WRITING: readonly Call[] = [
  { weight: 12, make },
  { weight: 140, make: broadcast },
  { weight: 20, make: batch },
  { weight: 25, make: loan },
  { weight: 30, make: useLoan },
  { weight: 10, make: gather },
  { weight: 60, make: write },
  { weight: 20, make: flush },
  { weight: 20, make: ask },
  { weight: 10, make: waitForRoomSync },
  { weight: 5, make: waitForRoom, later: true },
  { weight: 5, make: close },
];
