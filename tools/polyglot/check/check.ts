import { readFileSync } from "node:fs";
import { fromBinary, getOption, hasOption } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Assistant } from "./gen/assistant/v1/assistant_pb.js";
import { AssistantErrorSchema } from "./gen/assistant/v1/errors_pb.js";
import { ModelBackend } from "./gen/assistant/v1/model_backend_pb.js";
import { Code } from "./gen/google/rpc/code_pb.js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";
import { catalog } from "./gen/recourse/v1/catalog_pb.js";
import { DegradedSchema } from "./gen/recourse/v1/degraded_pb.js";
import { ErrorDetailSchema } from "./gen/recourse/v1/error_detail_pb.js";

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} is missing`);
  return value;
}

const status = fromBinary(StatusSchema, readFileSync(must(process.argv[2], "the file")));
const info = must(anyUnpack(must(status.details[0], "the first detail"), ErrorInfoSchema), "ErrorInfo");
const detail = must(anyUnpack(must(status.details[1], "the second detail"), ErrorDetailSchema), "ErrorDetail");
const action = must(detail.recoveryActions[0], "the action");
if (action.action.case !== "retryAfter") throw new Error(`the action is ${action.action.case}`);
const delay = must(action.action.value.maxDelay, "the delay");

if (status.code !== Code.UNAVAILABLE) throw new Error("the code is another");
if (Assistant.method.process.name !== "Process" || ModelBackend.methods.length === 0) throw new Error("no services");
if (DegradedSchema.typeName !== "recourse.v1.Degraded") throw new Error("no Degraded");
// An option of the catalogue, as a generator of errors reads it.
if (!hasOption(AssistantErrorSchema, catalog) || getOption(AssistantErrorSchema, catalog).domain === "") {
  throw new Error("no catalogue");
}

const ms = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
console.log(status.code, info.reason, detail.domain, detail.outcome, detail.retry?.verdict, `${ms}ms`, action.label, "|", detail.suggestion);
