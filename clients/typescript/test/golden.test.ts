import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { readFile } from "../conformance/file.js";
import { differences, loadGolden } from "../conformance/golden.js";

const folder = fileURLToPath(new URL("../../../../conformance/golden", import.meta.url));

for (const golden of loadGolden(folder)) {
  for (const library of ["grpc-js", "connect"] as const) {
    test(`${golden.name} of ${library}`, () => {
      assert.equal(differences(readFile(golden, library), golden.report), "", golden.about);
    });
  }
}
