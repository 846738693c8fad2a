// SPDX-License-Identifier: Apache-2.0
import { SchemaCollisionError } from "../../errors.ts";
import type { RecordLayout } from "./record_layout.ts";

const known = new Map<number, RecordLayout>();

/**
 * The id of a schema: the 32-bit FNV-1a hash (Fowler, Noll, Vo) of the layout text in ASCII, its halves folded by XOR into 16
 * bits as its authors advise; 0 means "no schema", so 0 becomes 1. Every process computes the same id from the same definition.
 *
 * @param text The layout text.
 * @returns 1 to 65535.
 */
export function schemaIdOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  const folded = ((hash >>> 16) ^ hash) & 0xffff;
  return folded === 0 ? 1 : folded;
}

/**
 * Enters a definition in this process's list.
 *
 * @param id Its id.
 * @param layout Its layout.
 * @throws {SchemaCollisionError} When another definition has this id.
 */
export function enterSchema(id: number, layout: RecordLayout): void {
  const other = known.get(id);
  if (other !== undefined && other.text !== layout.text) {
    throw new SchemaCollisionError(`define the record ${layout.name}`, {
      condition: `the record ${other.name} of ${other.size} bytes, defined before, has the same schema id`,
      value: id,
    });
  }
  known.set(id, layout);
}

/**
 * Words for a schema that a peer stated.
 *
 * @param id Its id, or 0.
 * @param recordSize Bytes of its records.
 * @returns Its name where this process knows it, else id and record size.
 */
export function describeSchema(id: number, recordSize: number): string {
  const name = known.get(id)?.name;
  const bytes = `records of ${recordSize} bytes`;
  if (name !== undefined) return `${name} (id ${id}, ${bytes})`;
  return id === 0 ? `no schema (${bytes})` : `an unknown schema (id ${id}, ${bytes})`;
}
