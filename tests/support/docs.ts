// SPDX-License-Identifier: Apache-2.0
// The programs in the documentation: what a reader would type in, and what it says that they print.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectFolder } from "./runtime.ts";

/** One program of the documentation. */
export interface DocProgram {
  /** Where it stands: file and line. */
  readonly name: string;
  readonly source: string;
  /** What each `console.log(...); // text` says that it prints, in order; "..." stands for anything. */
  readonly prints: readonly string[];
  /** The Deno permissions that it asks for in a comment; `--allow-ffi` alone where it asks for nothing. */
  readonly permissions: readonly string[];
}

/** A fenced block of a Markdown file. */
interface Fence {
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** The Markdown files of the project, by their paths in it. */
export function markdownFiles(): string[] {
  const docs = readdirSync(join(projectFolder, "docs")).filter((name) => name.endsWith(".md")).sort();
  return ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...docs.map((name) => `docs/${name}`)];
}

/** A file of the project. */
export function readProjectFile(path: string): string {
  return readFileSync(join(projectFolder, path), "utf8");
}

/** The programs of a Markdown file: a `ts` block that imports nothing goes on where the block above it ended. */
export function programsOfMarkdown(path: string): DocProgram[] {
  const chains: { line: number; text: string }[] = [];
  for (const { line, text } of fencesOf(readProjectFile(path)).filter((fence) => fence.language === "ts")) {
    const last = chains[chains.length - 1];
    if (/^import /m.test(text)) chains.push({ line, text });
    else if (last === undefined) throw new Error(`${path}:${line}: the first block imports nothing`);
    else last.text += text;
  }
  return chains.map(({ line, text }) => programOf(`${path}:${line}`, text));
}

/** The programs of the `@example`s in the module's sources. */
export function programsOfSources(): DocProgram[] {
  const programs: DocProgram[] = [];
  const files = readdirSync(join(projectFolder, "src"), { recursive: true }).map((name) => `src/${name}`);
  for (const path of ["mod.ts", ...files.filter((name) => name.endsWith(".ts")).sort()]) {
    // A comment's lines without their stars are Markdown; other lines keep the line numbers right.
    const lines = readProjectFile(path).split("\n").map((line) => /^\s*\* ?(.*)$/.exec(line)?.[1] ?? "");
    for (const fence of fencesOf(lines.join("\n"))) {
      if (fence.language === "ts") programs.push(programOf(`${path}:${fence.line}`, fence.text));
    }
  }
  return programs;
}

/** All fenced blocks of a text. */
export function fencesOf(markdown: string): Fence[] {
  const fences: Fence[] = [];
  let open: { line: number; language: string; text: string } | null = null;
  for (const [index, line] of markdown.split("\n").entries()) {
    const fence = /^```(\w*)\s*$/.exec(line);
    if (fence === null) {
      if (open !== null) open.text += `${line}\n`;
    } else if (open === null) {
      open = { line: index + 1, language: fence[1]!, text: "" };
    } else {
      fences.push(open);
      open = null;
    }
  }
  if (open !== null) throw new Error(`A block that begins in line ${open.line} does not end`);
  return fences;
}

/** The headings of a Markdown text as the names that links use. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  let fenced = false;
  for (const line of markdown.split("\n")) {
    if (line.startsWith("```")) fenced = !fenced;
    const heading = fenced ? null : /^#+ (.*)$/.exec(line);
    if (heading === null) continue;
    anchors.add(heading[1]!.toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, "").replaceAll(" ", "-"));
  }
  return anchors;
}

/** A pattern for the lines of an output: all of these, in this order, among others. */
export function printed(prints: readonly string[]): RegExp {
  const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const lines = prints.map((text) => `^${text.split("...").map(escape).join(".*")}$`);
  return new RegExp(lines.join("[^]*"), "m");
}

function programOf(name: string, source: string): DocProgram {
  const prints = [...source.matchAll(/^.*console\.log\(.*\);? \/\/ (.*)$/gm)].map((match) => match[1]!);
  const asked = /\/\/ .*deno run ((?:--allow-\w+ ?)+)/.exec(source)?.[1];
  return { name, source, prints, permissions: asked?.trim().split(" ") ?? ["--allow-ffi"] };
}
