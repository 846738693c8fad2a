// SPDX-License-Identifier: Apache-2.0
//
// Copies of the module and of ring.h that have one check less, to prove that a trial would find out.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { currentRuntime, projectFolder } from "../support/runtime.ts";

/** What is left out: a text that stands once in a file, and what stands there instead. */
interface Mutation {
  readonly file: string;
  readonly text: string;
  readonly instead: string;
}

/** A reader that does not look at the stamp again after it has copied a block. */
export const BLIND_COPY: Mutation = {
  file: "src/ring/block_copies.ts",
  text: "fence();\n    return loadWord(words, at) === low && words[at + 1] === high;",
  instead: "fence();\n    return true;",
};

/** A reader that takes every block in place for whole. */
export const BLIND_IN_PLACE: Mutation = {
  file: "src/ring/ring_reader.ts",
  text: "fence();\n    return this.#view.holds(token);",
  instead: "fence();\n    return true;",
};

/** A writer that leaves the old stamp while it overwrites the block. */
export const HASTY_WRITER: Mutation = {
  file: "src/ring/ring_writer.ts",
  text: "    storeBefore(this.#words, this.#slotWord, (this.#sequence - 1) | 0);\n",
  instead: "",
};

/** The same as the first two, in C. */
export const BLIND_IN_C: Mutation = {
  file: "c_shim/include/qaultra_ipc/ring_reader.h",
  text: "return reader->in_hand && qaultra_ring_look(reader) == QAULTRA_RING_SIGHT_READY;",
  instead: "return reader->in_hand != 0;",
};

/** Each runtime has its own, so that the tests of both can run at once. */
const FOLDER = `build/torn/${currentRuntime}`;

function copyWithout(name: string, paths: readonly string[], { file, text, instead }: Mutation): string {
  const folder = join(FOLDER, name);
  rmSync(join(projectFolder, folder), { recursive: true, force: true });
  mkdirSync(join(projectFolder, folder), { recursive: true });
  for (const path of paths) cpSync(join(projectFolder, path), join(projectFolder, folder, path), { recursive: true });
  const copy = join(projectFolder, folder, file);
  const parts = readFileSync(copy, "utf8").split(text);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times ${JSON.stringify(text)}, not once`);
  writeFileSync(copy, parts.join(instead));
  return folder;
}

/** Makes a copy of the module; returns the path of its `mod.ts`. */
export function makeModule(name: string, mutation: Mutation): string {
  return join(copyWithout(name, ["mod.ts", "src"], mutation), "mod.ts");
}

/** Compiles the reader in C with a copy of the headers; returns its path. */
export function makeReaderProgram(name: string, mutation: Mutation): string {
  const folder = copyWithout(name, ["c_shim/include"], mutation);
  const program = join(folder, "reader");
  const options = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-I", join(folder, "c_shim/include")];
  execFileSync("cc", [...options, "-o", program, "tests/torn/reader.c"], { cwd: projectFolder, stdio: "inherit" });
  return program;
}
