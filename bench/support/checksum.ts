// SPDX-License-Identifier: Apache-2.0

/**
 * A sum of u32 words by WebAssembly SIMD, over memory that it shares with the caller.
 *
 * Every used byte of a bench enters a checksum on both ends. In C the compiler turns that sum into SIMD; a loop in
 * JavaScript takes four to eight times as long and would be most of what is measured. This module is the same sum, written
 * by hand, so that both sides pay about the same for being checked:
 *
 *     (func (export "sum") (param $at i32) (param $end i32) (result i32) (local $a v128) (local $b v128)
 *       (loop
 *         (local.set $a (i32x4.add (local.get $a) (v128.load (local.get $at))))
 *         (local.set $b (i32x4.add (local.get $b) (v128.load offset=16 (local.get $at))))
 *         (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 32))) (local.get $end))))
 *       ... the sum of the eight lanes ...)
 */
const MODULE = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // magic, version
  ...[0x01, 0x07, 0x01, 0x60, 0x02, 0x7f, 0x7f, 0x01, 0x7f], // type 0: (i32, i32) -> i32
  ...[0x03, 0x02, 0x01, 0x00], // function 0 is of type 0
  ...[0x05, 0x03, 0x01, 0x00, 0x02], // memory 0: two pages
  ...[0x07, 0x10, 0x02, 0x06, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x00, 0x03, 0x73, 0x75, 0x6d, 0x00, 0x00],
  ...[0x0a, 0x4d, 0x01, 0x4b, 0x01, 0x02, 0x7b], // code: one body with two v128 locals
  ...[0x03, 0x40], // loop
  ...[0x20, 0x02, 0x20, 0x00, 0xfd, 0x00, 0x04, 0x00, 0xfd, 0xae, 0x01, 0x21, 0x02], // a += load(at)
  ...[0x20, 0x03, 0x20, 0x00, 0xfd, 0x00, 0x04, 0x10, 0xfd, 0xae, 0x01, 0x21, 0x03], // b += load(at + 16)
  ...[0x20, 0x00, 0x41, 0x20, 0x6a, 0x22, 0x00, 0x20, 0x01, 0x49, 0x0d, 0x00, 0x0b], // at += 32, again while at < end
  ...[0x20, 0x02, 0x20, 0x03, 0xfd, 0xae, 0x01, 0x22, 0x02], // a += b
  ...[0xfd, 0x1b, 0x00, 0x20, 0x02, 0xfd, 0x1b, 0x01, 0x6a], // lane 0 + lane 1
  ...[0x20, 0x02, 0xfd, 0x1b, 0x02, 0x6a, 0x20, 0x02, 0xfd, 0x1b, 0x03, 0x6a, 0x0b], // + lane 2 + lane 3
]);

const instance = new WebAssembly.Instance(new WebAssembly.Module(MODULE));

/** The memory that `sum` reads: 128 KiB, zero at first. */
export const checksumMemory: ArrayBuffer = (instance.exports.memory as WebAssembly.Memory).buffer as ArrayBuffer;

/**
 * Sums the u32 words of [begin, end) of `checksumMemory` modulo 2^32.
 *
 * It goes in steps of 32 bytes: what follows `end` up to the next step must be zero.
 */
export const sum = instance.exports.sum as (begin: number, end: number) => number;
