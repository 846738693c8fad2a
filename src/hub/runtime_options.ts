// SPDX-License-Identifier: Apache-2.0
import { ConfigError, StackUnknownError } from "../errors.ts";
import type { MemoryHandle } from "../transport/memory_handle.ts";
import type { MemoryOptions } from "../transport/memory_transport.ts";
import { checkName, isPlainText, nameBytes } from "../transport/names.ts";
import { type BroadcastConfig, isConfig } from "./broadcast_config.ts";
import { requireOptions } from "./checks.ts";
import { isGroupName } from "./stream_access.ts";

/** The stacks that a runtime can be opened on. */
export type Stack = "iceoryx" | "iceoryx2" | "memory";

/** How much iceoryx itself prints on stderr. */
export type StackLog = "off" | "error" | "warning" | "info" | "debug";

/** How a runtime is opened. */
export interface RuntimeOptions {
  /** The name of this process at the daemon, unique on the machine; 1 to 100 bytes. Default: one that is unique. */
  readonly name?: string;
  /**
   * The stack; default `iceoryx`. `iceoryx2`: needs no daemon, and of the other options takes only `name`, `root`, `prefix`, `typeName`,
   * `timeoutMs` and `libraryPath`. `memory`: rings in memory of this process, for its Workers alone; it needs no daemon, no native library
   * and no permission, and of the other options takes only `name`, `poolMemoryMb`, `config` and `handle`.
   */
  readonly stack?: Stack;
  /** Of the memory stack: the `handle` of the runtime of another Worker, to share its streams. */
  readonly handle?: MemoryHandle;
  /**
   * Of the iceoryx2 stack: the folder where its processes find each other, an absolute path of at most 128 bytes; all have to name the
   * same. Default: iceoryx2's own, `/tmp/iceoryx2`.
   */
  readonly root?: string;
  /**
   * Of the iceoryx2 stack: what the names of its segments in `/dev/shm` begin with, 1 to 32 letters, digits, `_` and `-`; all have to
   * name the same. Default: iceoryx2's own, `iox2_`.
   */
  readonly prefix?: string;
  /**
   * Of the iceoryx2 stack: what peers call the type of a block, 1 to 255 bytes; a service with another type is refused. Default
   * `ZeroCopyMarketBlock`.
   */
  readonly typeName?: string;
  /** `require`: fail without a healthy RouDi. `spawn`: start one unless there is. Default `require`. */
  readonly roudi?: "require" | "spawn";
  /** Whether a RouDi that was spawned outlives the last process that asked for it. Default false. */
  readonly keepRoudi?: boolean;
  /**
   * Memory for blocks, in MiB, of a RouDi that is spawned: 1 to 65536, default 64. Of the memory stack: the most that its rings may take
   * together, 1 to 4096, default 1024; what is not used is not taken.
   */
  readonly poolMemoryMb?: number;
  /**
   * Of a RouDi that is spawned: the group whose members may read the memory of the queue lane and of announcements, which subscribing
   * takes. To connect they have to be in the group that this process runs under as well. Default: that group. A RouDi that runs
   * already and was not started for the groups asked for is refused with an `OptionsDifferError`.
   */
  readonly readers?: string;
  /** The same of the group whose members may write that memory too, which broadcasting takes. */
  readonly writers?: string;
  /** Its `memoryPoolSizeMb` is the ceiling of `poolMemoryMb`. */
  readonly config?: BroadcastConfig;
  /** How long, in milliseconds, RouDi may take to answer, or a service of iceoryx2 to be made. 1 to 60000; default 1000. */
  readonly timeoutMs?: number;
  /** What iceoryx prints on stderr; default `off`. */
  readonly log?: StackLog;
  /** Where `libqipc.so.1` is, or `libqipc_iox2.so.1` of the iceoryx2 stack; default: it is looked for. */
  readonly libraryPath?: string;
}

/** What is attempted, in messages. */
export const OPEN_ACTION = "open a runtime";
const MEBIBYTE = 1024 * 1024;
/** Of a RouDi that is spawned. */
const DEFAULT_POOL_MEMORY_MB = 64;
const POOL_MEMORY_MB_MAX = 65536;
/** Of the memory stack. */
const DEFAULT_MEMORY_MB = 1024;
const MEMORY_MB_MAX = 4096;
/** What the native library has room for below its own limits of paths and names. */
const ROOT_BYTES_MAX = 128;
const PREFIX = /^[A-Za-z0-9_-]{1,32}$/;
const TYPE_NAME_BYTES_MAX = 255;
const DEFAULT_TYPE_NAME = "ZeroCopyMarketBlock";
const LOG_LEVELS: readonly string[] = ["off", "error", "warning", "info", "debug"] satisfies StackLog[];
const KNOWN_OPTIONS: readonly string[] = [
  "name",
  "stack",
  "handle",
  "root",
  "prefix",
  "typeName",
  "roudi",
  "keepRoudi",
  "poolMemoryMb",
  "readers",
  "writers",
  "config",
  "timeoutMs",
  "log",
  "libraryPath",
] satisfies (keyof RuntimeOptions)[];
const IOX2_OPTIONS: readonly string[] = [
  "name",
  "stack",
  "root",
  "prefix",
  "typeName",
  "timeoutMs",
  "libraryPath",
] satisfies (keyof RuntimeOptions)[];
/** Those that the iceoryx stack has not. */
const ELSEWHERE: readonly string[] = ["handle", "root", "prefix", "typeName"] satisfies (keyof RuntimeOptions)[];
const MEMORY_OPTIONS: readonly string[] = [
  "name",
  "stack",
  "handle",
  "poolMemoryMb",
  "config",
] satisfies (keyof RuntimeOptions)[];

/** Throws unless these are options of a runtime. */
export function requireRuntimeOptions(options: RuntimeOptions): void {
  requireOptions(OPEN_ACTION, options, KNOWN_OPTIONS);
}

/** The stack that the options name. */
export function stackOf(options: RuntimeOptions): Stack {
  const { stack = "iceoryx" } = options;
  if (stack !== "iceoryx" && stack !== "iceoryx2" && stack !== "memory") {
    throw new StackUnknownError(OPEN_ACTION, { value: stack });
  }
  return stack;
}

/** How the memory stack is to be made. */
export function memoryOptions(options: RuntimeOptions): MemoryOptions {
  requireOptionsOf("memory", options, MEMORY_OPTIONS);
  return { name: options.name, bytes: memoryMb(options, DEFAULT_MEMORY_MB, MEMORY_MB_MAX) * MEBIBYTE };
}

/** The lines that the native library of a stack takes. */
export function encodeOptions(stack: Exclude<Stack, "memory">, options: RuntimeOptions): string {
  const lines = stack === "iceoryx" ? iceoryxLines(options) : iceoryx2Lines(options);
  const { name, libraryPath, timeoutMs = 1000 } = options;
  if (!isIntegerIn(timeoutMs, 1, 60_000)) refuse("timeoutMs", timeoutMs, "an integer from 1 to 60000");
  lines.push(`timeout_ms=${timeoutMs}`);
  if (libraryPath !== undefined && typeof libraryPath !== "string") refuse("libraryPath", libraryPath, "a path");
  if (name !== undefined) lines.push(`name=${checkName(OPEN_ACTION, name)}`);
  return lines.join("\n") + "\n";
}

function iceoryx2Lines(options: RuntimeOptions): string[] {
  requireOptionsOf("iceoryx2", options, IOX2_OPTIONS);
  const { root, prefix, typeName = DEFAULT_TYPE_NAME } = options;
  if (!isText(typeName, TYPE_NAME_BYTES_MAX)) {
    refuse("typeName", typeName, `a text of 1 to ${TYPE_NAME_BYTES_MAX} bytes without control characters`);
  }
  const lines = [`type_name=${typeName}`];
  if (root !== undefined) {
    if (!isText(root, ROOT_BYTES_MAX) || !root.startsWith("/")) {
      refuse("root", root, `an absolute path of at most ${ROOT_BYTES_MAX} bytes without control characters`);
    }
    lines.push(`root=${root}`);
  }
  if (prefix !== undefined) {
    if (typeof prefix !== "string" || !PREFIX.test(prefix)) {
      refuse("prefix", prefix, "1 to 32 letters, digits, '_' and '-'");
    }
    lines.push(`prefix=${prefix}`);
  }
  return lines;
}

function isText(value: unknown, bytesMax: number): value is string {
  return typeof value === "string" && value !== "" && isPlainText(value) && nameBytes(value) <= bytesMax;
}

function iceoryxLines(options: RuntimeOptions): string[] {
  requireOptionsOf("iceoryx", options, KNOWN_OPTIONS.filter((name) => !ELSEWHERE.includes(name)));
  const { roudi = "require", keepRoudi = false, log = "off" } = options;
  if (roudi !== "require" && roudi !== "spawn") refuse("roudi", roudi, "require or spawn");
  if (typeof keepRoudi !== "boolean") refuse("keepRoudi", keepRoudi, "true or false");
  if (!LOG_LEVELS.includes(log)) refuse("log", log, `one of ${LOG_LEVELS.join(", ")}`);
  const groups = groupLines(options, roudi);
  const lines = [`daemon=${roudi}`, `log=${log}`];
  if (roudi === "spawn") {
    lines.push(
      `daemon_keep=${keepRoudi ? 1 : 0}`,
      `pool_bytes=${memoryMb(options, DEFAULT_POOL_MEMORY_MB, POOL_MEMORY_MB_MAX) * MEBIBYTE}`,
    );
  }
  return [...lines, ...groups];
}

/** The lines that name groups. They must have their effect, or somebody would trust in a protection that is not there. */
function groupLines(options: RuntimeOptions, roudi: string): string[] {
  const lines: string[] = [];
  for (const name of ["readers", "writers"] as const) {
    const group = options[name];
    if (group === undefined) continue;
    if (!isGroupName(group)) refuse(name, group, "the name of a group: up to 32 letters, digits, '_', '-' and '.'");
    if (roudi !== "spawn") {
      throw new ConfigError(OPEN_ACTION, {
        value: group,
        condition: `${name} is for a RouDi that is spawned`,
        remedy: 'give roudi: "spawn", or set the groups in the configuration of the RouDi that runs',
      });
    }
    lines.push(`access_${name}=${group}`);
  }
  return lines;
}

/** An option that would have no effect on this stack is refused. */
function requireOptionsOf(stack: Stack, options: RuntimeOptions, known: readonly string[]): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name)) continue;
    throw new ConfigError(OPEN_ACTION, {
      value: name,
      condition: `the ${stack} stack has no such option`,
      remedy: `use one of ${known.join(", ")}`,
    });
  }
}

function memoryMb({ config, poolMemoryMb }: RuntimeOptions, standard: number, most: number): number {
  if (config !== undefined && !isConfig(config)) refuse("config", config, "a BroadcastConfig");
  const ceiling = Math.min(config?.memoryPoolSizeMb ?? most, most);
  const given = poolMemoryMb === undefined ? Math.min(standard, ceiling) : poolMemoryMb;
  if (!isIntegerIn(given, 1, ceiling)) refuse("poolMemoryMb", given, `an integer from 1 to ${ceiling}`);
  return given;
}

function isIntegerIn(value: unknown, lowest: number, highest: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= lowest && value <= highest;
}

function refuse(name: string, value: unknown, expected: string): never {
  throw new ConfigError(OPEN_ACTION, {
    value,
    condition: `${name} must be ${expected}`,
    remedy: `give ${name} ${expected}`,
  });
}
