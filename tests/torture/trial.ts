// SPDX-License-Identifier: Apache-2.0
// One trial: what a cell does is done to its victims, fresh processes take their places, and everybody who lives is asked for an account.
import type { Random } from "../support/random.ts";
import { delay } from "../support/wait.ts";
import { judge } from "./accounts.ts";
import type { ReaderStats, WriterStats } from "./demand.ts";
import { Failure } from "./failure.ts";
import { endedAsMeant, inflict, signal } from "./fault.ts";
import { type Peer, until } from "./peer.ts";
import type { Seat, World } from "./world.ts";

/** What came of a trial that nobody froze in. */
export interface TrialResult {
  readonly resumeMs: number;
  uncounted: number;
  broken: number;
  /** The longest time until a runtime knew that RouDi was gone, or had attached to the next one. */
  stateMs: number;
  readonly problems: string[];
}

/** How long a stopped process is stopped. */
const STOP_MS = 5000;
/** The most that is waited before the blow, so that it does not always fall into the same moment. */
const AIM_MS_MAX = 30;
/** Blocks that a writer must have sent since, to count as going on. */
const PROGRESS_BLOCKS = 50;
const LOST_STATE = "detached";
const WELL_STATE = "attached";

/** One trial in a world. */
export class Trial {
  readonly #world: World;
  readonly #limitMs: number;
  #victims: readonly Peer[] = [];
  readonly #result: TrialResult = { resumeMs: 0, uncounted: 0, broken: 0, stateMs: 0, problems: [] };

  constructor(world: World, limitMs: number) {
    this.#world = world;
    this.#limitMs = limitMs;
  }

  /** Runs it with fresh processes that wait to be told "open". */
  async run(fresh: readonly Peer[], random: Random): Promise<TrialResult> {
    for (const peer of fresh) await this.#world.ready(peer);
    await delay(random.integer(0, AIM_MS_MAX));
    const { how, subject } = this.#world.cell;
    const resumeMs = how === "SIGSTOP"
      ? await this.#stop(fresh[0]!)
      : subject === "roudi"
      ? await this.#replaceRouDi(fresh[0]!)
      : subject === "root"
      ? await this.#removeRoot(fresh[0]!)
      : await this.#replace(fresh);
    await this.#account();
    await this.#settle();
    return { ...this.#result, resumeMs };
  }

  get #living(): Peer[] {
    const { writer, seats, native } = this.#world;
    return [writer, ...seats.map(({ peer }) => peer), ...native === null ? [] : [native]].filter((peer) =>
      !this.#victims.includes(peer)
    );
  }

  #until<T>(condition: () => T | undefined | false, what: string, living: readonly Peer[] = this.#living): Promise<T> {
    return until(living, condition, what, this.#limitMs);
  }

  #findVictims(): Peer[] {
    const { cell: { subject }, writer, seats } = this.#world;
    const reader = seats.at(-1)!.peer;
    return { broadcaster: [writer], subscriber: [reader], both: [writer, reader], roudi: [], root: [] }[subject];
  }

  /** Scripts end, and fresh ones take their places. */
  async #replace(fresh: readonly Peer[]): Promise<number> {
    const world = this.#world;
    const { how } = world.cell;
    this.#victims = this.#findVictims();
    const isWriterNew = this.#victims.includes(world.writer);
    const [writer, reader] = isWriterNew ? fresh : [undefined, fresh[0]];
    let began = Date.now();
    for (const victim of this.#victims) inflict(how, victim);
    if (how === "memory") {
      // Their end is what counts, and it takes them a while.
      await this.#awaitEnds();
      began = Date.now();
    }
    writer?.process.writeLine("open");
    const seat = reader === undefined ? undefined : world.seat(reader, false);
    await this.#awaitEnds();
    if (isWriterNew) this.#closeAccount();
    for (const victim of this.#victims) {
      world.dead.push(victim.name);
      world.dismiss(victim);
    }
    this.#victims = [];
    const met: number[] = [];
    if (writer !== undefined) met.push(await this.#employ(writer));
    if (seat !== undefined) met.push(await this.#firstBlock(seat));
    return Math.max(...met) - began;
  }

  async #awaitEnds(): Promise<void> {
    const { how } = this.#world.cell;
    for (const victim of this.#victims) {
      await this.#until(() => !victim.isAlive, `end of the victim ${victim.name}`);
      if (!endedAsMeant(how, victim)) throw new Failure("abort", `the victim ended in another way: ${victim.report()}`);
    }
  }

  /** Counts what the writer that has ended left, and compares its log with its ring. */
  #closeAccount(): void {
    const { sent, committed } = this.#world.countEnded();
    // It may have been ended between the commit and the log.
    if (committed !== sent && committed !== sent + 1) {
      this.#result.broken++;
      this.#result.problems.push(`the writer's log has ${sent} blocks, its ring ${committed}`);
    }
  }

  /** Takes the fresh writer for the writer; resolves to when the survivor met its first block. */
  async #employ(writer: Peer): Promise<number> {
    const world = this.#world;
    const survivors = world.seats.map(({ peer }) => peer);
    await this.#until(() => writer.all("open").length > 0, `opening of ${writer.name}`, [writer, ...survivors]);
    world.employ(writer);
    return await this.#meeting(world.seats[0]!.peer);
  }

  async #firstBlock({ peer }: Seat): Promise<number> {
    return (await this.#until(() => peer.all<{ timeMs: number }>("epoch")[0], `first block at ${peer.name}`)).timeMs;
  }

  /** When a reader met the first block of the present writer. */
  async #meeting(reader: Peer): Promise<number> {
    const { epoch } = this.#world;
    const met = (): { timeMs: number } | undefined =>
      reader.all<{ epoch: string; timeMs: number }>("epoch").findLast((said) => said.epoch === epoch);
    return (await this.#until(met, `block of the fresh writer at ${reader.name}`)).timeMs;
  }

  /** RouDi ends and is started again, and a fresh reader must find the writer that went on all the time. */
  async #replaceRouDi(fresh: Peer): Promise<number> {
    const world = this.#world;
    let began = Date.now();
    for (const pid of world.roudiPids()) signal(pid, world.cell.how === "SIGTERM" ? "SIGTERM" : "SIGKILL");
    if (!world.spawns) {
      await this.#until(() => !world.roudi!.isRunning, "end of RouDi", []);
      began = Date.now();
      await this.#awaitState(LOST_STATE, began);
      // One that is ended in order takes its memory along; then the queue lane waits for the next one.
      if (world.isRing || world.cell.how !== "SIGTERM") await this.#account();
      await world.startRouDi();
      began = Date.now();
    }
    const seat = world.seat(fresh, false);
    const met = await this.#firstBlock(seat);
    await this.#awaitState(WELL_STATE, began);
    return await this.#leave(seat, met - began);
  }

  /** The folders of iceoryx2 are removed, and a fresh reader must find the writer that went on all the time. */
  async #removeRoot(fresh: Peer): Promise<number> {
    const world = this.#world;
    const before = new Map<Peer, number>();
    for (const peer of this.#living) before.set(peer, (await this.#told(peer)).length);
    const began = Date.now();
    if (world.cell.how === "wiped") world.root!.wipe();
    else world.root!.remove();
    const seat = world.seat(fresh, false);
    const met = await this.#firstBlock(seat);
    for (const [peer, changes] of before) {
      const wanted = [LOST_STATE, WELL_STATE].join();
      while ((await this.#told(peer)).slice(changes).join() !== wanted) {
        if (Date.now() - began < this.#limitMs) continue;
        this.#result.broken++;
        this.#result.problems.push(`${peer.name} told ${(await this.#told(peer)).slice(changes)}, and not ${wanted}`);
        break;
      }
    }
    this.#result.stateMs = Date.now() - began;
    return await this.#leave(seat, met - began);
  }

  async #told(peer: Peer): Promise<readonly string[]> {
    return (await peer.ask<WriterStats>("stats", this.#limitMs)).told!;
  }

  /** The victims stand still and go on, and a fresh reader must find the writer. */
  async #stop(fresh: Peer): Promise<number> {
    const world = this.#world;
    const victims = this.#findVictims();
    const pids = world.cell.subject === "roudi" ? world.roudiPids() : victims.map(({ process }) => process.pid);
    world.dead.push(...victims.map(({ name }) => name));
    for (const seat of world.seats) if (victims.includes(seat.peer)) seat.mayLose = true;
    for (const pid of pids) signal(pid, "SIGSTOP");
    await delay(STOP_MS);
    const before = world.sent();
    if (!victims.includes(world.writer)) await this.#progress("while somebody was stopped", before);
    const began = Date.now();
    for (const pid of pids) signal(pid, "SIGCONT");
    const sent = world.sent();
    const seat = world.seat(fresh, false);
    const met = await this.#firstBlock(seat);
    // On the queue lane RouDi may have taken ports away. Who makes his anew when the last block was sent never hears of it.
    for (const { peer } of world.seats) await this.#hasRead(peer, sent);
    return await this.#leave(seat, met - began);
  }

  /** Lets a reader that came for one look give its account, and end. */
  async #leave(seat: Seat, resumeMs: number): Promise<number> {
    await this.#account();
    await seat.peer.end();
    this.#world.dismiss(seat.peer);
    return resumeMs;
  }

  /** Waits until the runtimes of all who live are in a state. Raw iceoryx has none. */
  async #awaitState(state: string, began: number): Promise<void> {
    if (this.#world.isRaw) return;
    for (const peer of this.#living) {
      while ((await peer.ask<WriterStats>("stats", this.#limitMs)).state !== state) {
        if (Date.now() - began < this.#limitMs) continue;
        this.#result.broken++;
        this.#result.problems.push(`${peer.name} is not ${state} after ${this.#limitMs} ms`);
        return;
      }
      this.#result.stateMs = Math.max(this.#result.stateMs, Date.now() - began);
    }
  }

  #progress(when: string, since: number): Promise<boolean> {
    const isGoingOn = (): boolean => this.#world.sent() >= since + PROGRESS_BLOCKS;
    return this.#until(isGoingOn, `progress of the writer ${when}`);
  }

  /** Stops the writer for a moment, lets everybody read all there is, and compares. */
  async #account(): Promise<void> {
    const world = this.#world;
    await this.#progress("after the fault", world.sent());
    const { sent } = await world.writer.ask<WriterStats>("pause", this.#limitMs);
    const isLossless = world.cell.lane.includes("lossless");
    for (const seat of world.seats) {
      const stats = await this.#hasRead(seat.peer, sent - 1);
      const facts = { isRing: world.isRing, isLossless, total: world.ended + sent, ended: world.ended };
      const { uncounted, broken } = judge(seat, stats, facts);
      this.#result.uncounted += uncounted;
      this.#result.broken += broken;
      if (uncounted + broken === 0) continue;
      const account = JSON.stringify({ ...stats, ...facts, seat: { ...seat, peer: seat.peer.name } });
      this.#result.problems.push(`uncounted ${uncounted}, broken ${broken}: ${account}`);
    }
    const { native } = world;
    if (native !== null) await native.ask<ReaderStats>("stats", this.#limitMs);
    await world.writer.ask("go", this.#limitMs);
  }

  /** What a reader says when it has come to a block. */
  async #hasRead(reader: Peer, block: number): Promise<ReaderStats> {
    const { epoch } = this.#world;
    const deadline = performance.now() + this.#limitMs;
    while (true) {
      const stats = await reader.ask<ReaderStats>("stats", this.#limitMs);
      if (stats.runs.some((run) => run.epoch === epoch && run.last >= block)) return stats;
      if (performance.now() > deadline) {
        throw new Failure("freeze", `block ${block} of ${epoch} never came: ${reader.report()}`);
      }
    }
  }

  /** On the queue lane what a death does to RouDi shows when it clears up after the dead. */
  async #settle(): Promise<void> {
    const { isRing, cell: { lane, subject }, roudi } = this.#world;
    if (roudi !== null && !roudi.isRunning) throw new Failure("abort", `RouDi ended: ${roudi.output}`);
    const usesPorts = !isRing || lane.endsWith("+native");
    if (usesPorts && subject !== "roudi") await this.#world.settle(this.#limitMs);
  }
}
