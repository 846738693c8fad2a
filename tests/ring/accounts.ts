// SPDX-License-Identifier: Apache-2.0
// Processes of other users, without any account on this machine: they see a list of users and groups of their own, in a mount
// namespace that ends with them.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { Process } from "../support/process.ts";
import { currentRuntime, projectFolder, type RuntimeName, scriptCommand } from "../support/runtime.ts";

/** The group that may connect to RouDi; all accounts are in it. */
export const DAEMON_GROUP = "qipc_roudi";
export const DAEMON_GID = 40_100;
const ROOT_UID = 0;
const DAEMON_CONFIGURATION = `[general]
version = 1

[[segment]]
reader = "${DAEMON_GROUP}"
writer = "${DAEMON_GROUP}"

[[segment.mempool]]
size = 1024
count = 64

[[segment.mempool]]
size = 8320
count = 64
`;

/** A group that streams are shared with, and its members. Nobody's processes run under it. */
export const READERS = { name: "qipc_readers", gid: 40_103 };

/** A user, and the group that his processes run under. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly group: string;
  readonly gid: number;
  /** Whether he is in the group of readers. */
  readonly isReader?: boolean;
  /** Further groups of his processes. */
  readonly groups?: readonly number[];
}

export const OWNER: Account = { name: "qipc_owner", uid: 40_001, group: "qipc_feed", gid: 40_101, isReader: true };
/** In the owner's group. */
export const MATE: Account = { name: "qipc_mate", uid: 40_002, group: "qipc_feed", gid: 40_101 };
export const STRANGER: Account = { name: "qipc_stranger", uid: 40_003, group: "qipc_other", gid: 40_102 };
/** In the group of readers, and not in the one that the owner runs under. */
export const GUEST: Account = { name: "qipc_guest", uid: 40_004, group: "qipc_guests", gid: 40_104, isReader: true };
const ACCOUNTS = [OWNER, MATE, STRANGER, GUEST];

/** What a process of an account runs first, as root. A project in a folder of root's own is shown to everybody. */
const PREPARE = 'mount --no-mtab --bind "$0/passwd" /etc/passwd && mount --no-mtab --bind "$0/group" /etc/group && ' +
  'mount --no-mtab --bind "$1" "$0/project" && cd "$0/project" && shift && exec "$@"';

let folder: string | undefined;

function folderOfAccounts(): string {
  if (folder !== undefined) return folder;
  folder = mkdtempSync(join(tmpdir(), "accounts-"));
  execFileSync("chmod", ["755", folder]);
  mkdirSync(join(folder, "project"));
  const users = ACCOUNTS.map(({ name, uid, gid }) => `${name}:x:${uid}:${gid}::/tmp:/bin/sh\n`);
  const groups = new Map(ACCOUNTS.map(({ group, gid }) => [group, `${group}:x:${gid}:\n`]));
  const daemon = `${DAEMON_GROUP}:x:${DAEMON_GID}:${ACCOUNTS.map(({ name }) => name).join()}\n`;
  writeFileSync(join(folder, "passwd"), readFileSync("/etc/passwd", "utf8") + users.join(""));
  const members = ACCOUNTS.filter(({ isReader }) => isReader).map(({ name }) => name);
  const readers = `${READERS.name}:x:${READERS.gid}:${members.join()}\n`;
  writeFileSync(
    join(folder, "group"),
    readFileSync("/etc/group", "utf8") + [...groups.values(), daemon, readers].join(""),
  );
  return folder;
}

function prepared(command: readonly string[]): string[] {
  return [
    ...["unshare", "--mount", "--propagation", "private", "sh", "-c", PREPARE],
    ...[folderOfAccounts(), projectFolder, ...command],
  ];
}

function asAccount({ uid, gid, isReader, groups: others = [] }: Account, command: readonly string[]): string[] {
  const groups = [DAEMON_GID, ...others, ...(isReader ? [READERS.gid] : [])].join();
  return prepared(["setpriv", `--reuid=${uid}`, `--regid=${gid}`, `--groups=${groups}`, ...command]);
}

/** Whether this process may start others under another user. */
export function canSwitchUser(): boolean {
  if (process.geteuid?.() !== ROOT_UID) return false;
  const [program, ...args] = asAccount(STRANGER, ["true"]);
  try {
    execFileSync(program!, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Starts a program of the project as a user. */
export function startProgramAs(account: Account, program: string, args: readonly string[]): Process {
  return new Process(asAccount(account, [join(folderOfAccounts(), "project", program), ...args]));
}

/** Starts a script of the project as a user. */
export function startScriptAs(
  account: Account,
  script: string,
  args: readonly string[],
  runtime: RuntimeName = currentRuntime,
): Process {
  const project = join(folderOfAccounts(), "project");
  const command = scriptCommand(runtime, ["--allow-all"]).map((part) => part.replace(projectFolder, project));
  // The caches of the runtimes that everybody else uses are not his to write.
  const env = { HOME: "/tmp", DENO_DIR: `/tmp/deno-${account.uid}`, BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" };
  return new Process(asAccount(account, [...command, `${project}/${script}`, ...args]), { env });
}

/** Starts a RouDi that the accounts may connect to. */
export async function startDaemonForAccounts(configuration: string = DAEMON_CONFIGURATION): Promise<Process> {
  const file = join(folderOfAccounts(), "roudi.toml");
  writeFileSync(file, configuration);
  const command = ["iox-roudi", "--config-file", file, "--log-level", "error"];
  const daemon = new Process(prepared(["setpriv", `--regid=${DAEMON_GID}`, "--clear-groups", ...command]));
  await daemon.waitForLine("RouDi is ready");
  return daemon;
}

/** A command that finds the modes of files in force even when root runs it. */
function withoutOverride(command: readonly string[]): readonly string[] {
  if (process.geteuid?.() !== ROOT_UID) return command;
  const taken = "-dac_override,-dac_read_search";
  return ["setpriv", `--bounding-set=${taken}`, `--inh-caps=${taken}`, ...command];
}

/** How a process has mapped the files whose name begins so. */
export function mappingsOf(pid: number, prefix: string): Set<string> {
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").filter((line) =>
    line.includes(`/dev/shm/${prefix}`)
  );
  return new Set(lines.map((line) => line.split(" ")[1]!));
}

/** A reader that ends with an error while it subscribes. */
export async function assertNoAccess(reader: Process): Promise<void> {
  assertEquals((await reader.exited()).code, 1, reader.report());
  for (const part of ["AccessError", "Cannot attach to a ring", "may not read /dev/shm/qaultra-ring-"]) {
    assertStringIncludes(reader.stderr, part);
  }
}

/** A script that files whose modes say so are closed to, whoever runs it. */
export function startBound(script: string, args: readonly string[], runtime: RuntimeName = currentRuntime): Process {
  const command = [...scriptCommand(runtime, ["--allow-all"]), `${projectFolder}/${script}`, ...args];
  return new Process(withoutOverride(command));
}
