// SPDX-License-Identifier: Apache-2.0
// The algorithm of the ring, in every interleaving: tests/model. What holds there is not run in each runtime again, since
// neither takes part: Deno's tests have one half of the models, Bun's the other.
import { after, describe, test } from "node:test";
import { readdirSync } from "node:fs";
import { assert, assertEquals, assertGreater, assertNotEquals } from "@std/assert";
import { Ahead, mutantsOf, type Outcome, search } from "./model/run.ts";
import { currentRuntime, projectFolder, type RuntimeName } from "./support/runtime.ts";

/** The models, which runtime's tests have them, and the bounds besides those in the file itself, by name. */
const MODELS: Record<string, { runtime: RuntimeName; bounds?: Record<string, readonly string[]> }> = {
  "seqlock.pml": {
    runtime: "deno",
    bounds: {
      "4 slots": ["SLOTS=4", "LOWS=16", "FIRST=13", "BLOCKS=7", "READERS=1"],
      "skips": ["SLOTS=2", "LOWS=8", "FIRST=5", "BLOCKS=5", "READERS=1", "SKIPS=1"],
      "2 readers": ["SLOTS=2", "LOWS=8", "FIRST=5", "BLOCKS=4", "READERS=2"],
    },
  },
  "head.pml": { runtime: "deno" },
  "lossless.pml": { runtime: "deno" },
  "join.pml": { runtime: "bun", bounds: { "one entry": ["ENTRIES=1", "KEEPER=1", "BLOCKS=2"] } },
  "park.pml": { runtime: "bun" },
  "room.pml": { runtime: "bun" },
};

/** Included by the models. */
const PARTS = ["memory.pml", "credit.pml"];

interface Check {
  readonly name: string;
  readonly work: () => Promise<Outcome>;
  readonly judge: (outcome: Outcome) => void;
}

function holds(outcome: Outcome): void {
  assertEquals([outcome.violation, outcome.isComplete], ["", true], outcome.output);
  // A model whose processes cannot even begin has no states to speak of.
  assertGreater(outcome.states, 10_000, outcome.output);
}

function fails(outcome: Outcome): void {
  assertNotEquals(outcome.violation, "", outcome.output);
}

function checksOf(model: string): Check[] {
  const { bounds = {} } = MODELS[model]!;
  const whole = ["", ...Object.keys(bounds)].map((name) => ({
    name: `${model}${name === "" ? "" : `, ${name}`}, holds in every interleaving`,
    work: () => search(model, bounds[name] ?? [], true),
    judge: holds,
  }));
  const mutants = mutantsOf(model).map((mutant) => ({
    name: `${model} fails without ${mutant.without}`,
    work: () => search(model, [`WITHOUT=${mutant.name}`, ...(bounds[mutant.bounds] ?? [])], false),
    judge: fails,
  }));
  return [...whole, ...mutants];
}

describe("ring model", () => {
  const models = Object.keys(MODELS).filter((model) => MODELS[model]!.runtime === currentRuntime);
  const checks = models.flatMap(checksOf);
  const ahead = new Ahead(checks.map((check) => check.work));
  after(() => ahead.settled());
  checks.forEach((check, index) => test(check.name, async () => check.judge(await ahead.result(index))));

  test("every model of the folder is checked, and each can be broken", () => {
    const files = readdirSync(`${projectFolder}/tests/model`).filter((name) => name.endsWith(".pml"));
    assertEquals(files.sort(), [...Object.keys(MODELS), ...PARTS].sort());
    for (const model of Object.keys(MODELS)) {
      const mutants = mutantsOf(model);
      assertGreater(mutants.length, 0, model);
      for (const { bounds, name } of mutants) {
        assert(
          bounds === "" || MODELS[model]!.bounds?.[bounds] !== undefined,
          `${model} ${name} wants bounds "${bounds}"`,
        );
      }
    }
  });
});
