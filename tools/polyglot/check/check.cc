#include <fstream>
#include <iostream>

#include <google/protobuf/util/time_util.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/error_details.h>

#include "assistant/v1/assistant.grpc.pb.h"
#include "assistant/v1/errors.pb.h"
#include "assistant/v1/model_backend.grpc.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "recourse/v1/catalog.pb.h"
#include "recourse/v1/degraded.pb.h"
#include "recourse/v1/error_detail.pb.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream file(argv[1], std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});

  // As a call returns it.
  const grpc::Status failed(grpc::StatusCode::UNAVAILABLE, "", bytes);
  google::rpc::Status status;
  google::rpc::ErrorInfo info;
  recourse::v1::ErrorDetail detail;
  if (!grpc::ExtractErrorDetails(failed, &status).ok() || status.details_size() != 2 ||
      !status.details(0).UnpackTo(&info) || !status.details(1).UnpackTo(&detail)) {
    return 1;
  }
  if (std::string(assistant::v1::Assistant::service_full_name()) != "assistant.v1.Assistant" ||
      std::string(assistant::v1::ModelBackend::service_full_name()) != "assistant.v1.ModelBackend" ||
      recourse::v1::Degraded::descriptor()->full_name() != "recourse.v1.Degraded") {
    return 1;
  }
  // An option of the catalogue, as a generator of errors reads it.
  const auto& options = assistant::v1::AssistantError_descriptor()->options();
  if (options.GetExtension(recourse::v1::catalog).domain().empty()) return 1;

  const auto& action = detail.recovery_actions(0);
  std::cout << status.code() << ' ' << info.reason() << ' ' << detail.domain() << ' ' << detail.outcome() << ' '
            << detail.retry().verdict() << ' '
            << google::protobuf::util::TimeUtil::DurationToMilliseconds(action.retry_after().max_delay()) << "ms "
            << action.label() << " | " << detail.suggestion() << std::endl;
}
