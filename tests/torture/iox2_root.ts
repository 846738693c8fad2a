// SPDX-License-Identifier: Apache-2.0
// Where the processes of a world of iceoryx2 find each other: a folder, and segments in /dev/shm.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Runtime, type RuntimeOptions } from "../../mod.ts";

const SEGMENTS = "/dev/shm";
/** While processes make files in a folder that is being removed, it has to be tried again. */
const TRIES_MAX = 100;

/** A root and a prefix that no other world has. */
export class Iox2Root {
  /** What a runtime is opened with. */
  readonly options: RuntimeOptions & { readonly root: string; readonly prefix: string };

  constructor(folder: string) {
    this.options = { stack: "iceoryx2", root: join(folder, "root"), prefix: `torture_${process.pid}_` };
  }

  /** Removes the folder. */
  remove(): void {
    rmSync(this.options.root, { recursive: true, force: true, maxRetries: TRIES_MAX, retryDelay: 1 });
  }

  /** Removes the folder and the segments, as somebody does who cleans up under running processes. */
  wipe(): void {
    this.remove();
    for (const name of this.#segments()) rmSync(join(SEGMENTS, name), { force: true });
  }

  /** What is left, after all have ended, when the next process has opened its runtime: it clears up after the dead. */
  findRemains(): string[] {
    const { root } = this.options;
    Runtime.open(this.options).close();
    const files = existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : [];
    return [
      ...files.filter((entry) => !(entry.isDirectory() && entry.parentPath === root)).map(({ parentPath, name }) =>
        join(parentPath, name)
      ),
      ...this.#segments().map((name) => join(SEGMENTS, name)),
    ];
  }

  #segments(): string[] {
    return readdirSync(SEGMENTS).filter((name) => name.startsWith(this.options.prefix));
  }
}
