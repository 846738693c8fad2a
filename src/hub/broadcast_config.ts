// SPDX-License-Identifier: Apache-2.0
import { ArgumentError, ConfigError } from "../errors.ts";
import { checkAccess, type StreamAccess } from "./stream_access.ts";
import { isPlainText, NAME_BYTES_MAX, nameBytes } from "../transport/names.ts";

/** How a subscriber waits for data; see {@linkcode BroadcastConfigFields.wait}. */
export type WaitStrategy = "spin" | "yield" | "backoff" | "park";

/** What happens when a subscriber is slower than its broadcaster; see {@linkcode BroadcastConfigFields.delivery}. */
export type Delivery = "lossy" | "lossless";

/** Which lane a subscriber takes; see {@linkcode BroadcastConfigFields.lane}. */
export type LaneChoice = "auto" | "ring" | "queue";

/** How blocks of a lossy ring are read; see {@linkcode BroadcastConfigFields.read}. */
export type ReadMode = "stable" | "in-place";

/** Whether a broadcaster serves the queue lane beside its ring; see {@linkcode BroadcastConfigFields.queueLane}. */
export type QueueLane = "auto" | "on" | "off";

/** The fields of a {@linkcode BroadcastConfig}. */
export interface BroadcastConfigFields {
  /** The service that the stream belongs to, the first part of its name. 1 to 100 bytes; default `QAULTRA`. */
  readonly serviceName: string;
  /** The most subscribers of one stream in one Worker; the next one is refused. 1 to 65536; default 1000. */
  readonly maxSubscribers: number;
  /** The most records that one `broadcastBatch` takes. 1 to 1000000; default 10000. */
  readonly batchSize: number;
  /**
   * Slots of a broadcaster's ring, of 8 KiB each, rounded up to a power of two; `history` cannot be more. As many blocks can wait
   * for a subscriber before it loses the oldest, or, lossless, before the broadcaster gets no room. 16 to 65536; default 500.
   */
  readonly bufferDepth: number;
  /**
   * The most memory, in MiB, that a ring may take, and, when the configuration is given to `Runtime.open`, that a daemon that is
   * started for this program may take for blocks. A ceiling: nothing is taken for it. 1 to 65536; default 1024.
   */
  readonly memoryPoolSizeMb: number;
  /**
   * On the queue lane: blocks that may wait for a subscriber before it loses the oldest, or, lossless, before the broadcaster gets
   * no room. 1 to 65536; default 1000. The lane has 256 at the most; `subscriber.queueCapacity` tells what is in force. On a
   * ring it is the `bufferDepth` of the broadcaster that counts.
   */
  readonly queueCapacity: number;
  /**
   * Of a subscriber: blocks of the past to begin with, or "all" for as many as are still there. Of a broadcaster, on the queue lane
   * alone: blocks kept for late subscribers. 0 to `bufferDepth`; default 0. A ring keeps the past at no cost, up to its size less
   * an eighth. The queue lane keeps 16 at the most, at about the cost of publishing; `broadcaster.historyDepth` tells what is in
   * force.
   */
  readonly history: number | "all";
  /**
   * After how long without a sign of life, in milliseconds, `subscriber.state` calls the writer of a ring stale (200 ms at least), and
   * how old its answer about the queue lane may be. 1 to 60000; default 1000.
   */
  readonly heartbeatIntervalMs: number;
  /**
   * Of a lossless broadcaster: after how long without a sign of life, in milliseconds, a subscriber that leaves no room in the ring
   * is dropped, so that a stopped process does not stop the feed. It counts that, and goes on with what is still there.
   * 1 to 60000; default 1000.
   */
  readonly readerTimeoutMs: number;
  /**
   * How often, in milliseconds, a parked subscriber looks at a ring of another user whose reader table it may not write, so that
   * nobody can wake it. 1 to 1000; default 1.
   */
  readonly pollIntervalMs: number;
  /**
   * Of a broadcaster: whether each block has a CRC-32C, which every subscriber verifies when it receives the block, whatever its own
   * configuration says. What does not match is not handed out, and counts as `corruptBlocks`. A block takes 8136 data bytes then.
   * Default false.
   */
  readonly checksum: boolean;
  /** Whether latencies are measured; costs a clock reading a block. Default false. */
  readonly statsEnabled: boolean;
  /** The CPU that the thread which makes the broadcaster or subscriber is pinned to, or null. 0 to 1023; default null. */
  readonly cpuAffinity: number | null;
  /**
   * Whether block memory is bound to the NUMA node of the thread that makes the broadcaster: its ring, or, of a broadcaster on the
   * queue lane alone, the pools of the daemon, for every process, until the daemon ends. Default false.
   */
  readonly numaAware: boolean;
  /**
   * `lossy`: a slow subscriber loses its oldest blocks, counted, and nobody waits. `lossless`: a broadcaster gets no room until every
   * subscriber of its ring, and every lossless one of the queue lane, has read. A subscriber that is to be lossless is refused
   * where a broadcaster is lossy. Default `lossy`.
   */
  readonly delivery: Delivery;
  /**
   * `auto`: a broadcaster offers a ring, and subscribers take rings where there are any and the queue lane where there is none.
   * `ring`: subscribers take nothing but rings. `queue`: both ends use the queue lane alone. Default `auto`.
   */
  readonly lane: LaneChoice;
  /**
   * Of a broadcaster with a ring: whether native subscribers of the queue lane, such as QAULTRA C++ processes, get its blocks too
   * while there are any (`on`), or never (`off`): then no kill of such a process can hold it up. `auto` is `on`, but `off` with an
   * `access`, which the queue lane does not keep to: there everybody reads whom the daemon lets. Default `auto`.
   */
  readonly queueLane: QueueLane;
  /**
   * Of a broadcaster with a ring: which other users may read it; null: `{ mode: 0o660 }`, its user and the group that it runs under.
   * On the memory stack, where no other process is, it says nothing. Default null.
   */
  readonly access: StreamAccess | null;
  /**
   * How a subscriber reads a lossy ring. `stable`: what is handed out cannot change; it is a copy of what the block uses, made once
   * for all subscribers of a Worker. `in-place`: no copy; the writer may overwrite a block that is being read, and `block.intact`
   * tells whether it did. Lossless rings and the queue lane are stable in place. Default `stable`.
   */
  readonly read: ReadMode;
  /**
   * How `for await` and `waitSync` wait. `spin` looks all the time and has the lowest latency; `yield` looks all the time
   * but lets other threads run between; `backoff` spins for some microseconds, then parks; `park` sleeps at once.
   * Default `backoff`.
   */
  readonly wait: WaitStrategy;
  /** How long, in milliseconds, a record may wait in a `RecordWriter` for its block to fill. 0 to 60000; default 10. */
  readonly flushAfterMs: number;
}

/** Limits of the number fields, with their defaults: [lowest, highest, default]. */
const NUMBERS = {
  maxSubscribers: [1, 65536, 1000],
  batchSize: [1, 1_000_000, 10_000],
  bufferDepth: [16, 65536, 500],
  memoryPoolSizeMb: [1, 65536, 1024],
  queueCapacity: [1, 65536, 1000],
  heartbeatIntervalMs: [1, 60_000, 1000],
  readerTimeoutMs: [1, 60_000, 1000],
  pollIntervalMs: [1, 1000, 1],
  flushAfterMs: [0, 60_000, 10],
} as const satisfies Partial<Record<keyof BroadcastConfigFields, readonly [number, number, number]>>;

const CHOICES = {
  delivery: ["lossy", "lossless"],
  lane: ["auto", "ring", "queue"],
  queueLane: ["auto", "on", "off"],
  read: ["stable", "in-place"],
  wait: ["backoff", "spin", "yield", "park"],
} as const satisfies Partial<Record<keyof BroadcastConfigFields, readonly string[]>>;

const DEFAULT_CHOICES = {
  delivery: "lossy",
  lane: "auto",
  queueLane: "auto",
  read: "stable",
  wait: "backoff",
} as const;
const CPU_MAX = 1023;
const ACTION = "make a configuration";

type NumberField = keyof typeof NUMBERS;
type ChoiceField = keyof typeof CHOICES;

let isChecked: (value: object) => boolean;

/**
 * The settings of broadcasters and subscribers: immutable, checked when made. Every field has an effect.
 *
 * @example Starting from a preset
 * ```ts
 * import { BroadcastConfig } from "@qaultra/ipc";
 *
 * const config = BroadcastConfig.lowLatency().with({ statsEnabled: true });
 * console.log(config.queueCapacity); // 200
 * ```
 */
export class BroadcastConfig implements BroadcastConfigFields {
  /** The service that the stream belongs to. See {@linkcode BroadcastConfigFields}. */
  readonly serviceName: string;
  /** The most subscribers of one stream in one Worker. See {@linkcode BroadcastConfigFields}. */
  readonly maxSubscribers: number;
  /** The most records of one `broadcastBatch`. See {@linkcode BroadcastConfigFields}. */
  readonly batchSize: number;
  /** Slots of a ring. See {@linkcode BroadcastConfigFields}. */
  readonly bufferDepth: number;
  /** The ceiling, in MiB, of a ring and of the pools of a daemon that is started. See {@linkcode BroadcastConfigFields}. */
  readonly memoryPoolSizeMb: number;
  /** Blocks that may wait for a subscriber. See {@linkcode BroadcastConfigFields}. */
  readonly queueCapacity: number;
  /** Blocks of the past to begin with. See {@linkcode BroadcastConfigFields}. */
  readonly history: number | "all";
  /** When a writer is called stale, in milliseconds. See {@linkcode BroadcastConfigFields}. */
  readonly heartbeatIntervalMs: number;
  /** When a silent subscriber of a lossless ring is dropped, in milliseconds. See {@linkcode BroadcastConfigFields}. */
  readonly readerTimeoutMs: number;
  /** How often to look where nobody wakes, in milliseconds. See {@linkcode BroadcastConfigFields}. */
  readonly pollIntervalMs: number;
  /** Whether each block has a checksum. See {@linkcode BroadcastConfigFields}. */
  readonly checksum: boolean;
  /** Whether latencies are measured. See {@linkcode BroadcastConfigFields}. */
  readonly statsEnabled: boolean;
  /** The CPU to pin the thread to, or null. See {@linkcode BroadcastConfigFields}. */
  readonly cpuAffinity: number | null;
  /** Whether block memory is bound to the NUMA node of the thread. See {@linkcode BroadcastConfigFields}. */
  readonly numaAware: boolean;
  /** Whether slow subscribers lose blocks or broadcasters wait. See {@linkcode BroadcastConfigFields}. */
  readonly delivery: Delivery;
  /** The lane that subscribers take. See {@linkcode BroadcastConfigFields}. */
  readonly lane: LaneChoice;
  /** Whether a ring's blocks go to the queue lane too. See {@linkcode BroadcastConfigFields}. */
  readonly queueLane: QueueLane;
  /** Which other users may read the ring, or null. See {@linkcode BroadcastConfigFields}. */
  readonly access: StreamAccess | null;
  /** How subscribers read a lossy ring. See {@linkcode BroadcastConfigFields}. */
  readonly read: ReadMode;
  /** How subscribers wait. See {@linkcode BroadcastConfigFields}. */
  readonly wait: WaitStrategy;
  /** How long a record may wait for its block to fill, in milliseconds. See {@linkcode BroadcastConfigFields}. */
  readonly flushAfterMs: number;
  /** What was made by the constructor has been checked. */
  readonly #checked = true;

  static {
    isChecked = (value) => #checked in value;
  }

  /**
   * Makes a configuration.
   *
   * @param fields The fields that differ from the defaults.
   * @throws {ConfigError} When a field is unknown or out of its range.
   */
  constructor(fields: Partial<BroadcastConfigFields> = {}) {
    requireObject(fields);
    this.serviceName = text(fields);
    this.maxSubscribers = integer(fields, "maxSubscribers");
    this.batchSize = integer(fields, "batchSize");
    this.bufferDepth = integer(fields, "bufferDepth");
    this.memoryPoolSizeMb = integer(fields, "memoryPoolSizeMb");
    this.queueCapacity = integer(fields, "queueCapacity");
    this.history = past(fields, this.bufferDepth);
    this.heartbeatIntervalMs = integer(fields, "heartbeatIntervalMs");
    this.readerTimeoutMs = integer(fields, "readerTimeoutMs");
    this.pollIntervalMs = integer(fields, "pollIntervalMs");
    this.checksum = flag(fields, "checksum");
    this.statsEnabled = flag(fields, "statsEnabled");
    this.cpuAffinity = cpu(fields);
    this.numaAware = flag(fields, "numaAware");
    this.delivery = choice(fields, "delivery") as Delivery;
    this.lane = choice(fields, "lane") as LaneChoice;
    this.access = accessOf(fields, this.lane);
    this.queueLane = choice(fields, "queueLane") as QueueLane;
    this.read = choice(fields, "read") as ReadMode;
    this.wait = choice(fields, "wait") as WaitStrategy;
    this.flushAfterMs = integer(fields, "flushAfterMs");
    for (const name of Object.keys(fields)) {
      if (!Object.hasOwn(this, name)) {
        throw new ConfigError(ACTION, {
          value: name,
          condition: "there is no such field",
          remedy: `use one of ${Object.keys(this).join(", ")}`,
        });
      }
    }
    Object.freeze(this);
  }

  /** Few subscribers and a small ring: 100 subscribers, 128 slots, 200 queued, batches of 1000, 512 MiB. */
  static lowLatency(): BroadcastConfig {
    return new BroadcastConfig({
      maxSubscribers: 100,
      batchSize: 1000,
      bufferDepth: 100,
      memoryPoolSizeMb: 512,
      queueCapacity: 200,
    });
  }

  /** Large batches: 1500 subscribers, 1024 slots, 2000 queued, batches of 20000, 2048 MiB. */
  static highPerformance(): BroadcastConfig {
    return new BroadcastConfig({
      maxSubscribers: 1500,
      batchSize: 20_000,
      bufferDepth: 1000,
      memoryPoolSizeMb: 2048,
      queueCapacity: 2000,
    });
  }

  /** Many subscribers: 2000 of them, 2048 slots, 5000 queued, batches of 50000, 4096 MiB. */
  static massiveScale(): BroadcastConfig {
    return new BroadcastConfig({
      maxSubscribers: 2000,
      batchSize: 50_000,
      bufferDepth: 2000,
      memoryPoolSizeMb: 4096,
      queueCapacity: 5000,
    });
  }

  /** Slots of a ring with this configuration: `bufferDepth`, rounded up to a power of two. */
  get ringCapacity(): number {
    return 2 ** Math.ceil(Math.log2(this.bufferDepth));
  }

  /**
   * A copy with some fields changed.
   *
   * @param fields The fields to change; one that is undefined stays.
   * @returns The new configuration; this one stays as it is.
   * @throws {ConfigError} When a field is unknown or out of its range.
   */
  with(fields: Partial<BroadcastConfigFields>): BroadcastConfig {
    requireObject(fields);
    const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
    return new BroadcastConfig({ ...this, ...given });
  }
}

/** Whether a value is a configuration, and not only an object that looks like one. */
export function isConfig(value: unknown): value is BroadcastConfig {
  return typeof value === "object" && value !== null && isChecked(value);
}

function requireObject(fields: unknown): void {
  if (typeof fields === "object" && fields !== null) return;
  throw new ArgumentError(ACTION, { value: fields, condition: "the fields must be an object" });
}

function refuse(name: string, value: unknown, expected: string): never {
  throw new ConfigError(ACTION, {
    value,
    condition: `${name} must be ${expected}`,
    remedy: `give ${name} ${expected}`,
  });
}

function integer(fields: Partial<BroadcastConfigFields>, name: NumberField): number {
  const [lowest, highest, standard] = NUMBERS[name];
  const value: unknown = fields[name];
  if (value === undefined) return standard;
  if (typeof value === "number" && Number.isInteger(value) && value >= lowest && value <= highest) return value;
  return refuse(name, value, `an integer from ${lowest} to ${highest}`);
}

function flag(fields: Partial<BroadcastConfigFields>, name: "checksum" | "statsEnabled" | "numaAware"): boolean {
  const value: unknown = fields[name];
  if (value === undefined) return false;
  return typeof value === "boolean" ? value : refuse(name, value, "true or false");
}

function choice(fields: Partial<BroadcastConfigFields>, name: ChoiceField): string {
  const value: unknown = fields[name];
  if (value === undefined) return DEFAULT_CHOICES[name];
  const choices: readonly string[] = CHOICES[name];
  if (typeof value === "string" && choices.includes(value)) return value;
  return refuse(name, value, `one of ${choices.join(", ")}`);
}

function past(fields: Partial<BroadcastConfigFields>, bufferDepth: number): number | "all" {
  const value: unknown = fields.history;
  if (value === undefined) return 0;
  if (value === "all") return value;
  const isCount = typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= bufferDepth;
  return isCount ? value : refuse("history", value, `an integer from 0 to bufferDepth, ${bufferDepth}, or "all"`);
}

function accessOf(fields: Partial<BroadcastConfigFields>, lane: LaneChoice): StreamAccess | null {
  if (fields.access === undefined || fields.access === null) return null;
  if (lane === "queue") {
    throw new ConfigError(ACTION, {
      value: lane,
      condition: 'access is kept by rings, and lane: "queue" makes none',
      remedy: 'leave lane out, or give the daemon groups: Runtime.open({ roudi: "spawn", readers, writers })',
    });
  }
  return checkAccess(ACTION, fields.access);
}

function cpu(fields: Partial<BroadcastConfigFields>): number | null {
  const value: unknown = fields.cpuAffinity;
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= CPU_MAX) return value;
  return refuse("cpuAffinity", value, `an integer from 0 to ${CPU_MAX}, or null`);
}

function text(fields: Partial<BroadcastConfigFields>): string {
  const value: unknown = fields.serviceName;
  if (value === undefined) return "QAULTRA";
  const valid = typeof value === "string" && isPlainText(value) && value !== "" && nameBytes(value) <= NAME_BYTES_MAX;
  if (valid) return value;
  return refuse("serviceName", value, `a name of 1 to ${NAME_BYTES_MAX} bytes without control characters`);
}
