// SPDX-License-Identifier: Apache-2.0
import { ArgumentError } from "../errors.ts";

/** Tells these handles from other objects that a script posts. */
export const MEMORY_HANDLE_KIND: MemoryHandle["kind"] = "qaultra-memory";

/** What `postMessage` carries to another Worker, so that it joins the memory of this one. */
export interface MemoryHandle {
  /** What it is. */
  readonly kind: "qaultra-memory";
  /** The memory. */
  readonly buffer: SharedArrayBuffer;
}

/**
 * Takes the shared memory out of what claims to be a handle; what lies in it is not looked at.
 *
 * @param action What is attempted, continuing the word "Cannot".
 * @param handle What a Worker was sent.
 * @returns The shared memory.
 * @throws {ArgumentError} When it is no handle.
 */
export function bufferOfHandle(action: string, handle: unknown): SharedArrayBuffer {
  const refuse = (condition: string, value: unknown, cause?: unknown): never => {
    throw new ArgumentError(action, {
      value,
      condition,
      remedy: "pass the handle of a runtime of the memory stack, as postMessage delivers it",
      ...(cause !== undefined && { cause }),
    });
  };
  if (typeof handle !== "object" || handle === null) return refuse("the handle must be an object", handle);
  let kind: unknown;
  let buffer: unknown;
  try {
    ({ kind, buffer } = handle as Partial<Record<keyof MemoryHandle, unknown>>);
  } catch (cause) {
    // A getter or a proxy of the caller's.
    return refuse("the handle cannot be read", handle, cause);
  }
  if (kind !== MEMORY_HANDLE_KIND) return refuse(`kind must be ${JSON.stringify(MEMORY_HANDLE_KIND)}`, kind);
  if (!isShared(buffer)) return refuse("buffer must be a SharedArrayBuffer", buffer);
  return buffer;
}

function isShared(buffer: unknown): buffer is SharedArrayBuffer {
  if (!(buffer instanceof SharedArrayBuffer)) return false;
  try {
    // What only has the prototype would be copied.
    return new Uint8Array(buffer).buffer === buffer;
  } catch {
    return false;
  }
}
