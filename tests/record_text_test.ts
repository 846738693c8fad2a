// SPDX-License-Identifier: Apache-2.0
import { assert, assertEquals, assertThrows } from "@std/assert";
import { describe, test } from "node:test";
import { defineRecord } from "../src/block/record/record_schema.ts";
import { TextCache, textEquals } from "../src/block/record/text.ts";
import { ArgumentError } from "../src/errors.ts";
import { Random } from "./support/random.ts";

const bytesOf = (text: string, size: number) => {
  const bytes = new Uint8Array(size);
  new TextEncoder().encodeInto(text, bytes);
  return bytes;
};

describe("TextCache", () => {
  test("TextCache reads as a plain decoder does, with more texts than it has entries", () => {
    const random = new Random(7);
    const caches = [new TextCache(12), new TextCache(100)];
    for (let i = 0; i < 20_000; i++) {
      const text = `S${random.integer(0, 5000)}`;
      for (const [cache, size] of [[caches[0]!, 12], [caches[1]!, 100]] as const) {
        assertEquals(cache.read(bytesOf(text, size), 0), text);
      }
    }
  });

  test("TextCache tells texts apart that differ in one byte, or only in length", () => {
    const cache = new TextCache(4);
    for (let turn = 0; turn < 2; turn++) {
      for (const text of ["", "a", "aa", "aaa", "aaaa", "aaab", "baaa"]) {
        assertEquals(cache.read(bytesOf(text, 4), 0), text);
      }
    }
  });

  test("TextCache ignores what a peer left behind the first NUL", () => {
    const cache = new TextCache(6);
    assertEquals(cache.read(Uint8Array.of(69, 83, 0, 120, 121, 122), 0), "ES");
    assertEquals(cache.read(Uint8Array.of(0, 83, 0, 120, 121, 122), 0), "");
  });

  test("TextCache reads broken UTF-8 of a peer as replacement characters", () => {
    assertEquals(new TextCache(3).read(Uint8Array.of(97, 0xff, 98), 0), "a\ufffdb");
    assertEquals(new TextCache(3).read(Uint8Array.of(0xe2, 0x82, 0), 0), "\ufffd");
  });

  test("TextCache reads shared memory", () => {
    const bytes = new Uint8Array(new SharedArrayBuffer(8));
    bytes.set([69, 83]);
    assertEquals(new TextCache(8).read(bytes, 0), "ES");
  });
});

describe("textEquals", () => {
  test("textEquals agrees with comparing the decoded text", () => {
    const texts = ["", "a", "ab", "abc", "abcd", "abce", "\u00e9", "\u00e9a", "\u20ac", "b"];
    const cache = new TextCache(4);
    for (const held of texts) {
      for (const asked of [...texts, "abcde", "a\0", "\0"]) {
        const bytes = bytesOf(held, 4);
        assertEquals(textEquals(cache, bytes, 0, 4, asked), held === asked, `${held} ${asked}`);
      }
    }
  });
});

describe("symbolWord", () => {
  test("symbolWord gives the bytes as little-endian words, aligned or not, with a short last one", () => {
    for (const pack of [false, true]) {
      const schema = defineRecord(pack ? "WordsPacked" : "WordsNatural", {
        lead: "u8",
        odd: "char[7]",
        number: "u32",
        even: "char[8]",
        next: "u8",
      }, { pack });
      const data = new Uint8Array(schema.size);
      schema.write(data, 0, { lead: 255, odd: "abcdefg", number: 0xffffffff, even: "ABCDEFG\x7f", next: 255 });
      const record = schema.over(data).at(0);
      assertEquals([0, 1].map((i) => record.oddWord(i)), [0x64636261, 0x676665]);
      assertEquals([0, 1].map((i) => record.evenWord(i)), [0x44434241, 0x7f474645]);
      for (const index of [2, -1, 0.5, NaN]) {
        assertThrows(() => record.oddWord(index), ArgumentError);
        assertThrows(() => record.evenWord(index), ArgumentError);
      }
    }
  });

  test("symbolWord is unsigned", () => {
    const schema = defineRecord("WordUnsigned", { symbol: "char[4]" });
    const record = schema.over(Uint8Array.of(255, 255, 255, 255)).at(0);
    assertEquals(record.symbolWord(0), 0xffffffff);
    assert(!record.symbolEquals("\xff\xff\xff\xff"));
  });
});
