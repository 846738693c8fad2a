// SPDX-License-Identifier: Apache-2.0
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** What Deno asks for a Unix-domain socket. */
export const SOCKET_PERMISSIONS: readonly string[] = ["--allow-read", "--allow-write", "--allow-net"];

/** A path for a socket at which there is none. */
export function freshSocketPath(): string {
  const path = join(tmpdir(), `qaultra-bench-${process.pid}.sock`);
  rmSync(path, { force: true });
  return path;
}
