import type { Any } from "@bufbuild/protobuf/wkt";
import type { Degraded_Kind } from "../gen/recourse/v1/degraded_pb.js";
import type { Outcome, RetryAdvice_Verdict, RetryAdvice_Why } from "../gen/recourse/v1/error_detail_pb.js";
import type { RecoveryAction } from "../gen/recourse/v1/recovery_action_pb.js";
import type { FailureCode } from "./codes.js";

/**
 * What a failed call says. Every text is clean, and safe to show on one line; one that is not said is empty.
 * All of it is advice from the network: nothing in it is a command or a credential.
 */
export interface ErrorReport {
  /** The code of the call. */
  readonly code: FailureCode;

  /** The stable name of the error, unique within its domain; the name of the code where the server gave none. */
  readonly errorCode: string;

  /** Who defines the error code, usually the DNS name of a service. */
  readonly domain: string;

  /** For the developer of the client, in English. */
  readonly message: string;

  /** The dynamic parts of the error, in the order of their keys. */
  readonly metadata: ReadonlyMap<string, string>;

  /** What a person can try next. Never empty. */
  readonly suggestion: string;

  /**
   * What would help, best first: alternatives, at most five. Of those without a case only the label is known, and to
   * be shown. None of them has been carried out.
   */
  readonly actions: readonly RecoveryAction[];

  /** An action that is more than to wait has to be done before the request makes sense again. */
  readonly actionRequired: boolean;

  /** Whether the request is worth sending again: what the server said, or what usually holds for the code. */
  readonly verdict: RetryAdvice_Verdict;

  /** Why the server said so. */
  readonly why: RetryAdvice_Why;

  /** How many attempts the server has made before it gave up; 0 if it did not say. */
  readonly attempts: number;

  /** Whether the request took effect. */
  readonly outcome: Outcome;

  /** How long to wait at least before the request is repeated, in milliseconds; undefined if the server did not say. */
  readonly retryDelayMs: number | undefined;

  /** What to quote to the people who run the server. */
  readonly requestId: string;

  /** What has failed, if not the method that was called. */
  readonly operation: string;

  /**
   * The details as they were sent, texts included, for anyUnpack of protobuf-es, which throws for one that does not
   * decode. A google.rpc.BadRequest, for one, has a text for each field of the request that is wrong.
   */
  readonly details: readonly Any[];
}

/** The mark of a successful call whose answer is not the real one but the best that was left. */
export interface DegradedReport {
  /** How the answer differs from the real one. */
  readonly kind: Degraded_Kind;

  /** The error that the real answer ended with. */
  readonly errorCode: string;

  /** Who defines the error code. */
  readonly domain: string;

  /** What to try for a better answer. */
  readonly suggestion: string;

  /** What would bring the real answer back, best first. */
  readonly actions: readonly RecoveryAction[];

  /** How old the answer is, in milliseconds; undefined if that is not known. */
  readonly ageMs: number | undefined;

  /** Where the answer came from, such as "cache"; "not said" for a mark of which only the kind arrived. */
  readonly source: string;
}
