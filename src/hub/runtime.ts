// SPDX-License-Identifier: Apache-2.0
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import {
  ArgumentError,
  ConfigError,
  DaemonAbsentError,
  DaemonHungError,
  NameInUseError,
  RuntimeClosedError,
  RuntimeNotOpenError,
  StackUnknownError,
} from "../errors.ts";
import { DATA_EVENT } from "../queue/queue_name.ts";
import { QueuePorts } from "../queue/queue_ports.ts";
import { WindowTable } from "../queue/window_table.ts";
import { checkName } from "../transport/names.ts";
import { NativeTransport } from "../transport/native_transport.ts";
import { disconnectProcess } from "../transport/process.ts";
import type { Transport } from "../transport/transport.ts";
import { BroadcastConfig } from "./broadcast_config.ts";
import { requireOptions } from "./checks.ts";
import { closeAll } from "./close_all.ts";

/** `attached`: connected. `detached`: the daemon is gone; what is shared stays readable. `closed`: by this script. */
export type RuntimeState = "attached" | "detached" | "closed";

/** The stacks that a runtime can be opened on. */
export type Stack = "iceoryx";

/** How much iceoryx itself prints on stderr. */
export type StackLog = "off" | "error" | "warning" | "info" | "debug";

/** How a runtime is opened. */
export interface RuntimeOptions {
  /** The name of this process at the daemon, unique on the machine; 1 to 100 bytes. Default: one that is unique. */
  readonly name?: string;
  /** The stack; default `iceoryx`. */
  readonly stack?: Stack;
  /** `require`: fail without a healthy RouDi. `spawn`: start one unless there is. Default `require`. */
  readonly roudi?: "require" | "spawn";
  /** Whether a RouDi that was spawned outlives the last process that asked for it. Default false. */
  readonly keepRoudi?: boolean;
  /** Memory for blocks, in MiB, of a RouDi that is spawned. 1 to 65536; default 64. */
  readonly poolMemoryMb?: number;
  /** Its `memoryPoolSizeMb` is the ceiling of `poolMemoryMb`. */
  readonly config?: BroadcastConfig;
  /** How long, in milliseconds, RouDi may take to answer. 1 to 60000; default 1000. */
  readonly timeoutMs?: number;
  /** What iceoryx prints on stderr; default `off`. */
  readonly log?: StackLog;
  /** Where `libqipc.so.1` is; default: it is looked for. */
  readonly libraryPath?: string;
}

/** A stream that somebody broadcasts or subscribes to. */
export interface StreamInfo {
  /** The service that the stream belongs to. */
  readonly service: string;
  /** The name of the stream. */
  readonly stream: string;
  /** The lanes that it is offered on or asked for. */
  readonly lanes: readonly "queue"[];
  /** Broadcasters of the stream, of all processes. */
  readonly broadcasters: number;
  /** Ports that subscribe to it, of all processes: one for each Worker of ours, however many subscribers share it. */
  readonly subscribers: number;
}

/** What a runtime closes when it is closed itself. */
export interface RuntimeResource {
  readonly closed: boolean;
  close(): void;
}

const ACTION = "open a runtime";
const MEBIBYTE = 1024 * 1024;
const DEFAULT_POOL_MEMORY_MB = 64;
const LOG_LEVELS: readonly string[] = ["off", "error", "warning", "info", "debug"] satisfies StackLog[];
const KNOWN_OPTIONS: readonly string[] = [
  "name",
  "stack",
  "roudi",
  "keepRoudi",
  "poolMemoryMb",
  "config",
  "timeoutMs",
  "log",
  "libraryPath",
] satisfies (keyof RuntimeOptions)[];

/** Whether this thread's end is that of the process. Some Web Workers take themselves for the main thread. */
const ownsProcess = isMainThread && !("WorkerGlobalScope" in globalThis);
let exitHooked = false;

/**
 * The connection of this process to its stack.
 *
 * One process has one, shared by its Workers: opening it again with equal options gives one more handle, and the last
 * handle that is closed disconnects. The first one that a Worker opened is the default of the classes made there.
 *
 * @example Connecting, and starting RouDi when there is none
 * ```ts
 * import { Runtime } from "@qaultra/ipc";
 *
 * using runtime = Runtime.open({ roudi: "spawn" });
 * console.log(runtime.name, runtime.state); // ... attached
 * ```
 */
export class Runtime {
  /** The open ones of this Worker, oldest first. */
  static readonly #opened: Runtime[] = [];

  readonly #transport: Transport;
  readonly #resources = new Set<RuntimeResource>();
  readonly #windows: WindowTable;
  readonly #ports: QueuePorts;

  private constructor(transport: Transport) {
    this.#transport = transport;
    this.#windows = new WindowTable(transport);
    this.#ports = new QueuePorts(transport, this.#windows);
  }

  /**
   * Connects this process, or counts one more handle when it is connected with equal options.
   *
   * @param options How.
   * @returns The runtime; close it, or declare it with `using`.
   * @throws {DaemonAbsentError} When `roudi` is `require` and none answers within `timeoutMs`.
   * @throws {DaemonHungError} When there is a RouDi that does not answer.
   * @throws {NameInUseError} When another process runs under this name.
   * @throws {OptionsDifferError} When this process is connected with other options.
   * @throws {SharedMemoryTooSmallError} When `/dev/shm` has no room for a RouDi to be spawned.
   * @throws {LibraryNotFoundError} When the native library is not installed.
   * @throws {PermissionError} When Deno runs without `--allow-ffi`.
   * @throws {ConfigError} When an option is unknown or out of its range.
   */
  static open(options: RuntimeOptions = {}): Runtime {
    const lines = encodeOptions(options);
    const runtime = new Runtime(new NativeTransport("iceoryx", lines, options.libraryPath));
    Runtime.#opened.push(runtime);
    if (ownsProcess && !exitHooked) {
      // Bun ends without the library's own exit handler in some ways out, and RouDi would keep the ports for 1.5 s.
      exitHooked = true;
      process.on("exit", disconnectProcess);
    }
    return runtime;
  }

  /**
   * Opens a runtime under a name, as QAULTRA C++ does: `DataBroadcaster.initializeRuntime` calls it.
   *
   * @param name The name of this process.
   * @returns Whether it is open; false when no daemon answers or the name is in use.
   */
  static initialize(name: string): boolean {
    try {
      Runtime.open({ name });
      return true;
    } catch (error) {
      const expected = error instanceof DaemonAbsentError || error instanceof DaemonHungError ||
        error instanceof NameInUseError;
      if (expected) return false;
      throw error;
    }
  }

  /**
   * The first open runtime of this Worker.
   *
   * @throws {RuntimeNotOpenError} When there is none.
   */
  static get default(): Runtime {
    const first = Runtime.#opened[0];
    if (first === undefined) throw new RuntimeNotOpenError("use the default runtime");
    return first;
  }

  /** The name of this process at the daemon. */
  get name(): string {
    return this.#transport.name;
  }

  /** The stack that it was opened on. */
  get stack(): Stack {
    return this.#transport.stack as Stack;
  }

  /** Whether the connection stands; costs a few system calls. */
  get state(): RuntimeState {
    return this.#transport.state;
  }

  /**
   * The streams that somebody broadcasts or subscribes to, of all processes. A look at the daemon's tables: not for a hot path.
   *
   * @returns One entry a stream.
   * @throws {RuntimeClosedError} After close.
   */
  streams(): StreamInfo[] {
    return this.#transport.ports()
      .filter((port) => port.event === DATA_EVENT)
      .map(({ service, stream, publishers, subscribers }) => ({
        service,
        stream,
        lanes: ["queue"],
        broadcasters: publishers,
        subscribers,
      }));
  }

  /** Closes what was made with this runtime, then this handle. Views over blocks become empty. Doing it again does nothing. */
  close(): void {
    const index = Runtime.#opened.indexOf(this);
    if (index < 0) return;
    Runtime.#opened.splice(index, 1);
    try {
      closeAll([...this.#resources]);
    } finally {
      this.#windows.detach();
      this.#transport.close();
    }
  }

  /** The same as {@linkcode Runtime.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * For the classes of this folder: what to open ports with.
   *
   * @internal
   */
  connection(action: string): RuntimeConnection {
    if (this.#transport.state === "closed") throw new RuntimeClosedError(action);
    return { transport: this.#transport, windows: this.#windows, ports: this.#ports, resources: this.#resources };
  }
}

/** The runtime that the options name, or the default one. */
export function runtimeOf(action: string, runtime: unknown): Runtime {
  if (runtime === undefined) return Runtime.default;
  if (runtime instanceof Runtime) return runtime;
  throw new ArgumentError(action, { value: runtime, condition: "the runtime must be a Runtime" });
}

/** What the hub's classes need of a runtime. */
export interface RuntimeConnection {
  readonly transport: Transport;
  readonly windows: WindowTable;
  readonly ports: QueuePorts;
  readonly resources: Set<RuntimeResource>;
}

function encodeOptions(options: RuntimeOptions): string {
  requireOptions(ACTION, options, KNOWN_OPTIONS);
  const { name, stack = "iceoryx", roudi = "require", keepRoudi = false, log = "off", timeoutMs = 1000 } = options;
  if (stack !== "iceoryx") throw new StackUnknownError(ACTION, { value: stack });
  if (roudi !== "require" && roudi !== "spawn") refuse("roudi", roudi, "require or spawn");
  if (typeof keepRoudi !== "boolean") refuse("keepRoudi", keepRoudi, "true or false");
  if (!LOG_LEVELS.includes(log)) refuse("log", log, `one of ${LOG_LEVELS.join(", ")}`);
  if (!isIntegerIn(timeoutMs, 1, 60_000)) refuse("timeoutMs", timeoutMs, "an integer from 1 to 60000");
  if (options.libraryPath !== undefined && typeof options.libraryPath !== "string") {
    refuse("libraryPath", options.libraryPath, "a path");
  }
  const lines = [`daemon=${roudi}`, `timeout_ms=${timeoutMs}`, `log=${log}`];
  if (name !== undefined) lines.push(`name=${checkName(ACTION, name)}`);
  if (roudi === "spawn") {
    lines.push(`daemon_keep=${keepRoudi ? 1 : 0}`, `pool_bytes=${poolMemoryMb(options) * MEBIBYTE}`);
  }
  return lines.join("\n") + "\n";
}

function poolMemoryMb(options: RuntimeOptions): number {
  const { config, poolMemoryMb = DEFAULT_POOL_MEMORY_MB } = options;
  if (config !== undefined && !(config instanceof BroadcastConfig)) refuse("config", config, "a BroadcastConfig");
  const ceiling = config?.memoryPoolSizeMb ?? 65536;
  if (!isIntegerIn(poolMemoryMb, 1, ceiling)) refuse("poolMemoryMb", poolMemoryMb, `an integer from 1 to ${ceiling}`);
  return poolMemoryMb;
}

function isIntegerIn(value: unknown, lowest: number, highest: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= lowest && value <= highest;
}

function refuse(name: string, value: unknown, expected: string): never {
  throw new ConfigError(ACTION, {
    value,
    condition: `${name} must be ${expected}`,
    remedy: `give ${name} ${expected}`,
  });
}
