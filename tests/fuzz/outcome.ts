// SPDX-License-Identifier: Apache-2.0
// What a call of the fuzzer may end in: a result, or an error that this module stands by.
import { ERROR_CODES, IpcError } from "../../mod.ts";

/** Thrown by the fuzzer's own handlers and values, and expected to come out as it is. */
export class OwnError extends Error {}

/** What calls came to. */
export interface Tally {
  calls: number;
  readonly errors: Record<string, number>;
}

/** How a call ended. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string };

/** The code of errors that are the fuzzer's own. */
export const OWN = "(the caller's own)";
/** What the language says of a proxy that was revoked, whoever touches it. */
export const REVOKED = "(revoked proxy)";

/** What it says of a getter that is called on what only has its prototype. */
const FORGED = "(forged object)";

/** Codes that say that this module, and not its user, did something wrong. */
const NEVER: ReadonlySet<string> = new Set([
  "QIPC_ERROR",
  "QIPC_INTERNAL",
  "QIPC_NULL",
  "QIPC_MISALIGNED",
  "QIPC_BUFFER_TOO_SMALL",
  "QIPC_BAD_HANDLE",
  "QIPC_WRONG_THREAD",
  "QIPC_NOT_HELD",
  "QIPC_TOO_MANY_HELD",
  "QIPC_RING_CORRUPT",
  "QIPC_RING_VERSION",
  "QIPC_SYSTEM",
  "QIPC_DAEMON_GONE",
  "QIPC_DAEMON_HUNG",
]);

const MESSAGE = /^Cannot [^]+: [^]+; [^]+$/;

/** What an error is called in the tally, and what is wrong with it. */
export function judge(error: unknown): { readonly code: string; readonly fault: string } {
  if (error instanceof OwnError) return { code: OWN, fault: "" };
  if (error instanceof TypeError && /revoked/.test(error.message)) return { code: REVOKED, fault: "" };
  // A getter of ours that is called on what only has its prototype.
  if (error instanceof TypeError && /private (member|field)/.test(error.message)) return { code: FORGED, fault: "" };
  if (!(error instanceof IpcError)) {
    return { code: "(untyped)", fault: `threw ${error instanceof Error ? error.stack : String(error)}` };
  }
  const { code } = error;
  const known = ERROR_CODES[code];
  const isSound = known !== undefined && error instanceof known && error.name === known.name &&
    MESSAGE.test(error.message) && error.remedy !== "";
  if (!isSound) return { code, fault: `threw an error that is not what its code says: ${error.stack}` };
  return { code, fault: NEVER.has(code) ? `threw what should never be seen: ${error.stack}` : "" };
}
