import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import { Metadata } from "@grpc/grpc-js";
import { test } from "node:test";
import { ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.js";
import { Code, Outcome, readDegraded, readError, Verdict } from "../src/index.js";

test("an error that no gRPC library has made is none", () => {
  for (const value of [
    undefined,
    null,
    "text",
    14,
    new Error("text"),
    Object.assign(new Error(), { code: "ENOENT" }),
    {},
  ]) {
    assert.equal(readError(value), undefined);
  }
});

test("an error is found behind others, though not in a circle", () => {
  const inner = { code: 5, details: "no such book", metadata: new Metadata() };
  const outer = new Error("cannot lend", { cause: new Error("cannot find", { cause: inner }) });
  assert.equal(readError(outer)?.message, "no such book");
  const circle = new Error("circle");
  circle.cause = circle;
  assert.equal(readError(circle), undefined);
});

test("an error that the library has made itself has the advice of its code", () => {
  const report = readError({ code: 4, details: "Deadline exceeded", metadata: new Metadata() });
  assert.equal(report?.code, Code.DEADLINE_EXCEEDED);
  assert.equal(report?.errorCode, "DEADLINE_EXCEEDED");
  assert.equal(report?.verdict, Verdict.NEVER);
  assert.equal(report?.outcome, Outcome.INDETERMINATE);
  assert.equal(readError(new ConnectError("too late", ConnectCode.Canceled))?.code, Code.CANCELLED);
});

test("details of the Connect protocol are read, which has no status around them", () => {
  const error = new ConnectError("the book is on loan", ConnectCode.FailedPrecondition, { "x-request-id": "req-1" });
  const info = create(ErrorInfoSchema, {
    reason: "BOOK_ON_LOAN",
    domain: "library.example.com",
    metadata: { book: "42" },
  });
  error.details = [{ type: "google.rpc.ErrorInfo", value: toBinary(ErrorInfoSchema, info) }];
  const report = readError(error);
  assert.equal(report?.errorCode, "BOOK_ON_LOAN");
  assert.equal(report?.domain, "library.example.com");
  assert.equal(report?.message, "the book is on loan");
  assert.deepEqual([...report!.metadata], [["book", "42"]]);
  assert.equal(report?.requestId, "req-1");
});

test("a status of another error is not heeded", () => {
  const metadata = new Headers({
    "grpc-status": "14",
    "grpc-message": "down",
    "grpc-status-details-bin": "CAkSBGxvYW4",
  });
  // Connect has taken code and message from the details.
  const report = readError(new ConnectError("loan", ConnectCode.FailedPrecondition, metadata));
  assert.equal(report?.code, Code.UNAVAILABLE);
  assert.equal(report?.message, "down");
});

test("metadata has room for every key", () => {
  const entry = [0x0a, 9, ...Buffer.from("__proto__"), 0x12, 1, 0x78];
  const value = Uint8Array.from([0x1a, entry.length, ...entry]);
  const error = new ConnectError("", ConnectCode.NotFound);
  error.details = [{ type: "google.rpc.ErrorInfo", value }];
  assert.deepEqual([...readError(error)!.metadata], [["__proto__", "x"]]);
});

test("a number of more than 64 bits is none", () => {
  const value = [0x0a, 1, 0x61];
  for (const [number, want] of [
    [[...Array(9).fill(0xff), 1], "a"],
    [[...Array(9).fill(0xff), 2], "NOT_FOUND"],
    [[...Array(10).fill(0xff), 1], "NOT_FOUND"],
  ] as const) {
    const error = new ConnectError("", ConnectCode.NotFound);
    error.details = [{ type: "google.rpc.ErrorInfo", value: Uint8Array.from([...value, 0x48, ...number]) }];
    assert.equal(readError(error)?.errorCode, want);
  }
});

test("a field of an unexpected wire type is passed over", () => {
  // outcome (5) as a text, then suggestion (3)
  const value = Uint8Array.from([0x2a, 1, 0x31, 0x1a, 3, ...Buffer.from("Ask")]);
  const error = new ConnectError("", ConnectCode.NotFound);
  error.details = [{ type: "recourse.v1.ErrorDetail", value }];
  const report = readError(error);
  assert.equal(report?.suggestion, "Ask");
  assert.equal(report?.outcome, Outcome.UNSPECIFIED);
});

test("a mark that is damaged is a mark all the same", () => {
  for (const mark of ["CA", "%%%", "A"]) {
    const report = readDegraded(new Headers({ "recourse-degraded-bin": mark }));
    assert.equal(report?.source, "not said", mark);
    assert.equal(report.kind, 0);
  }
});

test("of a mark that stands there twice the last counts", () => {
  assert.equal(readDegraded(new Headers()), undefined);
  const headers = new Headers({ "recourse-degraded-bin": "CAE, CAI" });
  assert.equal(readDegraded(headers)?.kind, 2);
  assert.equal(
    readDegraded(new Headers({ "recourse-degraded-bin": "%", "recourse-degraded": "stale;age=1" }))?.kind,
    1,
  );
});

test("an age below zero is none, however little below", () => {
  for (const [age, want] of [
    [[0x10, ...Array(9).fill(0xff), 1], undefined], // -1 ns
    [[0x10, 1], 0],
  ] as const) {
    const mark = Buffer.from([0x08, 1, 0x32, age.length, ...age]).toString("base64");
    assert.equal(readDegraded(new Headers({ "recourse-degraded-bin": mark }))?.ageMs, want);
  }
});
