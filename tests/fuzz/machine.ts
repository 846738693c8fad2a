// SPDX-License-Identifier: Apache-2.0
// One thread's part of an episode: its objects, what they should be like, and the calls that it makes.
import { setImmediate } from "node:timers";
import {
  BroadcastConfig,
  type BroadcastConfigFields,
  type BroadcastManager,
  type DataBroadcaster,
  type DataSubscriber,
  type MemoryHandle,
  Runtime,
  type RuntimeOptions,
} from "../../mod.ts";
import type { Random } from "../support/random.ts";
import type { Call } from "./calls.ts";
import { type Episode, indicesOf, randomOf, type Setting, settingOf, type StreamProfile } from "./episode.ts";
import { hostile, hostileOptions, hostileValues } from "./hostile.ts";
import { judge, type Outcome, type Tally } from "./outcome.ts";
import { Reader } from "./reader.ts";
import type { Whereabouts } from "./whereabouts.ts";
import { Writer } from "./writer.ts";

/** How deep calls are made from inside of others. */
const DEPTH_MAX = 3;
/** Calls between two turns of the event loop, about. */
const CALLS_PER_TURN = 8;
/** One of so many arguments is made up. */
const HOSTILE_ONE_IN = 8;
/** What a ring says that has no place for another reader. */
export const PLACELESS: ReadonlySet<string> = new Set([
  "QIPC_STREAM_FULL",
  "QIPC_SUBSCRIBER_LIMIT",
  "QIPC_TOO_MANY_BROADCASTERS",
]);
/** Every ring is small, so that blocks are lost and rooms are full. */
const SMALL: Partial<BroadcastConfigFields> = { bufferDepth: 16, memoryPoolSizeMb: 4, readerTimeoutMs: 200 };

/** A turn of the event loop, after which every promise that is settled has told so. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What is wrong, first come. */
export interface Fault {
  readonly text: string;
  readonly index: number;
}

/** One thread's fuzzer. */
export class Machine {
  readonly setting: Setting;
  readonly tally: Tally = { calls: 0, errors: {} };
  readonly runtimes: Runtime[] = [];
  readonly writers: Writer[] = [];
  readonly readers: Reader[] = [];
  readonly managers: BroadcastManager[] = [];
  fault: Fault | null = null;
  /** Told of each call before it is made. */
  where: Whereabouts | undefined;
  readonly #episode: Episode;
  readonly #worker: number;
  readonly #options: RuntimeOptions;
  readonly #chances: Chances;
  /** Those that can be made from inside of others. */
  readonly #nested: Chances;
  #index = -1;
  #depth = 0;
  #random: Random;

  constructor(calls: readonly Call[], episode: Episode, worker: number, handle?: MemoryHandle) {
    this.#chances = new Chances(calls);
    this.#nested = new Chances(calls.filter(({ later }) => !later));
    this.setting = settingOf(episode);
    this.#episode = episode;
    this.#worker = worker;
    this.#random = randomOf(episode.seed, worker + 1, 0);
    const { stack } = this.setting;
    // A machine under load is no hung daemon.
    this.#options = stack === "memory" ? { stack, ...(handle && { handle }) } : { stack, timeoutMs: 60_000 };
    this.open();
  }

  /** Makes the calls. */
  async run(): Promise<void> {
    for (const index of indicesOf(this.#episode, this.setting.workers, this.#worker)) {
      if (this.fault !== null) return;
      this.#index = index;
      const random = randomOf(this.#episode.seed, this.#worker + 1, index + 1);
      if (!this.runtimes.some(({ state }) => state !== "closed")) this.open();
      const turnNow = random.integer(1, CALLS_PER_TURN) === 1;
      await this.#make(random);
      if (!turnNow) continue;
      // Loops that were woken have told by now what they got.
      await turn();
      this.checkAll();
    }
    await turn();
    this.#index = -1;
    this.checkAll();
  }

  /** One more handle to the runtime, as the episode asks for it. */
  open(): Runtime {
    const runtime = Runtime.open(this.#options);
    this.runtimes.push(runtime);
    return runtime;
  }

  /** Whether calls are made from inside of another. */
  get isInside(): boolean {
    return this.#depth > 1;
  }

  /** Makes a call from inside of another. */
  readonly reenter = (): void => {
    if (this.#depth >= DEPTH_MAX) return;
    void this.#make(this.#random);
  };

  /** Makes one call, and notes how it ended. */
  attempt<T>(name: string, call: () => T): Outcome<T> {
    this.tally.calls++;
    this.where?.enter(this.#index, name);
    try {
      return { ok: true, value: call() };
    } catch (error) {
      return { ok: false, code: this.note(name, error) };
    }
  }

  /** The same of a call that answers later. */
  async attemptLater<T>(name: string, call: () => Promise<T>): Promise<Outcome<T>> {
    this.tally.calls++;
    this.where?.enter(this.#index, name);
    try {
      return { ok: true, value: await call() };
    } catch (error) {
      return { ok: false, code: this.note(name, error) };
    }
  }

  /** Counts an error; returns its code. */
  note(name: string, error: unknown): string {
    const { code, fault } = judge(error);
    this.tally.errors[code] = (this.tally.errors[code] ?? 0) + 1;
    if (fault !== "") this.fail(`${name} ${fault}`);
    // A ring that has no place says so once, to whoever finds it, and is then read by none of this thread.
    if (PLACELESS.has(code)) { for (const reader of this.readers) reader.refused = true; }
    return code;
  }

  /** Something is not what it should be. */
  fail(text: string): void {
    this.fault ??= { text: `${text}\n${new Error().stack}`, index: this.#index };
  }

  expect(condition: boolean, text: () => string): void {
    if (!condition) this.fail(text());
  }

  /** Compares every object with what it should be like. */
  checkAll(): void {
    if (this.fault !== null) return;
    for (const writer of this.writers) writer.check();
    for (const reader of this.readers) reader.check();
  }

  /** A broadcaster was made. */
  addWriter(out: DataBroadcaster): void {
    const writer = new Writer(this, out, out.nextSequence);
    this.writers.push(writer);
    for (const reader of this.readers) reader.offered(writer);
  }

  /** A subscriber was made. */
  addReader(feed: DataSubscriber): void {
    const reader = new Reader(this, feed);
    this.readers.push(reader);
    for (const writer of this.writers) if (!writer.closed) reader.joined(writer);
  }

  /** Calls that were made so far: the same number again means that nothing was called from inside. */
  get calls(): number {
    return this.tally.calls;
  }

  stream(random: Random): StreamProfile {
    return random.pick(this.setting.streams);
  }

  /** A valid configuration for an end of this stream, mostly that of the others. */
  config(random: Random, { service, fields }: StreamProfile): BroadcastConfig {
    const strange = random.integer(0, 9) === 0;
    return new BroadcastConfig({
      ...SMALL,
      serviceName: service,
      ...fields,
      flushAfterMs: random.pick([0, 1, 60_000]),
      ...(random.integer(0, 3) === 0 && { bufferDepth: random.pick([16, 17, 64]) }),
      ...(random.integer(0, 3) === 0 && { queueCapacity: random.pick([1, 2, 16, 256]) }),
      ...(random.integer(0, 3) === 0 && { statsEnabled: true }),
      ...(random.integer(0, 3) === 0 && { wait: random.pick(["park", "spin", "yield"] as const) }),
      ...(strange && { maxSubscribers: random.pick([1, 2]), pollIntervalMs: random.pick([1, 7]) }),
      ...(strange && this.setting.stack !== "memory" && { lane: random.pick(["auto", "ring", "queue"] as const) }),
      ...(strange && { read: random.pick(["stable", "in-place"] as const), history: random.pick([0, 3, "all"]) }),
    });
  }

  /** Whether to make an argument up. */
  spoils(random: Random): boolean {
    return random.integer(1, HOSTILE_ONE_IN) === 1;
  }

  hostile(random: Random): unknown {
    return hostile(random, this.#ours(), this.reenter);
  }

  hostileOptions(random: Random, options: object, names: readonly string[]): unknown {
    return hostileOptions(options, names, random, this.#ours(), this.reenter);
  }

  hostileValues(random: Random, values: object): unknown {
    return hostileValues(values, random, this.reenter);
  }

  #ours(): readonly unknown[] {
    const writers = this.writers.map(({ out }) => out);
    return [...this.runtimes, ...writers, ...this.readers.map(({ feed }) => feed), ...this.managers];
  }

  #make(random: Random): void | Promise<void> {
    const outer = this.#random;
    const restore = (): void => {
      this.#depth--;
      this.#random = outer;
    };
    this.#random = random;
    this.#depth++;
    let later: void | Promise<void> = undefined;
    try {
      later = (this.#depth > 1 ? this.#nested : this.#chances).pick(random).make(this, random);
    } catch (error) {
      this.fail(`the fuzzer itself threw ${(error as Error).stack}`);
    }
    if (later instanceof Promise) return later.finally(restore);
    restore();
  }
}

/** Kinds of calls and how often each is made. */
class Chances {
  readonly #calls: readonly Call[];
  readonly #total: number;

  constructor(calls: readonly Call[]) {
    this.#calls = calls;
    this.#total = calls.reduce((sum, { weight }) => sum + weight, 0);
  }

  pick(random: Random): Call {
    let at = random.integer(0, this.#total - 1);
    return this.#calls.find(({ weight }) => (at -= weight) < 0)!;
  }
}
