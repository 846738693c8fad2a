// SPDX-License-Identifier: Apache-2.0
// cpuAffinity and numaAware: they do what they say, read back from the kernel, or fail saying why.
import { after, before, describe, test } from "node:test";
import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { BroadcastConfigFields } from "../mod.ts";
import type { Placed } from "./placement/placed.ts";
import { runScript } from "./support/process.ts";
import { RouDi } from "./support/roudi.ts";

let roudi: RouDi;
before(async () => {
  roudi = await RouDi.start({ blocks: 64 });
});
after(async () => {
  await roudi.stop();
});

/** Makes one in a script of its own, so that nothing else is pinned. */
async function place(what: "broadcaster" | "subscriber", fields: Partial<BroadcastConfigFields>): Promise<Placed> {
  const script = await runScript("tests/placement/placed.ts", [what, JSON.stringify(fields)]);
  assertEquals(script.exit, { code: 0, signal: null }, script.report());
  return JSON.parse(script.lines[0]!);
}

/** The numbers in a list such as 0-2,5. */
function numbers(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number);
    return Array.from({ length: last! - first! + 1 }, (_, index) => first! + index);
  });
}

describe("cpuAffinity", () => {
  for (const what of ["broadcaster", "subscriber"] as const) {
    test(`of a ${what} pins the thread that makes it, to each CPU that it may have`, async () => {
      const free = await place(what, {});
      assertEquals(free.cpus, free.cpusBefore);
      for (const cpu of numbers(free.cpusBefore).slice(0, 4)) {
        const placed = await place(what, { cpuAffinity: cpu });
        assertEquals([placed.cpus, placed.works, placed.error], [String(cpu), true, undefined]);
        assertEquals(placed.cpusBefore, free.cpusBefore);
        assertNotEquals(placed.cpusOfOthers.length, 0);
        for (const list of placed.cpusOfOthers) assertEquals(list, free.cpusBefore);
      }
    });

    test(`of a ${what} that names a CPU which is not there is an error with the number and how many there are`, async () => {
      for (const cpu of [1023, 1000]) {
        const placed = await place(what, { cpuAffinity: cpu });
        assertEquals(placed.error?.code, "QIPC_OPTION");
        assertEquals(placed.error?.value, cpu);
        assert(placed.error!.limit! >= cpus().length);
        assertStringIncludes(placed.error!.message, `CPU ${cpu}`);
        assertStringIncludes(placed.error!.message, `value ${cpu}`);
        // The thread stays where it was, and no port stays behind.
        assertEquals([placed.cpus, placed.streams], [placed.cpusBefore, 0]);
      }
    });
  }
});

describe("numaAware", () => {
  /** What is to be bound, and what is to be left alone, on each lane. */
  const lanes = {
    auto: { what: "its ring and nothing of the daemon", bound: "rings", free: "others" },
    queue: { what: "block memory", bound: "others", free: "rings" },
  } as const;
  for (const [lane, { what, bound, free }] of Object.entries(lanes) as ["auto" | "queue", typeof lanes["auto"]][]) {
    test(`of a broadcaster with lane ${lane} binds ${what} to a node, or is an UnsupportedError that says why`, async () => {
      // Memory of the daemon that was bound stays so for every process, so this one is of its own.
      await roudi.stop();
      roudi = await RouDi.start({ blocks: 64 });
      const isBound = (policy: string): boolean => /^bind:\d+$/.test(policy);
      const plain = await place("broadcaster", { lane });
      assert(plain.works);
      const { rings, others } = plain.policies;
      assertEquals([...rings, ...others].filter((policy) => policy.startsWith("bind")), []);
      const placed = await place("broadcaster", { lane, numaAware: true });
      if (placed.error === undefined) {
        assert(placed.works);
        // A kernel without NUMA that took the call anyway has nothing to read back here.
        if (existsSync("/proc/self/numa_maps")) {
          assert(placed.policies[bound].some(isBound), JSON.stringify(placed.policies));
          assertEquals(placed.policies[free].filter(isBound), []);
          if (lane === "auto") assertNotEquals(others.length, 0);
          else assertEquals(placed.policies.rings, []);
        }
      } else {
        assertEquals(placed.error.code, "QIPC_UNSUPPORTED");
        assertStringIncludes(placed.error.message, "Cannot bind memory to a node");
        assertEquals(placed.streams, 0);
      }
      // What was bound for one broadcaster of rings binds nobody else.
      if (lane === "auto") {
        const after = await place("broadcaster", { lane });
        assertEquals([...after.policies.rings, ...after.policies.others].filter(isBound), []);
      }
    });
  }

  test("of a subscriber is no error: its memory is the broadcasters'", async () => {
    assert((await place("subscriber", { numaAware: true })).works);
  });
});
