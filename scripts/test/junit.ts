// SPDX-License-Identifier: Apache-2.0
// Reads the test cases of a JUnit report as Deno, Bun and ctest write it.
import { readFileSync } from "node:fs";
import type { Case } from "./result.ts";

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
/** Between the name of a group and the name of a test in it. */
const SEPARATOR = " > ";

function unescapeXml(text: string): string {
  return text.replace(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (whole, name: string) => {
    if (name.startsWith("#x")) return String.fromCodePoint(Number.parseInt(name.slice(2), 16));
    if (name.startsWith("#")) return String.fromCodePoint(Number(name.slice(1)));
    return ENTITIES[name] ?? whole;
  });
}

function attribute(tag: string, name: string): string {
  return unescapeXml(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? "");
}

/** The name of a test with its groups before it. Bun, which also tells the file, lists them apart, the innermost first. */
function nameOf(tag: string): string {
  const groups = attribute(tag, "file") === "" ? "" : attribute(tag, "classname");
  return [...groups.split(SEPARATOR).reverse().filter((group) => group !== ""), attribute(tag, "name")].join(SEPARATOR);
}

/** All test cases of the report; none when the file is missing, because the process died before it wrote one. */
export function readJunit(path: string): Case[] {
  let xml: string;
  try {
    xml = readFileSync(path, "utf8");
  } catch {
    return [];
  }
  const cases: Case[] = [];
  for (const [, tag, body] of xml.matchAll(/<testcase(\s[^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const failed = /<(failure|error)[\s>/]/.test(body ?? "") || attribute(tag!, "status") === "fail";
    const skipped = /<skipped[\s>/]/.test(body ?? "") || attribute(tag!, "status") === "disabled";
    cases.push({
      name: nameOf(tag!),
      outcome: failed ? "failed" : skipped ? "skipped" : "passed",
      seconds: Number(attribute(tag!, "time")) || 0,
    });
  }
  return withoutGroups(cases);
}

/** Deno lists a group as a test beside the tests in it. It counts only when it failed by itself, outside of them. */
function withoutGroups(cases: readonly Case[]): Case[] {
  return cases.filter((group) => {
    const inside = cases.filter((test) => test.name.startsWith(group.name + SEPARATOR));
    if (inside.length === 0) return true;
    return group.outcome === "failed" && inside.every((test) => test.outcome !== "failed");
  });
}
