// SPDX-License-Identifier: Apache-2.0
// Arguments of every kind that a script can make up.
import { Buffer } from "node:buffer";
import { Block, BroadcastConfig, BroadcastManager, DataBroadcaster, DataSubscriber, Runtime, Tick } from "../../mod.ts";
import type { Random } from "../support/random.ts";
import { fillBytes, freeWord } from "./content.ts";
import { OwnError } from "./outcome.ts";

/** Calls back into the fuzzer, from inside of a getter or a proxy. */
export type Reenter = () => void;

function own(): never {
  throw new OwnError("thrown by a value");
}

const NUMBERS = [
  ...[0, -0, 1, -1, 0.5, NaN, Infinity, -Infinity, 7, 113, 8160, 8161, 65535, 65536],
  ...[2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53), 1e308, 5e-324],
];
const TEXTS = [
  ...["", "x", "8", "all", "queue", "lossless", "\0", "a\nb", "\ud800", "€".repeat(33), "€".repeat(34)],
  ...["x".repeat(100), "x".repeat(101), "x".repeat(1 << 20), "__proto__", "constructor", "../../etc/passwd", "%s%n"],
];

class LyingBytes extends Uint8Array {
  override get length(): number {
    return 100_000;
  }
  override get byteLength(): number {
    return -1;
  }
  override get byteOffset(): number {
    return 1 << 30;
  }
  override subarray(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(9000);
  }
  override slice(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(3);
  }
}

class ThrowingBytes extends Uint8Array {
  override get length(): number {
    return own();
  }
  override get buffer(): ArrayBuffer {
    return own();
  }
  override subarray(): Uint8Array<ArrayBuffer> {
    return own();
  }
  override set(): void {
    own();
  }
  static get [Symbol.species](): Uint8ArrayConstructor {
    return own();
  }
}

/** Bytes in every kind of memory; what is truly a Uint8Array holds what `bytesFault` accepts. */
function bytes(random: Random): unknown {
  const length = random.pick([0, 1, 4, 8, 72, 100, 4000, 8136, 8160, 8161, 20_000]);
  const resizable = () => new ArrayBuffer(length, { maxByteLength: length + 64 });
  const made: readonly (() => Uint8Array)[] = [
    () => new Uint8Array(length),
    () => new Uint8Array(new SharedArrayBuffer(length)),
    () => new Uint8Array(resizable()),
    () => {
      const buffer = resizable();
      const view = new Uint8Array(buffer, 0, length);
      buffer.resize(length >> 1); // Out of bounds now: it has no bytes.
      return view;
    },
    () => {
      const view = new Uint8Array(length);
      view.buffer.transfer(0);
      return view;
    },
    () => Buffer.alloc(length),
    () => new Uint8Array(length + 3).subarray(3),
    () => new LyingBytes(length),
    () => new ThrowingBytes(length),
    () => Object.assign(new Uint8Array(length), { set: own, constructor: null }),
    () => Object.defineProperty(new Uint8Array(length), "length", { value: Symbol("length") }),
    () => Object.setPrototypeOf(new Uint8Array(length), null),
  ];
  const view = random.pick(made)();
  fillBytes(plainBytes(view) ?? new Uint8Array(0), freeWord(random.bits()));
  return view;
}

const intrinsics: Record<PropertyKey, PropertyDescriptor> = Object.getOwnPropertyDescriptors(
  Object.getPrototypeOf(Uint8Array.prototype),
);

/** The bytes that a value truly has, whatever it says of itself; undefined when it is no Uint8Array. */
export function plainBytes(value: unknown): Uint8Array | undefined {
  if (!ArrayBuffer.isView(value) || !(value instanceof Uint8Array)) return undefined;
  if (intrinsics[Symbol.toStringTag]!.get!.call(value) !== "Uint8Array") return undefined;
  const at = (name: string) => intrinsics[name]!.get!.call(value);
  if (at("length") === 0) return isGone(value) ? undefined : new Uint8Array(0);
  return new Uint8Array(at("buffer"), at("byteOffset"), at("length"));
}

/** Whether the memory of a view without bytes was taken away, so that it can not be read at all. */
export function isGone(view: unknown): boolean {
  try {
    new Uint8Array(0).set(view as Uint8Array);
    return false;
  } catch {
    return true;
  }
}

function noBytes(random: Random): unknown {
  return random.pick([
    () => new Float64Array(4),
    () => new BigInt64Array(2),
    () => new Uint8ClampedArray(8),
    () => new DataView(new ArrayBuffer(8)),
    () => new ArrayBuffer(16),
    () => new SharedArrayBuffer(16),
    () => Object.setPrototypeOf(new Float64Array(2000), Uint8Array.prototype),
    () => Object.setPrototypeOf(new DataView(new ArrayBuffer(8)), Uint8Array.prototype),
    () => Object.create(Uint8Array.prototype),
    () => new Proxy(new Uint8Array(8), { get: own }),
  ])();
}

/** Objects whose own code runs when they are touched. */
function trap(random: Random, reenter: Reenter): unknown {
  const everything = (act: () => unknown) =>
    new Proxy({}, { get: act, has: () => !!act(), ownKeys: () => (act(), []), getPrototypeOf: () => (act(), null) });
  return random.pick<() => unknown>([
    () => everything(own),
    () => everything(reenter),
    () => new Proxy([], { get: own }),
    () => new Proxy(() => {}, { get: own, apply: own }),
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    () => ({ toString: own, valueOf: own, [Symbol.toPrimitive]: own }),
    () => ({ valueOf: () => 1, toString: () => "lossy" }),
    () => ({
      get length() {
        return own();
      },
      get runtime() {
        return own();
      },
      get lane() {
        return own();
      },
    }),
    () => ({ then: own }),
  ])();
}

/** Objects of this module where others are asked for, and what only looks like them. */
function forged(random: Random, ours: readonly unknown[]): unknown {
  const { prototype } = random.pick<{ prototype: object }>([
    ...[Runtime, BroadcastConfig, DataBroadcaster, DataSubscriber, BroadcastManager, Block],
    Object.getPrototypeOf(Tick).constructor,
    AbortSignal,
  ]);
  return random.pick<() => unknown>([
    () => Object.create(prototype),
    () => ours.length === 0 ? prototype : random.pick(ours),
    () => ours.length === 0 ? prototype : new Proxy(random.pick(ours) as object, { get: own }),
    () => structuredClone({ ...new BroadcastConfig() }),
    () => new Block(),
    () => Tick,
  ])();
}

/** Any value. */
export function hostile(random: Random, ours: readonly unknown[], reenter: Reenter): unknown {
  return random.pick<() => unknown>([
    () => random.pick(NUMBERS),
    () => random.pick(NUMBERS),
    () => random.pick(TEXTS),
    () => random.pick([undefined, null, true, false]),
    () => random.pick([0n, 1n, -1n, 2n ** 64n, Symbol("s"), Symbol.iterator]),
    () => random.pick([() => 1, async () => {}, own, function* () {}]),
    () => random.pick([[], [1], {}, Object.create(null), new Date(0), /x/, new Map(), Promise.resolve(), globalThis]),
    () => bytes(random),
    () => bytes(random),
    () => noBytes(random),
    () => trap(random, reenter),
    () => trap(random, reenter),
    () => forged(random, ours),
  ])();
}

/** Values that are not what they should be, but never other valid ones. */
export function hostileValues(values: object, random: Random, reenter: Reenter): unknown {
  const name = random.pick(Object.keys(values));
  const given = (values as Record<string, unknown>)[name];
  const { [name as never]: _, ...fewer } = values;
  let looks = 0;
  return random.pick<() => unknown>([
    () => trap(random, reenter),
    () => fewer,
    () => ({ ...values, unknown: 1 }),
    () => ({ ...values, [name]: random.pick([undefined, null, {}, Symbol("value"), []]) }),
    () => ({
      ...values,
      get [name]() {
        return own();
      },
    }),
    () => ({
      ...values,
      get [name]() {
        return (reenter(), given);
      },
    }),
    () => ({
      ...values,
      get [name]() {
        return looks++ === 0 ? given : own();
      },
    }),
    () => Object.create(values),
    () => new Proxy(values, {}),
  ])();
}

function isForgedBytes(value: unknown): boolean {
  if (typeof value !== "object" || value === null || plainBytes(value) !== undefined) return false;
  try {
    return value instanceof Uint8Array;
  } catch {
    return false;
  }
}

/** Options of which one thing is not what it should be. */
export function hostileOptions(
  options: object,
  names: readonly string[],
  random: Random,
  ours: readonly unknown[],
  reenter: Reenter,
): unknown {
  const name = random.pick(names);
  const given = (options as Record<string, unknown>)[name];
  // Asking what only looks like bytes for its length is an error of the language.
  const any = (): unknown => {
    const value = hostile(random, ours, reenter);
    return isForgedBytes(value) ? null : value;
  };
  return random.pick<() => unknown>([
    () => hostile(random, ours, reenter),
    () => ({ ...options, [name]: any() }),
    () => ({ ...options, [name]: any() }),
    () => ({ ...options, unknown: 1 }),
    () => ({
      ...options,
      get [name]() {
        return own();
      },
    }),
    () => ({
      ...options,
      get [name]() {
        return (reenter(), given);
      },
    }),
    () => {
      let looks = 0;
      const later = any();
      return {
        ...options,
        get [name]() {
          return looks++ === 0 ? given : later;
        },
      };
    },
  ])();
}
