// SPDX-License-Identifier: Apache-2.0
import { ConfigError } from "../errors.ts";

/** Who may do what with a stream; see {@linkcode StreamAccess.mode}. */
export type StreamMode = 0o600 | 0o640 | 0o644 | 0o660 | 0o664 | 0o666;

/** Which users, beside the broadcaster's own, may use the ring of a stream. */
export interface StreamAccess {
  /**
   * The group that `mode` speaks of: its name or its id. The broadcaster's user has to be a member of it. Default: the group that the
   * process runs under.
   */
  readonly group?: string | number;
  /**
   * Rights in the manner of chmod: of the user, always 6, of the group and of everybody else. 4: may read the blocks, by looking,
   * without being counted or waited for. 6: may be a subscriber in full, who is counted, woken and, on a lossless ring, waited for; for
   * that he writes into the table of readers, and can hold up and confuse others through it. Nobody but the broadcaster's user
   * can ever write blocks. Everybody else may have no more than the group. The umask has no say. Default 0o660.
   */
  readonly mode?: StreamMode;
}

const MODE_DEFAULT = 0o660;
const MODES: readonly number[] = [0o600, 0o640, 0o644, 0o660, 0o664, 0o666] satisfies StreamMode[];
const OWNER_ALONE = 0o600;
/** What Linux and the configuration of a RouDi take: no name can become a path or a second setting. */
const GROUP_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/;
/** The id above it means "none" to the kernel. */
const GROUP_ID_MAX = 2 ** 32 - 2;

/** Whether this can be the name of a group. */
export function isGroupName(name: unknown): name is string {
  return typeof name === "string" && GROUP_NAME.test(name);
}

/** Checks an access that a user gave; returns a copy that nobody can change. */
export function checkAccess(action: string, access: unknown): StreamAccess {
  const refuse = (value: unknown, condition: string, remedy: string): never => {
    throw new ConfigError(action, { value, condition, remedy });
  };
  if (typeof access !== "object" || access === null) {
    return refuse(access, "access must be an object with group or mode, or null", "give access: { group, mode }");
  }
  for (const name of Object.keys(access)) {
    if (name !== "group" && name !== "mode") refuse(name, "access has no such field", "use group or mode");
  }
  const { group, mode = MODE_DEFAULT } = access as { group?: unknown; mode?: unknown };
  if (typeof mode !== "number" || !MODES.includes(mode)) {
    const shown = typeof mode === "number" && Number.isInteger(mode) ? `0o${mode.toString(8)}` : mode;
    refuse(
      shown,
      "access.mode is none of the permitted ones",
      `use ${MODES.map((known) => `0o${known.toString(8)}`).join(", ")}`,
    );
  }
  const isId = typeof group === "number" && Number.isInteger(group) && group >= 0 && group <= GROUP_ID_MAX;
  if (group !== undefined && !isId && !isGroupName(group)) {
    refuse(
      group,
      "access.group is neither the name nor the id of a group",
      "give up to 32 letters, digits, '_', '-' and '.', or the number that `getent group` shows",
    );
  }
  if (group !== undefined && mode === OWNER_ALONE) {
    refuse(
      group,
      "access.mode 0o600 gives the group no right",
      "leave the group out, or give it one with 0o640 or 0o660",
    );
  }
  return Object.freeze(group === undefined ? { mode } : { group, mode }) as StreamAccess;
}
