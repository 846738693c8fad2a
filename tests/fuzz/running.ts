// SPDX-License-Identifier: Apache-2.0
// The calls of runtimes, configurations and managers.
import { BroadcastConfig, BroadcastManager, DataBroadcaster, Runtime } from "../../mod.ts";
import type { Random } from "../support/random.ts";
import type { Call, Untyped } from "./calls.ts";
import type { Machine } from "./machine.ts";
import type { Outcome } from "./outcome.ts";

const RUNTIMES_MAX = 3;
const MANAGERS_MAX = 2;
const RUNTIME_OPTIONS = [
  "name",
  "stack",
  "handle",
  "roudi",
  "keepRoudi",
  "config",
  "timeoutMs",
  "log",
  "libraryPath",
  "root",
  "prefix",
  "typeName",
];
// Neither pins this thread nor asks for memory.
const CONFIG_FIELDS = [
  ...["serviceName", "maxSubscribers", "batchSize", "queueCapacity", "history", "heartbeatIntervalMs", "read", "wait"],
  ...[
    "readerTimeoutMs",
    "pollIntervalMs",
    "statsEnabled",
    "delivery",
    "lane",
    "queueLane",
    "flushAfterMs",
    "bufferDepth",
  ],
];

function open(machine: Machine, random: Random): void {
  if (machine.spoils(random)) {
    const options = machine.hostileOptions(random, { stack: machine.setting.stack }, RUNTIME_OPTIONS);
    const opened = machine.attempt("Runtime.open", () => Runtime.open(options as Untyped));
    if (opened.ok) opened.value.close();
    return;
  }
  if (machine.runtimes.length < RUNTIMES_MAX) {
    machine.expect(machine.attempt("Runtime.open", () => machine.open()).ok, () => "no further handle was given");
    return;
  }
  const [oldest] = machine.runtimes.splice(0, 1);
  const closed = machine.attempt("Runtime.close", () => oldest!.close());
  machine.expect(mayClose(closed) && oldest!.state === "closed", () => "a runtime did not close");
  if (random.integer(0, 1) === 0) return;
  oldest!.close();
  const late = machine.attempt("streams of a closed runtime", () => oldest!.streams());
  machine.expect(!late.ok && late.code === "QIPC_RUNTIME_CLOSED", () => "a closed runtime answers");
}

/** What closes says so when records are lost that no sequence is left for. */
function mayClose(closed: Outcome<void>): boolean {
  return closed.ok || closed.code === "QIPC_SEQUENCE_EXHAUSTED";
}

function ask(machine: Machine, random: Random): void {
  const runtime = random.pick(machine.runtimes);
  const asked = machine.attempt("runtime's getters", () =>
    random.pick<() => unknown>([
      () => runtime.streams(),
      () => [runtime.name, runtime.state, runtime.stack],
      () => runtime.handle,
      () => Runtime.default,
    ])());
  machine.expect(asked.ok || runtime.state === "closed", () => "a runtime does not answer");
  if (runtime.state === "closed" || machine.setting.stack !== "iceoryx" || random.integer(0, 9) > 0) return;
  const name = machine.spoils(random) ? machine.hostile(random) : runtime.name;
  const before = Runtime.default;
  const opened = machine.attempt("initializeRuntime", () => DataBroadcaster.initializeRuntime(name as string));
  machine.expect(Runtime.default === before, () => "the default runtime changed");
  if (opened.ok && opened.value) machine.fail("a runtime was opened under another name");
}

function configure(machine: Machine, random: Random): void {
  const fields = machine.hostileOptions(random, { bufferDepth: 16 }, CONFIG_FIELDS);
  const made = machine.attempt(
    "new BroadcastConfig",
    () =>
      random.integer(0, 1) === 0
        ? new BroadcastConfig(fields as Untyped)
        : new BroadcastConfig({ lane: "ring" }).with(fields as Untyped),
  );
  if (made.ok) machine.expect(isSound(made.value), () => `a configuration is not valid: ${JSON.stringify(made.value)}`);
}

/** Whether a configuration is one that could have been given. */
function isSound(config: BroadcastConfig): boolean {
  const again = new BroadcastConfig({ ...config });
  return Object.isFrozen(config) && JSON.stringify(again) === JSON.stringify(config);
}

function manage(machine: Machine, random: Random): void {
  if (machine.managers.length < MANAGERS_MAX) {
    const runtime: unknown = machine.spoils(random) ? machine.hostile(random) : random.pick(machine.runtimes);
    const made = machine.attempt("new BroadcastManager", () => new BroadcastManager(runtime as Runtime));
    if (made.ok) machine.managers.push(made.value);
    return;
  }
  const at = random.integer(0, machine.managers.length - 1);
  const [manager] = machine.managers.splice(at, 1);
  const closed = machine.attempt(
    "BroadcastManager.close",
    () => random.integer(0, 1) === 0 ? manager!.close() : manager![Symbol.dispose](),
  );
  machine.expect(mayClose(closed) && manager!.getAllStreams().length === 0, () => "a manager did not close");
  const stream = machine.stream(random);
  const late = machine.attempt(
    "createSubscriber of a closed manager",
    () => manager!.createSubscriber(machine.config(random, stream), stream.name),
  );
  machine.expect(!late.ok && late.code === "QIPC_CLOSED", () => "a closed manager makes subscribers");
}

function create(machine: Machine, random: Random): void {
  if (machine.managers.length === 0) return manage(machine, random);
  const manager = random.pick(machine.managers);
  const stream = machine.stream(random);
  const writes = random.integer(0, 1) === 0;
  const args: unknown[] = [machine.config(random, stream), stream.name, {}];
  if (machine.spoils(random)) {
    const at = random.integer(0, 2);
    args[at] = at === 2
      ? machine.hostileOptions(random, {}, writes ? ["firstSequence", "runtime"] : ["history", "lane", "runtime"])
      : machine.hostile(random);
  }
  const given = args as [Untyped, Untyped, Untyped];
  if (writes) {
    const made = machine.attempt("createBroadcaster", () => manager.createBroadcaster(...given));
    if (made.ok) machine.addWriter(made.value);
  } else {
    const made = machine.attempt("createSubscriber", () => manager.createSubscriber(...given));
    if (made.ok) machine.addReader(made.value);
  }
}

function askManager(machine: Machine, random: Random): void {
  if (machine.managers.length === 0) return manage(machine, random);
  const manager = random.pick(machine.managers);
  const name: unknown = machine.spoils(random) ? machine.hostile(random) : machine.stream(random).name;
  const asked = machine.attempt("manager's getters", () =>
    random.pick<() => unknown>([
      () => manager.getAllStats(),
      () => manager.getAllStreams(),
      () => manager.getBroadcaster(name as string),
      () => manager.getSubscribers(name as string),
    ])());
  machine.expect(asked.ok, () => "a manager does not answer");
  if (random.integer(0, 9) > 0) return;
  const own = machine.stream(random).name;
  const closed = machine.attempt("BroadcastManager.close of a stream", () => manager.close(own));
  machine.expect(mayClose(closed) && manager.getBroadcaster(own) === undefined, () => "a manager keeps a stream");
}

/** What runtimes and managers can be asked for. */
export const RUNNING: readonly Call[] = [
  { weight: 3, make: open },
  { weight: 8, make: ask },
  { weight: 14, make: configure },
  { weight: 3, make: manage },
  { weight: 6, make: create },
  { weight: 8, make: askManager },
];
