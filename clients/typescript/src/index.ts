/**
 * Reads gRPC errors that tell the caller what to do next.
 *
 * @packageDocumentation
 */
export { readError } from "./error.js";
export { readDegraded } from "./degraded.js";
export type { DegradedReport, ErrorReport } from "./report.js";
export type { FailureCode } from "./codes.js";
export type { MetadataLike } from "./metadata.js";
export { Code } from "../gen/google/rpc/code_pb.js";
export { Outcome, RetryAdvice_Verdict as Verdict, RetryAdvice_Why as Why } from "../gen/recourse/v1/error_detail_pb.js";
export { Degraded_Kind as DegradedKind } from "../gen/recourse/v1/degraded_pb.js";
export {
  RecoveryAction_Actor as Actor,
  RecoveryActionSchema,
  type RecoveryAction,
} from "../gen/recourse/v1/recovery_action_pb.js";
