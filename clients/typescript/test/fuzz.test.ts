// Whatever arrives, a reader reports, within the limits. Each of these tests takes a second, or FUZZ_MS.
import assert from "node:assert/strict";
import { Metadata } from "@grpc/grpc-js";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadGolden } from "../conformance/golden.js";
import { readDegraded, readError, type RecoveryAction } from "../src/index.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { byteLength, clean } from "../src/text.js";
import { decode } from "../src/wire.js";
import { Random } from "./random.js";

const ms = Number(process.env["FUZZ_MS"] ?? 1000);
const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 32);
const golden = loadGolden(fileURLToPath(new URL("../../../../conformance/golden", import.meta.url)));

function fuzz(name: string, once: (random: Random) => void): void {
  test(`${name}, seed ${seed}`, () => {
    const random = new Random(seed);
    const end = performance.now() + ms;
    while (performance.now() < end) {
      once(random);
    }
  });
}

function isText(text: string, limit: number): void {
  assert.equal(clean(text), text);
  assert.ok(byteLength(text) <= limit, `${byteLength(text)} bytes, at most ${limit}`);
}

function areActions(actions: readonly RecoveryAction[]): void {
  assert.ok(actions.length <= 5);
  for (const { label, action } of actions) {
    isText(label, 80);
    if (action.case === "openLink") {
      assert.match(action.value.url, /^https:\/\//);
    }
    if (action.case === "fixFields") {
      assert.ok(action.value.fixes.length <= 25);
      action.value.fixes.forEach((fix) => isText(fix.field, 256));
    }
  }
}

function isReport(error: unknown): void {
  const report = readError(error);
  assert.ok(report);
  isText(report.errorCode, 63);
  isText(report.domain, 253);
  isText(report.message, 256);
  isText(report.suggestion, 256);
  isText(report.requestId, 128);
  isText(report.operation, 256);
  assert.notEqual(report.errorCode, "");
  assert.notEqual(report.suggestion, "");
  assert.notEqual(report.verdict, 0);
  assert.ok(report.code >= 1 && report.code <= 16);
  assert.ok(report.metadata.size <= 64);
  for (const [key, value] of report.metadata) {
    isText(key, 64);
    isText(value, Infinity);
  }
  assert.ok(report.retryDelayMs === undefined || (report.retryDelayMs >= 0 && Number.isInteger(report.retryDelayMs)));
  areActions(report.actions);
}

const statuses = golden.flatMap(({ call }) =>
  call.status === undefined ? [] : [{ code: call.code, status: new Uint8Array(Buffer.from(call.status, "base64")) }],
);

const marks = golden.flatMap(({ call }) => {
  const mark = call.trailers?.["recourse-degraded-bin"];
  return mark === undefined ? [] : [new Uint8Array(Buffer.from(mark, "base64"))];
});

function serviceError(code: number, status: Uint8Array): object {
  const metadata = new Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status));
  return { code, details: "what the call said", metadata };
}

fuzz("a status of random bytes", (random) => {
  isReport(serviceError(random.below(20), random.bytes(random.below(200))));
});

fuzz("a mutated status", (random) => {
  const { code, status } = statuses[random.below(statuses.length)]!;
  isReport(serviceError(code, random.mutated(status)));
});

const details = statuses.flatMap(({ status }) =>
  (decode(StatusSchema, status)?.details ?? []).map(({ typeUrl, value }) => ({
    type: typeUrl.split("/").pop()!,
    value,
  })),
);

fuzz("mutated details without a status around them", (random) => {
  const some = Array.from({ length: 1 + random.below(4) }, () => details[random.below(details.length)]!);
  const mutated = some.map(({ type, value }) => ({ type, value: random.below(2) ? random.mutated(value) : value }));
  isReport({ code: 1 + random.below(16), rawMessage: "", metadata: new Headers(), details: mutated });
});

fuzz("a mutated mark of a degraded answer", (random) => {
  const metadata = new Metadata();
  metadata.add("recourse-degraded-bin", Buffer.from(random.mutated(marks[random.below(marks.length)]!)));
  const report = readDegraded(metadata);
  if (report !== undefined) {
    isText(report.errorCode, 63);
    isText(report.domain, 253);
    isText(report.suggestion, 256);
    isText(report.source, 64);
    assert.ok(report.ageMs === undefined || report.ageMs >= 0);
    areActions(report.actions);
  }
});

test("what nests without end is no detail", () => {
  const info = Buffer.alloc(60_000, 0x0b); // one group in another
  isReport(serviceError(9, info));
  isReport({
    code: 9,
    rawMessage: "",
    metadata: new Headers(),
    details: [{ type: "recourse.v1.ErrorDetail", value: new Uint8Array(info) }],
  });
});
