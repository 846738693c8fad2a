// SPDX-License-Identifier: Apache-2.0
import { BlockReleasedError } from "../errors.ts";
import type { Window } from "./window.ts";

/** Throws the error of every access to a released block. */
export function failReleased(): never {
  throw new BlockReleasedError("read the block");
}

/**
 * Stands where a released block's window stood. Whatever is read from it throws, so that code which reads records needs no
 * check of its own: the hot path only ever sees true windows.
 */
export const RELEASED_WINDOW: Window = new Proxy(Object.create(null), { get: failReleased }) as Window;
