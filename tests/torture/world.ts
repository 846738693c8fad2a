// SPDX-License-Identifier: Apache-2.0
// The world of a cell: a RouDi, a writer and its readers, and the fresh processes that are kept ready.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startProgram, startScript } from "../support/process.ts";
import { findRouDis, RouDi, stopAllRouDis } from "../support/roudi.ts";
import { type Cell, configOf, isIox2 } from "./cells.ts";
import type { PeerDemand } from "./demand.ts";
import { Failure } from "./failure.ts";
import { Iox2Root } from "./iox2_root.ts";
import { readLog } from "./log.ts";
import { delay } from "../support/wait.ts";
import { Peer, until } from "./peer.ts";
import { RingHead } from "./ring_head.ts";

/** Chunks of RouDi's block pool: a full queue for each of the readers, the dead ones' too, and loans. */
export const POOL_BLOCKS = 2048;
/** Chunks of its pool of announcements: those of the dead stay until it has noticed. */
export const POOL_ANNOUNCEMENTS = 512;
const POOLS = [{ size: 1024, count: POOL_ANNOUNCEMENTS }, { size: 8320, count: POOL_BLOCKS }];
const STREAM = "torture";
/** How long a reader rests between two looks where it is not to be in a tight loop. */
const REST_MS = 1;
const MILLISECOND_US = 1000;
/** After 1.5 s RouDi takes a silent process for dead. One that the module started does not tell us. */
const PATIENCE_MS = 2500;

/** How long a runtime may take to start: none of what is measured. */
const START_MS = 60_000;

/** How long one stranger waits to be registered. */
const PROBE_MS = 2000;

/** What RouDi's log says of a process that it clears up after: one that signed off, and one that it took for dead. */
const SAYS_REMOVED = [
  (name: string): string => `Removed existing application ${name}\n`,
  (name: string): string => `Application ${name} not responding`,
];

/** What a peer is there for. */
export type Role = "writer" | "survivor" | "victim";

/** A reader, and since when it counts. */
export interface Seat {
  readonly peer: Peer;
  /** Whether it may be overtaken or stopped: no promise that it loses nothing. */
  mayLose: boolean;
  /** Blocks of the stream that had been committed when it was told to open. */
  readonly openedAt: number;
  /** Blocks of the stream that had been committed when it joined, as its own first account says. */
  joinedAt?: number;
  /** Blocks that its account left open so far. */
  open: number;
  /** What of it was reported before: lost in spite of a promise, and wrong. */
  reported: number;
}

/** A world, until somebody stands still in it. */
export class World {
  readonly cell: Cell;
  readonly #folder = mkdtempSync(join(tmpdir(), "torture-"));
  /** Null while there is none, and where the module starts its own. */
  roudi: RouDi | null = null;
  /** Of iceoryx2, which has no daemon. */
  readonly root: Iox2Root | null;
  writer!: Peer;
  epoch = "";
  readonly seats: Seat[] = [];
  native: Peer | null = null;
  /** The names of those whom RouDi has to clear up after. */
  readonly dead: string[] = [];
  /** Blocks that the writers before the present one committed. */
  ended = 0;
  #head: RingHead | null = null;
  #peers: Peer[] = [];
  #named = 0;

  constructor(cell: Cell) {
    this.cell = cell;
    this.root = isIox2(cell) ? new Iox2Root(this.#folder) : null;
  }

  /** Whether the module starts RouDi. */
  get spawns(): boolean {
    return this.cell.lane.endsWith("+spawn");
  }

  /** Whether blocks travel on a ring. */
  get isRing(): boolean {
    return this.cell.lane.startsWith("ring");
  }

  /** Whether no script of ours is there. */
  get isRaw(): boolean {
    return this.cell.lane === "raw";
  }

  /** Starts a RouDi, unless the module does or none is needed. */
  async startRouDi(): Promise<void> {
    // Its log tells whom it has cleared up after.
    if (!this.spawns && this.root === null) this.roudi = await RouDi.start({ pools: POOLS, logLevel: "debug" });
  }

  /** Starts a peer that waits to be told "open". */
  prepare(role: Role): Peer {
    const { rate, runtime, lane } = this.cell;
    const name = `${role}_${process.pid}_${++this.#named}`;
    const log = join(this.#folder, name);
    // Where the dead were in a tight loop, the others leave them the processors.
    const isTight = rate === 0 && (role !== "survivor" || lane.includes("lossless"));
    const restMs = isTight ? 0 : REST_MS;
    let started;
    if (runtime === "c") {
      started = role === "writer"
        ? startProgram("build/bin/raw_publisher", [STREAM, name, log, String(rate)])
        : startProgram("build/bin/raw_subscriber", [STREAM, name, String(restMs * MILLISECOND_US), "raw"]);
    } else {
      const runtimeOptions = { name, ...this.root?.options ?? { roudi: this.spawns ? "spawn" : "require" } as const };
      const demand: PeerDemand = {
        ...{ stream: STREAM, runtime: runtimeOptions, config: configOf(this.cell), log, rate, restMs },
      };
      const script = `tests/torture/${role === "writer" ? "writer" : "reader"}.ts`;
      started = startScript(script, [JSON.stringify(demand)], { runtime });
    }
    const peer = new Peer(started, name, log);
    this.#peers.push(peer);
    return peer;
  }

  /** Resolves when a peer can be told to open. */
  async ready(peer: Peer): Promise<void> {
    await until([peer], () => peer.all("started").length > 0, `start of ${peer.name}`, START_MS);
  }

  /** Tells a reader to open, and gives it a seat. */
  seat(peer: Peer, mayLose: boolean): Seat {
    const seat = { peer, mayLose, openedAt: this.ended + this.sent(), open: 0, reported: 0 };
    peer.process.writeLine("open");
    this.seats.push(seat);
    return seat;
  }

  /** Takes a writer that has opened for the present one. The one before has ended, and its blocks were counted. */
  employ(writer: Peer): void {
    this.writer = writer;
    this.epoch = writer.all<{ epoch: string }>("open")[0]!.epoch;
    this.#head?.[Symbol.dispose]();
    this.#head = this.isRing ? new RingHead(this.epoch) : null;
  }

  /** Blocks that the present writer has broadcast, as its log says. */
  sent(): number {
    return this.writer === undefined ? 0 : readLog(this.writer.log);
  }

  /** Counts the blocks of the writer that has ended, and resolves to their number. */
  countEnded(): { sent: number; committed: number } {
    const sent = this.sent();
    const committed = this.#head?.committed() ?? sent;
    this.ended += committed;
    return { sent, committed };
  }

  /** Starts a raw subscriber, whose queue the broadcaster then feeds. */
  async attachNative(limitMs: number): Promise<void> {
    const name = `native_${process.pid}_${++this.#named}`;
    const args = [STREAM, name, String(REST_MS * MILLISECOND_US), "foreign"];
    const peer = new Peer(startProgram("build/bin/raw_subscriber", args), name, "");
    this.#peers.push(peer);
    peer.process.writeLine("open");
    await until([peer], () => peer.all("open").length > 0, `start of ${name}`, limitMs);
    this.native = peer;
  }

  /** The processes of RouDi. */
  roudiPids(): readonly number[] {
    return this.roudi === null ? findRouDis() : [this.roudi.pid];
  }

  /** Resolves when RouDi has cleared up after the dead and still registers others: some deaths freeze it in doing so. */
  async settle(limitMs: number): Promise<void> {
    const dead = this.dead.splice(0);
    const { roudi } = this;
    if (dead.length === 0 || this.root !== null) return;
    if (roudi === null) {
      await delay(PATIENCE_MS);
    } else {
      const isRemoved = (name: string): boolean => SAYS_REMOVED.some((say) => roudi.output.includes(say(name)));
      await until([], () => dead.every(isRemoved), `clearing up by RouDi after ${dead}`, limitMs);
    }
    await this.#awaitRegistration(limitMs, `registration at RouDi when it has cleared up after ${dead}`);
  }

  /** Resolves when a stranger is registered. One that asked a hung RouDi waits long after that was replaced, so others are tried. */
  async #awaitRegistration(limitMs: number, what: string): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (performance.now() < deadline) {
      const probe = startProgram("build/bin/raw_probe", [`probe_${process.pid}_${++this.#named}`]);
      try {
        await until([], () => probe.exit !== null, what, PROBE_MS);
        return;
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
      } finally {
        await probe[Symbol.asyncDispose]();
      }
    }
    throw new Failure("freeze", `no ${what} in ${limitMs} ms`);
  }

  /** Forgets a peer that has ended. */
  dismiss(peer: Peer): void {
    this.#peers = this.#peers.filter((one) => one !== peer);
    const index = this.seats.findIndex((seat) => seat.peer === peer);
    if (index >= 0) this.seats.splice(index, 1);
  }

  /** Ends every peer in order: readers before writers. */
  async endPeers(): Promise<void> {
    for (const peer of [...this.#peers].reverse()) {
      await peer.end();
      this.dismiss(peer);
    }
  }

  /** Ends everything at once, RouDi too. */
  async destroy(): Promise<void> {
    this.#head?.[Symbol.dispose]();
    this.#head = null;
    for (const { process } of this.#peers) process.kill("SIGKILL");
    for (const { process } of this.#peers) await process.exited();
    this.#peers = [];
    await this.roudi?.stop();
    await stopAllRouDis();
    this.root?.wipe();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
