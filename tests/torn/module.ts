// SPDX-License-Identifier: Apache-2.0
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectFolder } from "../support/runtime.ts";

/** Opens the module, or a copy of it in another folder of the project that has a check less. */
export function openModule(path: string): Promise<typeof import("../../mod.ts")> {
  return import(pathToFileURL(join(projectFolder, path)).href);
}
