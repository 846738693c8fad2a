// SPDX-License-Identifier: Apache-2.0
import { collectGarbage, currentRuntime } from "../support/runtime.ts";

interface Collector {
  readonly gc?: (
    options: { readonly type: "major"; readonly execution: "sync"; readonly flavor: "last-resort" },
  ) => void;
}

/** Collects garbage, and gives the system back what the heap has too much: what is resident then is in use. */
export function releaseMemory(): void {
  collectGarbage();
  // A plain collection leaves V8's young generation as large as it once had to be.
  if (currentRuntime === "deno") {
    (globalThis as Collector).gc!({ type: "major", execution: "sync", flavor: "last-resort" });
  }
}
