// SPDX-License-Identifier: Apache-2.0
// Names of streams, services and runtimes: what is taken, and what is refused before anything is touched.
import { after, before, describe, test } from "node:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { assert, assertEquals } from "@std/assert";
import {
  ArgumentError,
  BroadcastConfig,
  BroadcastManager,
  DataBroadcaster,
  DataSubscriber,
  MarketDataType,
  NameEmptyError,
  NameInUseError,
  NameInvalidError,
  NameTooLongError,
  Runtime,
} from "../mod.ts";
import { Ground, NATIVE_STACKS } from "./support/ground.ts";
import { assertMisuse, assertStillFlows, assertStillWorks } from "./support/misuse.ts";
import { RouDi } from "./support/roudi.ts";

const config = new BroadcastConfig();
const LONGEST = "x".repeat(100);
/** 100 bytes in 34 characters. */
const LONGEST_WIDE = "€".repeat(33) + "x";
const NO_STRINGS = [undefined, null, 5, 5n, true, {}, ["name"], Symbol("name"), () => "name"] as unknown as string[];

for (const stack of NATIVE_STACKS) {
  describe(`names of streams on ${stack}`, () => {
    let ground: Ground;
    let runtime: Runtime;
    before(async () => {
      ground = await Ground.start(stack, { blocks: 64 });
      runtime = ground.runtime;
    });
    after(() => ground.stop());

    /** Every way to give the name of a stream. */
    function users(stream: string): readonly (() => unknown)[] {
      return [
        () => new DataBroadcaster(config, stream, { runtime }),
        () => new DataSubscriber(config, stream, { runtime }),
        () => new BroadcastManager(runtime).createBroadcaster(config, stream),
        () => new BroadcastManager(runtime).createSubscriber(config, stream),
      ];
    }

    const good = [
      LONGEST,
      // iceoryx2 has names of ASCII, in which other characters take three bytes each byte.
      ...stack === "iceoryx" ? [LONGEST_WIDE] : ["€".repeat(20), "EUR,USD"],
      "a b",
      "a/b",
      "..",
      "股票",
      "0:",
      "%s%n",
      "*",
      "\ufeffmark",
      "a\u2028b",
      "'\"\\`$(",
    ];
    for (const name of good) {
      test(`a stream named ${JSON.stringify(name).slice(0, 30)} works and is listed as it is`, () => {
        using out = new DataBroadcaster(config, name, { runtime });
        using feed = new DataSubscriber(config, name, { runtime });
        assertStillFlows(out, feed);
        assertEquals(out.stream, name);
        assertEquals(runtime.streams().map(({ stream }) => stream), [name]);
        assertEquals(feed.state, "live");
      });
      test(`a service named ${JSON.stringify(name).slice(0, 30)} works and is listed as it is`, () => {
        const named = new BroadcastConfig({ serviceName: name });
        using out = new DataBroadcaster(named, "s", { runtime });
        using feed = new DataSubscriber(named, "s", { runtime });
        assertStillFlows(out, feed);
        assertEquals(runtime.streams().map(({ service }) => service), [name]);
      });
    }

    test("an empty name is a NameEmptyError", () => {
      for (const use of users("")) assertMisuse(use, NameEmptyError, { limit: 100, says: ["1 to 100 bytes"] });
      assertStillWorks(runtime);
    });

    test("a name over 100 bytes of UTF-8 is a NameTooLongError", () => {
      const long: readonly [string, number][] = [[LONGEST + "x", 101], [LONGEST_WIDE + "x", 101], [
        "€".repeat(34),
        102,
      ]];
      for (const [name, bytes] of [...long, ["y".repeat(1_000_000), 1_000_000]] as const) {
        for (const use of users(name)) {
          assertMisuse(use, NameTooLongError, { value: bytes, limit: 100, says: ["shorten"] });
        }
      }
      assertStillWorks(runtime);
    });

    test("a name with a control character or half a surrogate pair is a NameInvalidError", () => {
      const control = ["a\0b", "\0", "a\0", "line\n", "a\tb", "\u001b[31m", "del\u007f", "c1\u0085"];
      const halves = ["\ud800", "a\udc00b", "\udc00\ud800"];
      for (const name of [...control, ...halves]) {
        for (const use of users(name)) assertMisuse(use, NameInvalidError);
      }
      assertStillWorks(runtime);
    });

    if (stack === "iceoryx") {
      test("a name with a comma, which iceoryx cannot tell from two, is a NameInvalidError", () => {
        for (const name of ["EUR,USD", ","]) for (const use of users(name)) assertMisuse(use, NameInvalidError);
        const inService = new BroadcastConfig({ serviceName: "a,b" });
        assertMisuse(() => new DataBroadcaster(inService, "x", { runtime }), NameInvalidError, {
          says: ["comma", "a,b"],
        });
        assertMisuse(() => new DataSubscriber(inService, "x", { runtime }), NameInvalidError, {
          says: ["comma", "a,b"],
        });
        assertStillWorks(runtime);
      });
    } else {
      test("a name that gets too long when it is written in ASCII is a NameTooLongError", () => {
        for (const use of users(LONGEST_WIDE)) {
          assertMisuse(use, NameTooLongError, { limit: 255, says: ["three bytes"] });
        }
        assertStillWorks(runtime);
      });
    }

    test("a name that looks like a path makes no file of that name, nor one anywhere else", () => {
      const filesOf = (folder: string): string[] => readdirSync(folder).sort();
      const before = ["/tmp", "/dev/shm", "/"].map(filesOf);
      for (
        const name of [
          "../../tmp/escaped",
          "/tmp/escaped",
          "..",
          "/dev/shm/escaped",
          "../qaultra-ring-0000000000000001",
        ]
      ) {
        using _feed = new DataSubscriber(config, name, { runtime });
        using _out = new DataBroadcaster(new BroadcastConfig({ serviceName: name }), name, { runtime });
        const isOurs = (file: string): boolean => !before[1]!.includes(file) && !/^iox2_[0-9a-f_]+\.[a-z]+$/.test(file);
        const made = filesOf("/dev/shm").filter(isOurs);
        assertEquals(made.map((file) => file.replace(/[0-9a-f]{16}$/, "#")), ["qaultra-readers-#", "qaultra-ring-#"]);
        assertEquals([filesOf("/tmp"), filesOf("/")], [before[0], before[2]]);
      }
      assertEquals(["/tmp", "/dev/shm", "/"].map(filesOf), before);
    });

    test("a name that is no string is an ArgumentError", () => {
      for (const name of NO_STRINGS) {
        for (const use of users(name)) assertMisuse(use, ArgumentError, { value: name });
      }
      assertStillWorks(runtime);
    });

    test("names that differ in their last byte are two streams", () => {
      using out = new DataBroadcaster(config, LONGEST, { runtime });
      using other = new DataSubscriber(config, LONGEST.slice(1) + "y", { runtime });
      assert(out.broadcast(Uint8Array.of(1), 1, MarketDataType.Unknown));
      assertEquals(other.receive(), null);
      assertEquals(runtime.streams().length, 2);
    });
  });
}

describe("names of runtimes", () => {
  let roudi: RouDi;
  before(async () => void (roudi = await RouDi.start({ blocks: 64 })));
  after(() => roudi.stop());

  for (const name of ["a", LONGEST, "a.b-c_d:0", ".hidden", "-rf"]) {
    test(`a runtime named ${name.slice(0, 20)} works`, () => {
      using runtime = Runtime.open({ name });
      assertEquals(runtime.name, name);
      assertStillWorks(runtime);
    });
  }

  test("the default name is one that no other runtime has", () => {
    const names = new Set<string>();
    for (let turn = 0; turn < 3; turn++) {
      using runtime = Runtime.open();
      names.add(runtime.name);
    }
    assertEquals(names.size, 3);
  });

  test("a name that is empty, too long, or has characters that a socket's name may not have is refused", () => {
    assertMisuse(() => Runtime.open({ name: "" }), NameEmptyError, { limit: 100 });
    assertMisuse(() => Runtime.open({ name: LONGEST + "x" }), NameTooLongError, { value: 101, limit: 100 });
    assertMisuse(() => Runtime.open({ name: "€".repeat(34) }), NameTooLongError, { value: 102, limit: 100 });
    const files = ["a/b", "/tmp/a", "../a", ".", "..", "ends.with.", "a b", "a,b", "a=b", "%s%n", "'", "\\n", "股票"];
    for (const name of [...files, "a\0b", "two\nlines", "\ud800", LONGEST_WIDE]) {
      assertMisuse(() => Runtime.open({ name }), NameInvalidError, { says: ["letters, digits"] });
    }
    for (const name of NO_STRINGS.slice(1)) assertMisuse(() => Runtime.open({ name }), ArgumentError, { value: name });
    assertMisuse(() => DataBroadcaster.initializeRuntime("a b"), NameInvalidError);
    using runtime = Runtime.open({ name: "after-all-of-that" });
    assertStillWorks(runtime);
  });

  test("RouDi's own names are in use", () => {
    for (const name of ["roudi", "iox-unique-roudi"]) {
      assertMisuse(() => Runtime.open({ name }), NameInUseError, { says: [name, "choose another name"] });
    }
    assert(existsSync("/tmp/roudi"));
    assert(roudi.isRunning);
    assert(!DataBroadcaster.initializeRuntime("roudi"));
    using runtime = Runtime.open();
    assertStillWorks(runtime);
  });

  test("a name whose socket or lock would replace somebody's file is in use, and the file stays", async () => {
    writeFileSync("/tmp/precious", "data");
    writeFileSync("/tmp/locked.lock", "data");
    mkdirSync("/tmp/folder");
    symlinkSync("/tmp/precious", "/tmp/link.lock");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen("/tmp/service.sock", resolve));
    try {
      for (const name of ["precious", "locked", "folder", "link", "service.sock"]) {
        assertMisuse(() => Runtime.open({ name }), NameInUseError, { says: [name, "would be removed"] });
      }
      assertEquals(readFileSync("/tmp/precious", "utf8"), "data");
      assertEquals(readFileSync("/tmp/locked.lock", "utf8"), "data");
      assert(lstatSync("/tmp/folder").isDirectory());
      assert(lstatSync("/tmp/service.sock").isSocket());
      using runtime = Runtime.open({ name: "precious.too" });
      assertStillWorks(runtime);
    } finally {
      await new Promise((resolve) => server.close(resolve));
      for (const name of ["precious", "locked.lock", "folder", "link.lock"]) {
        rmSync(`/tmp/${name}`, { recursive: true });
      }
    }
  });
});
