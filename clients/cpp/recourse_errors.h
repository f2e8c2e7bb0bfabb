// What a failed gRPC call tells its caller to do next.
//
//   grpc::Status status = stub->Process(&context, request, &reply);
//   if (!status.ok()) {
//     recourse::Error error = recourse::ReadError(status, context.GetServerTrailingMetadata());
//     std::cerr << error.suggestion << "\n";
//   }
//
// Everything in an error, and in the mark of a degraded answer, comes from the network: it is advice for a program and
// for a person, and untrusted. Nothing here acts on it. Texts are clean: one line of valid UTF-8 without control,
// invisible or direction-changing characters, within fixed limits.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <grpcpp/support/status.h>
#include <grpcpp/support/string_ref.h>

#include "recourse/v1/degraded.pb.h"
#include "recourse/v1/error_detail.pb.h"
#include "recourse/v1/recovery_action.pb.h"

namespace recourse {

// The metadata of a call, as grpc::ClientContext has it.
using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

// What a failed call says, or what its code alone means where it says nothing.
struct Error {
  // The gRPC code; of those that this version does not know, UNKNOWN.
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;

  // The stable name of the error, such as BOOK_ON_LOAN: what programs compare, together with domain. It is the name of
  // the code where the server gives none.
  std::string error_code;

  // Who defines the error code. Empty if the server does not say.
  std::string domain;

  // What happened, for developers.
  std::string message;

  // What the message has in it that changes from call to call.
  std::map<std::string, std::string> metadata;

  // What a person may do next.
  std::string suggestion;

  // What can be done, best first; alternatives. action_case() names the kind, and is ACTION_NOT_SET for one that this
  // version does not know: show its label, and do nothing.
  std::vector<v1::RecoveryAction> recovery_actions;

  // The action that the server wants done before the request makes sense again, if there is one such. It is never to
  // wait.
  std::optional<v1::RecoveryAction> required_action;

  // Whether to send the request again. Never VERDICT_UNSPECIFIED.
  v1::RetryAdvice::Verdict verdict = v1::RetryAdvice::VERDICT_NEVER;

  // The reason for the verdict, WHY_UNSPECIFIED where the server gives none.
  v1::RetryAdvice::Why why = v1::RetryAdvice::WHY_UNSPECIFIED;

  // How many calls the service that gave up has made; 0 if it does not say.
  std::uint32_t attempts = 0;

  // Whether the request took effect, OUTCOME_UNSPECIFIED where that is not known.
  v1::Outcome outcome = v1::OUTCOME_UNSPECIFIED;

  // How long to wait at least before the request is sent again, where the server says so. Never negative, and up to
  // centuries: cap it.
  std::optional<std::chrono::milliseconds> retry_delay;

  // What to quote to support. Empty if there is none.
  std::string request_id;

  // What failed, where that is not just the method that was called.
  std::string operation;
};

// Reads what a failed call says, whatever the server has sent. A status that is OK reads as UNKNOWN.
Error ReadError(const grpc::Status& status, const Metadata& trailers = {});

// Why an answer is not the real one.
struct Degraded {
  // How the answer differs, KIND_UNSPECIFIED where that is not known.
  v1::Degraded::Kind kind = v1::Degraded::KIND_UNSPECIFIED;

  // The error that the real answer ended with, as in Error. Empty if the server does not say.
  std::string error_code;

  // Who defines the error code.
  std::string domain;

  // What a person may try for a better answer.
  std::string suggestion;

  // What would bring the real answer back, best first; alternatives.
  std::vector<v1::RecoveryAction> recovery_actions;

  // How old the answer is, where that is known. Never negative.
  std::optional<std::chrono::milliseconds> age;

  // Where the answer came from, such as "cache".
  std::string source;
};

// Reads from the trailers of a call that succeeded whether its answer is degraded; nothing if it is the real one. The
// initial metadata may have the same mark early.
std::optional<Degraded> ReadDegraded(const Metadata& trailers);

}  // namespace recourse
