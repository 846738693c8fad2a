// SPDX-License-Identifier: Apache-2.0
// The parker against a library of the test's own, so that a wake-up can come as late as wanted.
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import type { Native } from "../src/ffi/native.ts";
import type { NativeSubscriber } from "../src/transport/native_subscriber.ts";
import { Parker } from "../src/transport/parker.ts";

const ARMED = 0;
const HAS_DATA = 1;

function makeParker() {
  const calls: string[] = [];
  const state = { armStatus: ARMED, readable: (): void => {} };
  const native = {
    symbols: {
      qipc_waiter_open: () => 0,
      qipc_waiter_arm: () => (calls.push("arm"), state.armStatus),
      qipc_waiter_clear: () => (calls.push("clear"), 0),
      qipc_waiter_disarm: () => 0,
      qipc_waiter_close: () => 0,
    },
    result: { native: null },
    resultWords: new Uint32Array(2),
    check: (status: number) => status,
    watch: (_descriptor: number, onReadable: () => void) => {
      state.readable = onReadable;
      return { ref: () => calls.push("ref"), unref: () => calls.push("unref"), close: () => {} };
    },
  } as unknown as Native;
  const port = { handle: 1, hasData: () => state.armStatus === HAS_DATA } as unknown as NativeSubscriber;
  return { parker: new Parker(native, 1), port, calls, state };
}

test("Parker arms a port again after a wake-up for data that were read before it was parked", () => {
  const { parker, port, calls, state } = makeParker();
  let woken = 0;
  parker.park(port, () => woken++);
  state.readable();
  assertEquals(woken, 0);
  assertEquals(calls, ["arm", "ref", "clear", "arm"]);
});

test("Parker wakes a port once when there are data, and lets the process end then", () => {
  const { parker, port, calls, state } = makeParker();
  let woken = 0;
  parker.park(port, () => woken++);
  state.armStatus = HAS_DATA;
  state.readable();
  state.readable();
  assertEquals(woken, 1);
  assertEquals(calls.filter((call) => call === "unref").length, 1);
});
