// SPDX-License-Identifier: Apache-2.0
// Arguments of wrong types and out of their ranges: each is a typed error, and the process goes on.
import { after, before, describe, test } from "node:test";
import { assertEquals } from "@std/assert";
import {
  ArgumentError,
  type Block,
  BroadcastConfig,
  BroadcastManager,
  ConfigError,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  NameInvalidError,
  Runtime,
  RuntimeClosedError,
  RuntimeNotOpenError,
  StackUnknownError,
  Tick,
} from "../mod.ts";
import { assertMisuse, assertStillWorks, makePair, NO_NUMBERS, NO_OBJECTS, type Untyped } from "./support/misuse.ts";
import { RouDi } from "./support/roudi.ts";

const { Unknown } = MarketDataType;
const config = new BroadcastConfig();

let roudi: RouDi;
let runtime: Runtime;
before(async () => {
  roudi = await RouDi.start({ blocks: 64 });
  runtime = Runtime.open();
});
after(async () => {
  runtime.close();
  await roudi.stop();
});

describe("Runtime", () => {
  test("Runtime.open refuses options that are no object, unknown, or out of their range", () => {
    for (const options of NO_OBJECTS) assertMisuse(() => Runtime.open(options), ArgumentError, { value: options });
    const wrong: Record<string, readonly Untyped[]> = {
      roudi: ["", "start", null, 1, true],
      keepRoudi: [0, "yes", null],
      timeoutMs: [0, 60_001, 1.5, NaN, Infinity, -1, "1000", null],
      log: ["", "verbose", 0, null],
      libraryPath: [5, null, {}],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        assertMisuse(() => Runtime.open({ [name]: value }), ConfigError, { value, says: [`${name} must be`] });
      }
    }
    for (const poolMemoryMb of [0, 65_537, 1.5, NaN, "64", null] as Untyped[]) {
      assertMisuse(() => Runtime.open({ roudi: "spawn", poolMemoryMb }), ConfigError, { value: poolMemoryMb });
    }
    const ceiling = new BroadcastConfig({ memoryPoolSizeMb: 32 });
    assertMisuse(() => Runtime.open({ roudi: "spawn", poolMemoryMb: 33, config: ceiling }), ConfigError, {
      value: 33,
      says: ["1 to 32"],
    });
    assertMisuse(() => Runtime.open({ roudi: "spawn", config: {} as Untyped }), ConfigError);
    assertMisuse(() => Runtime.open({ rudi: "spawn" } as Untyped), ConfigError, { value: "rudi", says: ["keepRoudi"] });
    for (const stack of ["", "iceoryx3", null, 5] as Untyped[]) {
      assertMisuse(() => Runtime.open({ stack }), StackUnknownError, { value: stack });
    }
    for (const name of ["handle", "root", "prefix", "typeName"]) {
      assertMisuse(() => Runtime.open({ [name]: "/x" } as Untyped), ConfigError, { value: name, says: ["iceoryx"] });
    }
    assertStillWorks(runtime);
  });

  test("Runtime.open of iceoryx2 refuses what is RouDi's, and names that it cannot carry, before it touches anything", () => {
    const open = (options: Untyped): void => Runtime.open({ stack: "iceoryx2", ...options }).close();
    for (const name of ["roudi", "keepRoudi", "poolMemoryMb", "readers", "writers", "config", "log", "handle"]) {
      assertMisuse(() => open({ [name]: "spawn" }), ConfigError, { value: name, says: ["iceoryx2 stack", "typeName"] });
    }
    const wrong: Record<string, readonly Untyped[]> = {
      root: ["", "tmp", "/a\nprefix=b", `/${"r".repeat(128)}`, `/${"ä".repeat(64)}`, "/\ud800", null, 5, {}],
      prefix: ["", "a/b", "a b", "..", "p\nroot=/", "p".repeat(33), "ä", null, 5],
      typeName: ["", "T".repeat(256), "T\n", null, 5],
      timeoutMs: [0, 60_001, 1.5, "1000", null],
      libraryPath: [5, null],
    };
    for (const [name, values] of Object.entries(wrong)) {
      for (const value of values) {
        assertMisuse(() => open({ [name]: value }), ConfigError, { value, says: [`${name} must be`] });
      }
    }
    assertMisuse(() => open({ name: 5 }), ArgumentError, { value: 5 });
    assertMisuse(() => open({ name: "a\nroot=/" }), NameInvalidError, { value: "a\nroot=/" });
    assertMisuse(() => open({ rot: "/tmp" }), ConfigError, { value: "rot", says: ["root"] });
    assertStillWorks(runtime);
  });

  test("Runtime.open of the memory stack refuses what only a daemon could do, wrong sizes and handles that are none", () => {
    const only: Untyped[] = [{ roudi: "spawn" }, { keepRoudi: true }, { timeoutMs: 5 }, { log: "off" }, {
      libraryPath: "",
    }];
    for (const options of only) {
      const [name] = Object.keys(options);
      assertMisuse(() => Runtime.open({ stack: "memory", ...options }), ConfigError, {
        value: name,
        says: ["memory stack", "poolMemoryMb"],
      });
    }
    for (const poolMemoryMb of [0, 4097, 1.5, NaN, "64"] as Untyped[]) {
      assertMisuse(() => Runtime.open({ stack: "memory", poolMemoryMb }), ConfigError, { value: poolMemoryMb });
    }
    const ceiling = new BroadcastConfig({ memoryPoolSizeMb: 32 });
    assertMisuse(() => Runtime.open({ stack: "memory", poolMemoryMb: 33, config: ceiling }), ConfigError, {
      value: 33,
    });
    for (const handle of [null, 5, "handle", {}, new SharedArrayBuffer(64), runtime] as Untyped[]) {
      // Closed at once, should it be taken.
      assertMisuse(() => Runtime.open({ stack: "memory", handle }).close(), ArgumentError);
    }
    using memory = Runtime.open({ stack: "memory" });
    assertEquals([memory.stack, memory.state], ["memory", "attached"]);
    assertStillWorks(memory);
    assertStillWorks(runtime);
  });

  test("Runtime.close ends it: what needs it throws, state and close do not", () => {
    const other = Runtime.open();
    const name = other.name;
    other.close();
    other.close();
    assertEquals(other.state, "closed");
    assertEquals(other.name, name);
    assertMisuse(() => other.streams(), RuntimeClosedError);
    assertMisuse(() => new DataBroadcaster(config, "x", { runtime: other }), RuntimeClosedError);
    assertMisuse(() => new DataSubscriber(config, "x", { runtime: other }), RuntimeClosedError);
    const manager = new BroadcastManager(other);
    assertMisuse(() => manager.createBroadcaster(config, "x"), RuntimeClosedError);
    assertStillWorks(runtime);
  });

  test("Runtime.default without any open runtime throws", () => {
    runtime.close();
    try {
      assertMisuse(() => Runtime.default, RuntimeNotOpenError, { says: ["Runtime.open"] });
      assertMisuse(() => new DataBroadcaster(config, "x"), RuntimeNotOpenError);
      assertMisuse(() => new DataSubscriber(config, "x"), RuntimeNotOpenError);
      assertMisuse(() => new BroadcastManager(), RuntimeNotOpenError);
      assertMisuse(() => DataBroadcaster.initializeRuntime(5 as Untyped), ArgumentError, { value: 5 });
    } finally {
      runtime = Runtime.open();
    }
    assertStillWorks(runtime);
  });
});

describe("DataSubscriber", () => {
  test("new DataSubscriber refuses a wrong configuration, wrong options and a wrong runtime", () => {
    for (const wrong of [undefined, null, {}, 5, { ...config }] as Untyped[]) {
      assertMisuse(() => new DataSubscriber(wrong, "x", { runtime }), ArgumentError, { value: wrong });
    }
    for (const wrong of NO_OBJECTS) assertMisuse(() => new DataSubscriber(config, "x", wrong), ArgumentError);
    for (const wrong of [null, {}, 5, "runtime"]) {
      assertMisuse(() => new DataSubscriber(config, "x", { runtime: wrong as Untyped }), ArgumentError);
    }
    const options: Untyped[] = [{ history: -1 }, { history: 65_537 }, { history: "16" }, { lane: "ring-ring" }];
    options.push({ lane: null }, { read: "copy" }, { read: null }, { history: "some" }, { history: null });
    for (const wrong of [...options, { wait: "sleep" }, { wait: null }, { capacity: 3 }]) {
      assertMisuse(() => new DataSubscriber(config, "x", { runtime, ...wrong }), ConfigError);
    }
    for (const observe of [null, 0, 1, "yes", {}] as Untyped[]) {
      assertMisuse(() => new DataSubscriber(config, "x", { runtime, observe }), ArgumentError, { value: observe });
    }
    assertEquals(runtime.streams(), []);
    assertStillWorks(runtime);
  });

  test("poll refuses a handler that is no function and a limit that is no number from 1", () => {
    using p = makePair(runtime, "poll");
    p.out.broadcast(Uint8Array.of(1), 1, Unknown);
    for (const wrong of [undefined, null, {}, "handler", 5] as Untyped[]) {
      assertMisuse(() => p.feed.poll(wrong), ArgumentError, { value: wrong });
    }
    for (const wrong of [null, "8", [8], 8n, true, 0, -1, NaN, 0.5] as Untyped[]) {
      assertMisuse(() => p.feed.poll(() => {}, wrong), ArgumentError, { value: wrong });
    }
    assertEquals(p.feed.poll(() => {}, Infinity), 1);
  });

  test("waitSync refuses timeouts that are none", () => {
    using p = makePair(runtime, "wait");
    for (const wrong of [...NO_NUMBERS, NaN, -1]) {
      assertMisuse(() => p.feed.waitSync(wrong), ArgumentError, { value: wrong });
    }
    assertEquals(p.feed.waitSync(0), false);
  });

  test("blocks refuses wrong options and a signal that is none", () => {
    using p = makePair(runtime, "blocks");
    for (const wrong of NO_OBJECTS) assertMisuse(() => p.feed.blocks(wrong), ArgumentError);
    for (const wrong of [null, {}, 5, "abort"]) {
      assertMisuse(() => p.feed.blocks({ signal: wrong as Untyped }), ArgumentError, { value: wrong });
    }
    assertMisuse(() => p.feed.blocks({ timeout: 5 } as Untyped), ConfigError, { value: "timeout" });
  });

  test("records of a block refuses what is no schema", () => {
    using p = makePair(runtime, "records");
    p.out.broadcast(new Uint8Array(72), 1, MarketDataType.Tick);
    p.feed.poll((block: Block) => {
      for (const wrong of [undefined, null, {}, "Tick", { size: 72, id: 0 }] as Untyped[]) {
        assertMisuse(() => block.records(wrong), ArgumentError);
      }
      assertEquals(block.records(Tick).length, 1);
    });
  });
});

describe("BroadcastManager", () => {
  test("BroadcastManager refuses wrong arguments", () => {
    for (const wrong of [null, {}, 5] as Untyped[]) assertMisuse(() => new BroadcastManager(wrong), ArgumentError);
    using manager = new BroadcastManager(runtime);
    for (const wrong of [undefined, null, {}] as Untyped[]) {
      assertMisuse(() => manager.createBroadcaster(wrong, "x"), ArgumentError);
      assertMisuse(() => manager.createSubscriber(wrong, "x"), ArgumentError);
    }
    for (const wrong of [undefined, null, 5, {}] as Untyped[]) {
      assertMisuse(() => manager.createBroadcaster(config, wrong), ArgumentError);
      assertMisuse(() => manager.createSubscriber(config, wrong), ArgumentError);
    }
    for (const wrong of NO_OBJECTS) {
      assertMisuse(() => manager.createBroadcaster(config, "x", wrong), ArgumentError);
      assertMisuse(() => manager.createSubscriber(config, "x", wrong), ArgumentError);
    }
    assertMisuse(() => manager.createSubscriber(config, "x", { runtime } as Untyped), ConfigError);
    for (const wrong of [null, 5, {}] as Untyped[]) assertMisuse(() => manager.close(wrong), ArgumentError);
    assertEquals(manager.getAllStreams(), []);
    manager.createBroadcaster(config, "twice");
    assertMisuse(() => manager.createBroadcaster(config, "twice"), ArgumentError, { value: "twice" });
    assertStillWorks(runtime);
  });
});
