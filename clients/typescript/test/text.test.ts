import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { clean, compareBytes, decodeText, percentDecode } from "../src/text.js";

type Ranges = Record<"spaces" | "removed", [first: number, last: number][]>;

test("every character is what text.json says of it", () => {
  const ranges: Ranges = JSON.parse(
    readFileSync(new URL("../../../../conformance/text.json", import.meta.url), "utf8"),
  );
  const wanted = new Map<number, string>();
  for (const [list, becomes] of [
    [ranges.spaces, " "],
    [ranges.removed, ""],
  ] as const) {
    for (const [first, last] of list) {
      for (let c = first; c <= last; c++) {
        wanted.set(c, becomes);
      }
    }
  }
  for (let c = 0; c <= 0x10ffff; c++) {
    if (c < 0xd800 || c > 0xdfff) {
      const character = String.fromCodePoint(c);
      const want = `a${wanted.get(c) ?? character}b`;
      if (clean(`a${character}b`) !== want) {
        assert.equal(clean(`a${character}b`), want, `U+${c.toString(16)}`);
      }
    }
  }
});

test("a text is cut at a character, to bytes of UTF-8", () => {
  for (const [text, limit, want] of [
    ["abcdef", 6, "abcdef"],
    ["abcdefg", 6, "abc..."],
    ["ab cdefg", 6, "ab..."], // no space before the dots
    ["äöüß", 8, "äöüß"],
    ["äöüßa", 8, "äö..."], // five bytes are two and a half characters
    ["😀😀", 7, "😀..."],
    ["  a  ", 6, "a"],
    ["\ud800x", 6, "\ufffdx"],
  ] as const) {
    assert.equal(clean(text, limit), want);
  }
});

test("a long run of spaces costs no more than other text", () => {
  const started = performance.now();
  assert.equal(clean("a" + " ".repeat(1 << 18) + "b", 6), "a...");
  assert.ok(performance.now() - started < 2000);
});

test("a run of bytes that are no text becomes one U+FFFD", () => {
  for (const [bytes, want] of [
    [[0x61, 0xff, 0xff, 0x62], "a\ufffdb"],
    [[0xe2, 0x82, 0x61], "\ufffda"], // a character that ends early
    [[0xff, 0xef, 0xbf, 0xbd], "\ufffd\ufffd"], // the second was sent
    [[0xc0, 0xaf], "\ufffd"], // overlong
    [[0xed, 0xa0, 0x80], "\ufffd"], // a surrogate
    [[0xf4, 0x90, 0x80, 0x80], "\ufffd"], // beyond Unicode
    [[0xef, 0xbb, 0xbf, 0x61], "\ufeffa"],
    [[0xf0, 0x9f, 0x98, 0x80], "😀"],
  ] as const) {
    assert.equal(decodeText(Uint8Array.from(bytes)), want);
  }
});

test("keys are in the order of their bytes", () => {
  const keys = ["b", "a", "\uffee", "😀", "", "ab"];
  assert.deepEqual(keys.sort(compareBytes), ["", "a", "ab", "b", "\uffee", "😀"]);
});

test("grpc-message is decoded whatever is in it", () => {
  assert.equal(percentDecode("100%25 gr%C3%BCn"), "100% grün");
  assert.equal(percentDecode("100% %zz %"), "100% %zz %");
  assert.equal(percentDecode("%FF"), "\ufffd");
});
