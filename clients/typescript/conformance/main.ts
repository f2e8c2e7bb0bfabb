// Runs the situations of the conformance suite with one client library: main.js grpc-js|connect. GOLDEN_ADDR, LIVE_ADDR
// and GOLDEN_DIR say where. It writes a line for each situation, and ends with 1 where one has failed.
import { createFileRegistry, create } from "@bufbuild/protobuf";
import { EmptySchema, file_google_protobuf_empty, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Assistant, type ClassifyIntentResponse, type ProcessResponse } from "../gen/assistant/v1/assistant_pb.js";
import { Code, DegradedKind, Outcome, readDegraded, readError, Verdict, Why, type ErrorReport } from "../src/index.js";
import { callerOf, type Caller, type Ended } from "./calls.js";
import { readFile, type Library } from "./file.js";
import { differences, loadGolden, reportOf, type Golden } from "./golden.js";

const library = libraryOf(process.argv[2]);
const golden = loadGolden(variable("GOLDEN_DIR"));
const replay = callerOf(library, variable("GOLDEN_ADDR"), false);
const live = callerOf(library, variable("LIVE_ADDR"), true);
let failed = false;

// The versions are pinned.
const { devDependencies } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
console.log(`client ${devDependencies[library === "connect" ? "@connectrpc/connect" : "@grpc/grpc-js"]}`);

function libraryOf(name: string | undefined): Library {
  if (name !== "grpc-js" && name !== "connect") {
    throw new Error("say which client: grpc-js or connect");
  }
  return name;
}

function variable(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set`);
  }
  return value;
}

// situation writes the line of one. What it returns is a remark.
async function situation(name: string, run: () => Promise<string | void> | string | void): Promise<void> {
  try {
    const remark = await run();
    console.log(`ok ${name}${remark ? ` # ${remark}` : ""}`);
  } catch (error) {
    failed = true;
    const reason = error instanceof Error ? error.message : String(error);
    console.log(`not ok ${name} # ${reason.replace(/\s+/g, " ").trim()}`);
  }
}

function compare(got: Record<string, unknown>, want: Golden["report"]): void {
  const difference = differences(got, want);
  if (difference !== "") {
    throw new Error(difference);
  }
}

for (const file of golden) {
  await situation(`file/${file.name}`, () => compare(readFile(file, library), file.report));
}

// The service that replays the golden files has a method for each, under names that no proto file could have.
const service = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: "golden.proto",
    package: "recourse.conformance",
    syntax: "proto3",
    dependency: [file_google_protobuf_empty.proto.name],
    service: [
      {
        name: "Golden",
        method: golden.map(({ name }) => ({
          name: name.replaceAll("-", "_"),
          inputType: `.${EmptySchema.typeName}`,
          outputType: `.${EmptySchema.typeName}`,
        })),
      },
    ],
  }),
  () => file_google_protobuf_empty,
).getService("recourse.conformance.Golden");
assert.ok(service);

for (const [i, file] of golden.entries()) {
  const method = Object.assign(service.methods[i]!, { name: file.name });
  if (file.fileOnly === undefined) {
    await situation(`wire/${file.name}`, async () => {
      const { error, trailers } = await replay.call(method, [{}]);
      if (library === "connect" && file.name === "status-undecodable") {
        return onlyDataLoss(error);
      }
      compare(reportOf(readError(error), trailers && readDegraded(trailers)), file.report);
    });
  }
}

// onlyDataLoss is for a status that does not decode: Connect then throws an error of its own, and the call's is lost.
function onlyDataLoss(error: unknown): string {
  const report = readError(error);
  assert.equal(report?.code, Code.DATA_LOSS, "code");
  assert.deepEqual(keysOf((error as { metadata: Headers }).metadata), []);
  return "Connect answers DATA_LOSS by itself, and the code of the call does not arrive";
}

// A visit is a call to the service with recourse, and how often it has arrived there.
interface Visit extends Ended {
  readonly report: ErrorReport | undefined;
  readonly attempts: number;
  readonly between: number; // milliseconds
}

type Shape = "process" | "generate" | "transcribe" | "chat";

async function visit(shape: Shape, ...wants: string[]): Promise<Visit> {
  const id = randomUUID();
  const ended = await send(live, shape, wants, id);
  const count = await live.call(Assistant.method.classifyIntent, [{ query: id }]);
  const { intent, confidence } = count.messages[0] as ClassifyIntentResponse;
  return { ...ended, report: readError(ended.error), attempts: Number(intent), between: confidence };
}

function send(caller: Caller, shape: Shape, wants: string[], id: string): Promise<Ended> {
  switch (shape) {
    case "process":
      return caller.call(
        Assistant.method.process,
        wants.map((query) => ({ query })),
        id,
      );
    case "generate":
      return caller.call(
        Assistant.method.generate,
        wants.map((prompt) => ({ prompt })),
        id,
      );
    case "transcribe":
      return caller.call(
        Assistant.method.transcribe,
        wants.map((value) => ({ chunk: { case: "text", value } }) as const),
        id,
      );
    case "chat":
      return caller.call(
        Assistant.method.chat,
        wants.map((message) => ({ message })),
        id,
      );
  }
}

// failedOnce is for a client that does not retry: the error of its one attempt, which has all that a caller needs to do so.
function failedOnce(v: Visit, errorCode: string, delay: number | undefined): string {
  assert.equal(v.attempts, 1, "attempts");
  assert.equal(v.report?.code, Code.UNAVAILABLE, "code");
  assert.equal(v.report.errorCode, errorCode, "error code");
  assert.equal(v.report.verdict, Verdict.SAME_REQUEST, "verdict");
  assert.equal(v.report.retryDelayMs, delay, "delay");
  return `no native retry: ${errorCode} after one attempt, delay ${delay === undefined ? "not said" : `${delay} ms`}`;
}

function waited(v: Visit, messages: number): string {
  if (!live.retries) {
    return failedOnce(v, "MODEL_BUSY", 300);
  }
  assert.equal(v.error, undefined);
  assert.equal(v.messages.length, messages, "messages");
  assert.equal(v.attempts, 2, "attempts");
  assert.ok(v.between >= 300, `only ${v.between} ms between the attempts`);
  return `${v.attempts} attempts, ${v.between} ms between`;
}

function ruledOut(v: Visit): void {
  assert.equal(v.attempts, 1, "attempts");
  assert.equal(v.report?.errorCode, "MODEL_OVERLOADED", "error code");
  assert.equal(v.report.verdict, Verdict.NEVER, "verdict");
  assert.equal(v.report.why, Why.OVERLOADED, "why");
}

function fieldsInvalid(v: Visit): void {
  assert.equal(v.attempts, 1, "attempts");
  assert.equal(v.report?.errorCode, "FIELDS_INVALID", "error code");
  const action = v.report.actions[0]?.action;
  assert.equal(action?.case, "fixFields", "action");
  assert.equal(action.value.fixes[0]?.field, "query", "field");
}

function stale(v: Visit, messages: number): void {
  assert.equal(v.error, undefined);
  assert.equal(v.messages.length, messages, "messages");
  const mark = v.trailers && readDegraded(v.trailers);
  assert.equal(mark?.kind, DegradedKind.STALE, "kind");
  assert.equal(mark.errorCode, "MODEL_BUSY", "error code");
  assert.equal(mark.suggestion, "This may be out of date.", "suggestion");
}

// everything is all that came with an error, as bytes.
function everything({ error }: Visit): string {
  const { message, stack, metadata } = error as Error & { metadata: Iterable<[string, string]> | { getMap(): object } };
  const values = "getMap" in metadata ? Object.values(metadata.getMap()) : [...metadata].map(([, value]) => value);
  const decoded = values.map((v) =>
    typeof v === "string" ? v + Buffer.from(v, "base64").toString("latin1") : v.toString("latin1"),
  );
  return [message, stack, ...decoded].join("\n");
}

await situation("retry/waits", async () => waited(await visit("process", "waits"), 1));
await situation("retry/never", async () => ruledOut(await visit("process", "never")));
await situation("retry/later", async () => {
  const v = await visit("process", "later");
  assert.equal(v.attempts, 1, "attempts");
  assert.equal(v.report?.errorCode, "MODEL_AWAY", "error code");
  assert.equal(v.report.retryDelayMs, 60_000, "delay");
});
await situation("retry/busy", async () => {
  const v = await visit("process", "busy");
  if (!live.retries) {
    return failedOnce(v, "MODEL_RESTARTS", undefined);
  }
  assert.equal(v.error, undefined);
  assert.equal(v.attempts, 3, "attempts");
  return `${v.attempts} attempts`;
});
await situation("retry/fields", async () => fieldsInvalid(await visit("process", "fields")));
await situation("retry/stream-waits", async () => waited(await visit("generate", "waits"), 3));
await situation("retry/stream-never", async () => ruledOut(await visit("generate", "never")));

await situation("error/no-headers", async () => {
  const { headers, error, report } = await visit("process", "never");
  assert.equal(report?.errorCode, "MODEL_OVERLOADED", "error code");
  if (library === "grpc-js") {
    assert.deepEqual(keysOf(headers), []);
    return;
  }
  // Connect shows no headers of a call that has failed, but puts them to the trailers.
  assert.equal(headers, undefined);
  const trailers = ["grpc-message", "grpc-retry-pushback-ms", "grpc-status", "grpc-status-details-bin", "x-request-id"];
  assert.deepEqual(keysOf((error as { metadata: Headers }).metadata), ["content-type", ...trailers]);
});

function keysOf(metadata: unknown): string[] {
  if (metadata instanceof Headers) {
    return [...metadata.keys()].sort();
  }
  return metadata === undefined ? [] : Object.keys((metadata as { getMap(): object }).getMap()).sort();
}

await situation("error/largest", async () => {
  const { report } = await visit("process", "largest");
  assert.equal(report?.code, Code.INVALID_ARGUMENT, "code");
  assert.equal(report.errorCode, "ROWS_INVALID", "error code");
  assert.equal(report.suggestion, "Correct the rows and send them again.", "suggestion");
  assert.equal(report.outcome, Outcome.NOT_APPLIED, "outcome");
});
await situation("error/bug", async () => {
  const v = await visit("process", "bug");
  assert.equal(v.report?.code, Code.INTERNAL, "code");
  assert.equal(v.report.errorCode, "ASYNC_UNEXPECTED_FAILED", "error code");
  assert.notEqual(v.report.requestId, "", "request id");
  assert.match(everything(v), /ASYNC_UNEXPECTED_FAILED/, "the details are looked through");
  assert.doesNotMatch(everything(v), /hunter2/);
});
await situation("error/stream-breaks-off", async () => {
  const v = await visit("generate", "breaks-off");
  assert.equal(v.messages.length, 3, "messages");
  assert.equal(v.attempts, 1, "attempts");
  assert.equal(v.report?.errorCode, "TEXT_BROKE_OFF", "error code");
  assert.equal(v.report.metadata.get("nextPosition"), "3", "nextPosition");
});
await situation("error/client-stream", async () => fieldsInvalid(await visit("transcribe", "hello", "fields")));
await situation("error/bidi", async () => {
  const v = await visit("chat", "hello", "fields");
  assert.equal(v.messages.length, 1, "messages");
  fieldsInvalid(v);
});

await situation("answer/degraded", async () => stale(await visit("process", "degraded"), 1));
await situation("answer/stream-degraded", async () => stale(await visit("generate", "degraded"), 3));
await situation("answer/real", async () => {
  const { error, messages, trailers } = await visit("process", "hello");
  assert.equal(error, undefined);
  assert.equal((messages[0] as ProcessResponse).answer, "attempt 1");
  assert.ok(trailers);
  assert.equal(readDegraded(trailers), undefined);
});

replay.close();
live.close();
process.exitCode = failed ? 1 : 0;
