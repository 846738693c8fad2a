// SPDX-License-Identifier: Apache-2.0
// Layering: nothing imports upwards, nothing in circles, and the module imports nothing but itself and node:.
import { cruise, type IForbiddenRuleType } from "dependency-cruiser";
import extractTsConfig from "dependency-cruiser/config-utl/extract-ts-config";
import { readdirSync, statSync } from "node:fs";

/** From the top down: each may import itself and what stands below it. A new folder of src must find its place here. */
const LAYERS = [
  { name: "mod.ts", path: "^mod\\.ts$" },
  { name: "bridge", path: "^src/bridge/" },
  { name: "relay", path: "^src/relay/" },
  { name: "journal", path: "^src/journal/" },
  { name: "hub", path: "^src/hub/" },
  { name: "ring", path: "^src/ring/" },
  { name: "queue", path: "^src/queue/" },
  { name: "block", path: "^src/block/" },
  { name: "transport", path: "^src/transport/" },
  { name: "ffi", path: "^src/ffi/" },
  { name: "errors", path: "^src/errors(\\.ts$|/)" },
];

const upwards: IForbiddenRuleType[] = LAYERS.slice(1).map((layer, index) => ({
  name: `${layer.name} imports nothing above it`,
  severity: "error",
  from: { path: layer.path },
  to: { path: LAYERS.slice(0, index + 1).map((above) => above.path) },
}));

const rules: IForbiddenRuleType[] = [
  ...upwards,
  {
    name: "no circles, types aside",
    severity: "error",
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  {
    name: "only the module itself and node:",
    severity: "error",
    from: { pathNot: "^src/ffi/" },
    to: { pathNot: ["^src/", "^mod\\.ts$"], dependencyTypesNot: ["core"] },
  },
  {
    name: "src/ffi may also name bun:ffi",
    severity: "error",
    from: { path: "^src/ffi/" },
    to: { pathNot: ["^src/", "^bun:ffi$"], dependencyTypesNot: ["core"] },
  },
];

function sourceFiles(folder: string): string[] {
  return readdirSync(folder).map((name) => `${folder}/${name}`).flatMap((path) =>
    statSync(path).isDirectory() ? sourceFiles(path) : path.endsWith(".ts") ? [path] : []
  );
}

const expected = ["mod.ts", ...sourceFiles("src")].sort();
const { output } = await cruise(
  ["mod.ts", "src"],
  { ruleSet: { forbidden: rules }, validate: true, tsPreCompilationDeps: true, includeOnly: undefined },
  undefined,
  { tsConfig: extractTsConfig("tsconfig.json") },
);
if (typeof output === "string") throw new Error("Cannot read the result of dependency-cruiser: it is text");

const seen = output.modules.map((module) => module.source).filter((path) => /^(src\/|mod\.ts$)/.test(path)).sort();
const problems = output.summary.violations.map((violation) =>
  `${violation.rule.name}: ${violation.from} -> ${violation.to}`
);
// With a TypeScript that it does not know, dependency-cruiser sees hardly any module and finds nothing wrong.
for (const path of expected) if (!seen.includes(path)) problems.push(`dependency-cruiser did not see ${path}`);
for (const path of expected) {
  if (!LAYERS.some((layer) => new RegExp(layer.path).test(path))) problems.push(`${path} belongs to no layer`);
}
if (seen.length > 1 && output.summary.totalDependenciesCruised === 0) problems.push("dependency-cruiser saw no import");

for (const problem of problems) console.error(problem);
console.log(`${seen.length} modules, ${output.summary.totalDependenciesCruised} imports`);
Deno.exit(problems.length === 0 ? 0 : 1);
