// SPDX-License-Identifier: Apache-2.0
import process from "node:process";
import { isMainThread } from "node:worker_threads";
import {
  ArgumentError,
  DaemonAbsentError,
  DaemonHungError,
  NameInUseError,
  RuntimeClosedError,
  RuntimeNotOpenError,
} from "../errors.ts";
import { DATA_EVENT } from "../queue/queue_name.ts";
import { QueuePorts } from "../queue/queue_ports.ts";
import { WindowTable } from "../queue/window_table.ts";
import { RingStreams } from "../ring/ring_stream.ts";
import { RING_EVENT } from "../transport/announcement.ts";
import type { MemoryHandle } from "../transport/memory_handle.ts";
import { MemoryTransport } from "../transport/memory_transport.ts";
import { checkName } from "../transport/names.ts";
import { NativeTransport } from "../transport/native_transport.ts";
import { disconnectProcess } from "../transport/process.ts";
import type { Transport } from "../transport/transport.ts";
import { closeAll } from "./close_all.ts";
import { ConnectionWatch } from "./connection_watch.ts";
import { openMemory } from "./memory_runtimes.ts";
import { encodeOptions, requireRuntimeOptions, type RuntimeOptions, type Stack, stackOf } from "./runtime_options.ts";
import { type RuntimeState, RuntimeStateEvent } from "./runtime_state.ts";
import { listStreams, type StreamInfo } from "./stream_info.ts";
import { SubscriberCounts } from "./subscriber_counts.ts";

/** What a runtime closes when it is closed itself. */
export interface RuntimeResource {
  readonly closed: boolean;
  /** The process may have attached anew: makes what the stack has taken away again. */
  renew(): void;
  close(): void;
}

let isOpened: (value: object) => value is Runtime;

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
export class Runtime extends EventTarget {
  /** The open ones of this Worker, oldest first. */
  static readonly #opened: Runtime[] = [];

  readonly #transport: Transport;
  readonly #resources = new Set<RuntimeResource>();
  readonly #windows: WindowTable;
  readonly #ports: QueuePorts;
  readonly #rings: RingStreams;
  readonly #subscribers = new SubscriberCounts();
  readonly #watch: ConnectionWatch;

  static {
    isOpened = (value): value is Runtime => #transport in value;
  }

  private constructor(transport: Transport) {
    super();
    this.#transport = transport;
    this.#windows = new WindowTable(transport);
    this.#ports = new QueuePorts(transport, this.#windows);
    this.#rings = new RingStreams(transport);
    this.#watch = new ConnectionWatch(transport, () => this.#renew(), (state) => this.#tell(state));
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
    requireRuntimeOptions(options);
    // Getters among them are asked once.
    return Runtime.#open({ ...options });
  }

  static #open(options: RuntimeOptions): Runtime {
    const stack = stackOf(options);
    const runtime = new Runtime(
      stack === "memory"
        ? openMemory(options)
        : new NativeTransport(stack, encodeOptions(stack, options), options.libraryPath),
    );
    Runtime.#opened.push(runtime);
    if (stack !== "memory" && ownsProcess && !exitHooked) {
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

  /** Of the memory stack: what another Worker opens its runtime with; `postMessage` carries it. Undefined on other stacks. */
  get handle(): MemoryHandle | undefined {
    return this.#transport instanceof MemoryTransport ? this.#transport.handle : undefined;
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
    return listStreams(this.#transport.ports());
  }

  /**
   * Repairs a stream of iceoryx2 that nobody can use any more, as after a process was killed at the moment when it made or removed
   * it: what is left of it is removed, and the next broadcaster or subscriber makes it anew. Other stacks have nothing to repair.
   *
   * @param service The service, `serviceName` of the configuration.
   * @param stream The stream.
   * @returns Whether there was something to repair.
   * @throws {ServiceDamagedError} When it is damaged and a process that lives is listed there: end that one first.
   * @throws {RuntimeClosedError} After close.
   *
   * @example After a `ServiceDamagedError`
   * ```ts
   * import { Runtime } from "@qaultra/ipc";
   *
   * using runtime = Runtime.open({ stack: "iceoryx2" });
   * console.log(runtime.heal("QAULTRA", "market_stream")); // false
   * ```
   */
  heal(service: string, stream: string): boolean {
    const transport = this.#transport;
    const action = "heal a stream";
    const name = { service: checkName(action, service), stream: checkName(action, stream) };
    const healed = [DATA_EVENT, RING_EVENT].map((event) => transport.heal({ ...name, event }));
    return healed.includes(true);
  }

  /**
   * Listens to changes of the state. When the daemon dies the state becomes `detached`, and `attached` again within two seconds after
   * there is a daemon again: broadcasters, subscribers and loops go on by themselves. On iceoryx2, which has none, the same is told when
   * the root was removed and made anew. The events come from the event loop, and do not keep it alive.
   *
   * @param type `statechange`.
   * @param listener Told of each change.
   * @param options As for every event.
   *
   * @example Noticing that the daemon is gone
   * ```ts
   * import { Runtime } from "@qaultra/ipc";
   *
   * using runtime = Runtime.open({ roudi: "spawn" });
   * runtime.addEventListener("statechange", ({ state }) => {
   *   if (state === "detached") console.warn("RouDi is gone");
   * });
   * ```
   */
  override addEventListener(
    type: "statechange",
    listener: ((event: RuntimeStateEvent) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Listens to events of other names, of which it has none of its own. */
  override addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    // deno-lint-ignore no-explicit-any -- what the overloads above say
    listener: any,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
  }

  /** Closes what was made with this runtime, then this handle. Views over blocks become empty. Doing it again does nothing. */
  close(): void {
    const index = Runtime.#opened.indexOf(this);
    if (index < 0) return;
    Runtime.#opened.splice(index, 1);
    this.#watch.close();
    try {
      closeAll([...this.#resources]);
    } finally {
      this.#windows.detach();
      this.#transport.close();
      this.#tell("closed");
    }
  }

  /** Makes what the stack has taken away anew, then lets the memory of connections that are over go. */
  #renew(): void {
    for (const resource of [...this.#resources]) resource.renew();
    if (!this.#ports.holdsOfLost) this.#windows.retire();
  }

  #tell(state: RuntimeState): void {
    this.dispatchEvent(new RuntimeStateEvent(state));
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
    return {
      transport: this.#transport,
      windows: this.#windows,
      ports: this.#ports,
      rings: this.#rings,
      subscribers: this.#subscribers,
      resources: this.#resources,
    };
  }
}

/** The runtime that the options name, or the default one. */
export function runtimeOf(action: string, runtime: unknown): Runtime {
  if (runtime === undefined) return Runtime.default;
  if (typeof runtime === "object" && runtime !== null && isOpened(runtime)) return runtime;
  throw new ArgumentError(action, { value: runtime, condition: "the runtime must be a Runtime" });
}

/** What the hub's classes need of a runtime. */
export interface RuntimeConnection {
  readonly transport: Transport;
  readonly windows: WindowTable;
  readonly ports: QueuePorts;
  readonly rings: RingStreams;
  readonly subscribers: SubscriberCounts;
  readonly resources: Set<RuntimeResource>;
}
