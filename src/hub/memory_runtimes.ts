// SPDX-License-Identifier: Apache-2.0
import { OptionsDifferError } from "../errors.ts";
import { MemoryTransport } from "../transport/memory_transport.ts";
import { bufferOfHandle, type MemoryHandle } from "../transport/memory_handle.ts";
import { memoryOptions, OPEN_ACTION, type RuntimeOptions } from "./runtime_options.ts";

/** The memory that this Worker's runtimes of the memory stack share, while one is open. */
let shared: { readonly handle: MemoryHandle; readonly options: string } | undefined;
const open = new Set<MemoryTransport>();

/** Opens the memory stack: one for each Worker, or, by a handle, the one of another Worker. */
export function openMemory(options: RuntimeOptions): MemoryTransport {
  const wanted = memoryOptions(options);
  for (const transport of open) if (transport.state === "closed") open.delete(transport);
  if (open.size === 0) shared = undefined;
  const text = JSON.stringify(wanted);
  const { handle } = options;
  // Checked before it is compared with anything.
  if (handle !== undefined) bufferOfHandle(OPEN_ACTION, handle);
  if (
    shared !== undefined && (handle === undefined ? shared.options !== text : shared.handle.buffer !== handle.buffer)
  ) {
    throw new OptionsDifferError(OPEN_ACTION);
  }
  const known = handle === undefined ? shared?.handle : handle;
  const transport = known === undefined ? MemoryTransport.create(wanted) : MemoryTransport.attach(known);
  shared ??= { handle: transport.handle, options: text };
  open.add(transport);
  return transport;
}
