// SPDX-License-Identifier: Apache-2.0
// BroadcastConfig: what is there by default, in the presets and after changes, and what is refused.
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  ArgumentError,
  BroadcastConfig,
  type BroadcastConfigFields,
  ConfigError,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  Runtime,
} from "../mod.ts";
import { RouDi } from "./support/roudi.ts";

const DEFAULTS: BroadcastConfigFields = {
  serviceName: "QAULTRA",
  maxSubscribers: 1000,
  batchSize: 10_000,
  bufferDepth: 500,
  memoryPoolSizeMb: 1024,
  queueCapacity: 1000,
  history: 0,
  heartbeatIntervalMs: 1000,
  readerTimeoutMs: 1000,
  pollIntervalMs: 1,
  checksum: false,
  statsEnabled: false,
  cpuAffinity: null,
  numaAware: false,
  delivery: "lossy",
  lane: "auto",
  queueLane: "auto",
  access: null,
  read: "stable",
  wait: "backoff",
  flushAfterMs: 10,
};

/** [lowest, highest] of each number field. */
const RANGES = {
  maxSubscribers: [1, 65536],
  batchSize: [1, 1_000_000],
  bufferDepth: [16, 65536],
  memoryPoolSizeMb: [1, 65536],
  queueCapacity: [1, 65536],
  heartbeatIntervalMs: [1, 60_000],
  readerTimeoutMs: [1, 60_000],
  pollIntervalMs: [1, 1000],
  flushAfterMs: [0, 60_000],
  cpuAffinity: [0, 1023],
} as const;

const CHOICES = {
  delivery: ["lossy", "lossless"],
  lane: ["auto", "ring", "queue"],
  queueLane: ["auto", "on", "off"],
  read: ["stable", "in-place"],
  wait: ["backoff", "spin", "yield", "park"],
} as const;

/** Makes a configuration of values that TypeScript would refuse. */
function make(fields: unknown): BroadcastConfig {
  return new BroadcastConfig(fields as Partial<BroadcastConfigFields>);
}

/** The error for one wrong field: of its class, with its code, naming the field, the value and the remedy. */
function assertRefused(name: string, value: unknown, says: string, beside: Partial<BroadcastConfigFields> = {}): void {
  const error = assertThrows(() => make({ ...beside, [name]: value }), ConfigError);
  assertEquals(error.code, "QIPC_CONFIG");
  assertStringIncludes(error.message, `${name} must be ${says}`);
  assertStringIncludes(error.message, `give ${name} ${says}`);
  assertEquals(error.value, value);
  const wrong = { [name]: value } as Partial<BroadcastConfigFields>;
  assertThrows(() => new BroadcastConfig(beside).with(wrong), ConfigError);
}

test("BroadcastConfig has the documented defaults and no other field", () => {
  assertEquals({ ...new BroadcastConfig() }, DEFAULTS);
  assertEquals({ ...new BroadcastConfig({}) }, DEFAULTS);
});

test("BroadcastConfig presets have the numbers of QAULTRA C++, and defaults elsewhere", () => {
  assertEquals({ ...BroadcastConfig.highPerformance() }, {
    ...DEFAULTS,
    maxSubscribers: 1500,
    batchSize: 20_000,
    bufferDepth: 1000,
    memoryPoolSizeMb: 2048,
    queueCapacity: 2000,
  });
  assertEquals({ ...BroadcastConfig.lowLatency() }, {
    ...DEFAULTS,
    maxSubscribers: 100,
    batchSize: 1000,
    bufferDepth: 100,
    memoryPoolSizeMb: 512,
    queueCapacity: 200,
  });
  assertEquals({ ...BroadcastConfig.massiveScale() }, {
    ...DEFAULTS,
    maxSubscribers: 2000,
    batchSize: 50_000,
    bufferDepth: 2000,
    memoryPoolSizeMb: 4096,
    queueCapacity: 5000,
  });
});

test("BroadcastConfig can not be changed, whatever is tried", () => {
  const config = new BroadcastConfig({ history: 3 });
  assert(Object.isFrozen(config));
  const writable = config as unknown as Record<string, unknown>;
  assertThrows(() => writable.history = 5, TypeError);
  assertThrows(() => delete writable.history, TypeError);
  assertThrows(() => writable.another = 1, TypeError);
  assertThrows(() => Object.defineProperty(config, "history", { value: 5 }), TypeError);
  assertEquals(config.history, 3);
});

test("BroadcastConfig keeps its own values when the fields it was made of change", () => {
  const fields = { history: 3 };
  const config = new BroadcastConfig(fields);
  fields.history = 9;
  assertEquals(config.history, 3);
});

test("BroadcastConfig.with gives a changed copy and leaves the original", () => {
  const config = BroadcastConfig.lowLatency();
  const changed = config.with({ wait: "spin", statsEnabled: true });
  assertInstanceOf(changed, BroadcastConfig);
  assertNotStrictEquals(changed, config);
  assertEquals({ ...changed }, { ...config, wait: "spin", statsEnabled: true });
  assertEquals(config.wait, "backoff");
  assert(Object.isFrozen(changed));
});

test("BroadcastConfig.with leaves a field that is given as undefined", () => {
  const config = new BroadcastConfig({ history: 7, wait: "park" });
  assertEquals({ ...config.with({ history: undefined, wait: undefined }) }, { ...config });
  assertEquals(new BroadcastConfig({ history: undefined }).history, DEFAULTS.history);
});

describe("BroadcastConfig number fields", () => {
  for (const [name, [lowest, highest]] of Object.entries(RANGES)) {
    test(`${name} is taken from ${lowest} to ${highest} and refused outside`, () => {
      for (const value of [lowest, highest]) {
        assertEquals((make({ [name]: value }) as unknown as Record<string, unknown>)[name], value);
      }
      const says = `an integer from ${lowest} to ${highest}`;
      const wrong = [lowest - 1, highest + 1, lowest + 0.5, NaN, Infinity, -Infinity, "8", true, {}, [], 8n, () => 8];
      for (const value of wrong) assertRefused(name, value, says);
      if (name !== "cpuAffinity") assertRefused(name, null, says);
    });
  }
});

describe("BroadcastConfig choices", () => {
  for (const [name, choices] of Object.entries(CHOICES)) {
    test(`${name} is one of ${choices.join(", ")} and nothing else`, () => {
      for (const value of choices) {
        assertEquals((make({ [name]: value }) as unknown as Record<string, unknown>)[name], value);
      }
      for (const value of ["", "LOSSY", "rings", "toString", null, 0, {}, ["park"]]) {
        assertRefused(name, value, `one of ${choices.join(", ")}`);
      }
    });
  }
});

test('BroadcastConfig.history is taken from 0 to bufferDepth or as "all", and nothing else is', () => {
  for (const bufferDepth of [16, 500, 65536]) {
    for (const history of [0, 1, bufferDepth, "all"] as const) {
      assertEquals(new BroadcastConfig({ history, bufferDepth }).history, history);
    }
    const says = `an integer from 0 to bufferDepth, ${bufferDepth}, or "all"`;
    const wrong = [-1, bufferDepth + 1, 0.5, NaN, Infinity, "8", "", "ALL", true, null, {}, ["all"], 8n, () => 8];
    for (const value of wrong) assertRefused("history", value, says, { bufferDepth });
  }
  assertThrows(() => new BroadcastConfig({ history: 17 }).with({ bufferDepth: 16 }), ConfigError);
  assertEquals(new BroadcastConfig({ history: "all" }).with({ bufferDepth: 16 }).history, "all");
});

test("BroadcastConfig.ringCapacity is bufferDepth rounded up to a power of two, and is no field", () => {
  const capacities = [[16, 16], [17, 32], [500, 512], [512, 512], [513, 1024], [32_769, 65_536], [65_536, 65_536]];
  for (const [bufferDepth, capacity] of capacities) {
    assertEquals(new BroadcastConfig({ bufferDepth }).ringCapacity, capacity);
  }
  assertThrows(() => make({ ringCapacity: 16 }), ConfigError);
});

test("BroadcastConfig flags are booleans and nothing else", () => {
  for (const name of ["checksum", "statsEnabled", "numaAware"]) {
    assertEquals((make({ [name]: true }) as unknown as Record<string, unknown>)[name], true);
    for (const value of [0, 1, "true", null, {}]) assertRefused(name, value, "true or false");
  }
});

test("BroadcastConfig.serviceName is a name of 1 to 100 bytes without control characters", () => {
  for (const value of ["A", "x".repeat(100), "€".repeat(33), "Börse/Frankfurt X.1", "股票"]) {
    assertEquals(make({ serviceName: value }).serviceName, value);
  }
  const wrong = ["", "x".repeat(101), "€".repeat(34), "a\0b", "a\nb", "a\u007fb", "a\u0085b", "\ud800", null, 5, {}];
  for (const value of wrong) assertRefused("serviceName", value, "a name of 1 to 100 bytes");
});

test("BroadcastConfig refuses a field that it does not know, and lists those that it does", () => {
  const error = assertThrows(() => make({ histroy: 3 }), ConfigError);
  assertEquals(error.value, "histroy");
  for (const name of Object.keys(DEFAULTS)) assertStringIncludes(error.message, name);
  assertThrows(() => make({ toString: 1 }), ConfigError);
  assertThrows(() => new BroadcastConfig().with({ queue: 1 } as Partial<BroadcastConfigFields>), ConfigError);
});

test("BroadcastConfig refuses fields that are no object", () => {
  for (const value of [null, 5, "lossy", true, Symbol("s")]) {
    assertEquals(assertThrows(() => make(value), ArgumentError).code, "QIPC_ARGUMENT");
    assertThrows(() => new BroadcastConfig().with(value as Partial<BroadcastConfigFields>), ArgumentError);
  }
});

const PRESETS = {
  highPerformance: { config: BroadcastConfig.highPerformance(), slots: 1024, queued: 256 },
  lowLatency: { config: BroadcastConfig.lowLatency(), slots: 128, queued: 200 },
  massiveScale: { config: BroadcastConfig.massiveScale(), slots: 2048, queued: 256 },
} as const;

/** Sends a block from one to the other. */
function assertFlows(out: DataBroadcaster, feed: DataSubscriber): void {
  assert(out.broadcast(Uint8Array.of(1, 2, 3), 1, MarketDataType.Unknown));
  assertEquals(feed.receive(), Uint8Array.of(1, 2, 3));
}

test("BroadcastConfig presets work on the ring, and what is in force can be read", async () => {
  await using _roudi = await RouDi.start({ blocks: 128 });
  using runtime = Runtime.open();
  for (const [name, { config, slots }] of Object.entries(PRESETS)) {
    using out = new DataBroadcaster(config, name, { runtime });
    using feed = new DataSubscriber(config, name, { runtime });
    assertEquals([config.ringCapacity, feed.queueCapacity], [slots, slots]);
    // The past is kept without being asked for, up to an eighth less than the ring.
    assertEquals(out.historyDepth, slots - slots / 8);
    assertEquals(feed.config, config);
    assertFlows(out, feed);
    assert(out.getStats().memoryBytes > slots * 8192);
  }
});

test("BroadcastConfig presets work on the queue lane, and what is in force can be read", async () => {
  await using _roudi = await RouDi.start({ blocks: 128 });
  using runtime = Runtime.open();
  for (const [name, { config: preset, queued }] of Object.entries(PRESETS)) {
    const config = preset.with({ lane: "queue" });
    using out = new DataBroadcaster(config, name, { runtime });
    using feed = new DataSubscriber(config, name, { runtime });
    assertEquals(feed.queueCapacity, queued);
    assertEquals(out.historyDepth, 0);
    for (const history of [100, "all"] as const) {
      using keeper = new DataBroadcaster(config.with({ history }), `${name} with history ${history}`, { runtime });
      assertEquals(keeper.historyDepth, 16);
    }
    assertEquals(feed.config, config);
    assertFlows(out, feed);
  }
});

test("BroadcastConfig.memoryPoolSizeMb is the ceiling of a ring: a larger one is refused before it is made", async () => {
  await using _roudi = await RouDi.start({ blocks: 128 });
  using runtime = Runtime.open();
  const bytes = 4096 + 128 * 8192;
  const config = new BroadcastConfig({ bufferDepth: 100, memoryPoolSizeMb: 1 });
  const before = readdirSync("/dev/shm").sort();
  const error = assertThrows(() => new DataBroadcaster(config, "ceiling", { runtime }), ConfigError);
  assertEquals([error.code, error.value, error.limit], ["QIPC_CONFIG", bytes, 2 ** 20]);
  assertStringIncludes(error.message, "a ring of 128 slots");
  assertStringIncludes(error.message, "lower bufferDepth or raise memoryPoolSizeMb");
  assertEquals(readdirSync("/dev/shm").sort(), before);
  assertEquals(runtime.streams(), []);
  // Where there is no ring, it has nothing to say.
  for (const changed of [config.with({ bufferDepth: 64 }), config.with({ lane: "queue" })]) {
    using out = new DataBroadcaster(changed, "ceiling", { runtime });
    using feed = new DataSubscriber(changed, "ceiling", { runtime });
    assertFlows(out, feed);
  }
});

test("BroadcastConfig.queueCapacity is what a slow subscriber of the queue lane keeps: the newest", async () => {
  await using _roudi = await RouDi.start({ blocks: 128 });
  using runtime = Runtime.open();
  const config = new BroadcastConfig({ lane: "queue", queueCapacity: 3 });
  using out = new DataBroadcaster(config, "small", { runtime });
  using feed = new DataSubscriber(config, "small", { runtime });
  assertEquals(feed.queueCapacity, 3);
  for (let value = 0; value < 10; value++) out.broadcast(Uint8Array.of(value), 1, MarketDataType.Unknown);
  assertEquals([feed.receive(), feed.receive(), feed.receive(), feed.receive()], [
    Uint8Array.of(7),
    Uint8Array.of(8),
    Uint8Array.of(9),
    null,
  ]);
});

test("BroadcastConfig.bufferDepth is what a slow subscriber of a ring keeps: the newest, less an eighth", async () => {
  await using _roudi = await RouDi.start({ blocks: 128 });
  using runtime = Runtime.open();
  const config = new BroadcastConfig({ bufferDepth: 17, queueCapacity: 3 });
  using out = new DataBroadcaster(config, "small", { runtime });
  using feed = new DataSubscriber(config, "small", { runtime });
  assertEquals(feed.queueCapacity, 32);
  for (let value = 0; value < 100; value++) out.broadcast(Uint8Array.of(value), 1, MarketDataType.Unknown);
  const kept: number[] = [];
  feed.poll((block) => kept.push(block.data[0]!));
  assertEquals(kept, Array.from({ length: 28 }, (_, index) => 72 + index));
  assertEquals(feed.getReceiveStats().missedBlocks, 72);
});

test("BroadcastConfig.access is a copy that cannot be changed, with the mode that is in force", () => {
  const access = { group: "qaultra", mode: 0o640 as const };
  const config = make({ access });
  Object.assign(access, { group: "other" });
  assertEquals(config.access, { group: "qaultra", mode: 0o640 });
  assert(Object.isFrozen(config.access));
  assertEquals(config.with({ wait: "spin" }).access, config.access);
  assertEquals(config.with({ access: null }).access, null);
  assertEquals(make({ access: {} }).access, { mode: 0o660 });
  for (const mode of [0o600, 0o640, 0o644, 0o660, 0o664, 0o666]) {
    assertEquals(make({ access: { mode } }).access?.mode, mode);
  }
  for (const group of [0, 1000, 2 ** 32 - 2, "a", "x".repeat(32), "with-all_of.them9"]) {
    assertEquals(make({ access: { group } }).access, { group, mode: 0o660 });
  }
});

test("BroadcastConfig.access that names no group, or rights that make no sense, is a ConfigError", () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    ...[5, "qaultra", true, () => {}].map((access) => [access, "access must be an object"] as const),
    [{ user: "me" }, 'value "user"'],
    ...[0, 0o400, 0o604, 0o620, 0o662, 0o700, 0o777, 0o1660, 640, 1.5, NaN, -1, "0640", null, 0o660n].map((mode) =>
      [{ mode }, "access.mode is none of the permitted ones"] as const
    ),
    ...["", "..", "../up", "/etc", "-x", ".hidden", "a b", 'a"b', "a\nb", "a\0b", "é", "x".repeat(33)].map((group) =>
      [{ group }, "access.group is neither the name nor the id of a group"] as const
    ),
    ...[-1, 1.5, NaN, 2 ** 32 - 1, 2 ** 32, null, {}, 5n].map((group) =>
      [{ group }, "access.group is neither the name nor the id of a group"] as const
    ),
    [{ group: "qaultra", mode: 0o600 }, "gives the group no right"],
  ];
  for (const [access, says] of wrong) {
    const error = assertThrows(() => make({ access }), ConfigError);
    assertStringIncludes(error.message, says);
    assertThrows(() => new BroadcastConfig().with({ access } as Partial<BroadcastConfigFields>), ConfigError);
  }
  const error = assertThrows(() => make({ lane: "queue", access: {} }), ConfigError);
  assertStringIncludes(error.message, "access is kept by rings");
  assertStringIncludes(error.remedy, "readers, writers");
});
