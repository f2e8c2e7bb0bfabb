// Goes through the situations of conformance/README.md with gRPC's stock client for C++, but for those of the example,
// and prints a line for each.
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

#include <google/protobuf/empty.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "assistant/v1/assistant.grpc.pb.h"
#include "golden.h"

namespace {

using namespace assistant::v1;
using google::protobuf::Empty;
using recourse::v1::RetryAdvice;

constexpr char kRetry[] = R"({"methodConfig": [{"name": [{}], "retryPolicy": {
  "maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.1s", "backoffMultiplier": 2,
  "retryableStatusCodes": ["UNAVAILABLE"]}}]})";

bool failed = false;

std::string OneLine(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

// Runs a situation, which throws where something is wrong and returns a note.
void Tell(const std::string& name, const std::function<std::string()>& run) {
  try {
    const std::string note = run();
    std::cout << "ok " << name << (note.empty() ? "" : " # " + note) << std::endl;
  } catch (const std::exception& wrong) {
    failed = true;
    std::cout << "not ok " << name << " # " << OneLine(wrong.what()) << std::endl;
  }
}

template <typename T>
std::string Text(const T& value) {
  std::ostringstream out;
  out << std::boolalpha << value;
  return out.str();
}

template <typename T, typename U>
void Same(const std::string& what, const T& got, const U& want) {
  if (!(got == want)) throw std::runtime_error(what + " is " + Text(got) + ", want " + Text(want));
}

void Answered(const grpc::Status& status) {
  if (!status.ok()) throw std::runtime_error("failed: " + status.error_message());
}

std::string Address(const char* name) {
  const char* address = std::getenv(name);
  if (address == nullptr) throw std::runtime_error(std::string(name) + " is not set");
  return address;
}

std::shared_ptr<grpc::Channel> Channel(const char* name) {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kRetry);
  return grpc::CreateCustomChannel(Address(name), grpc::InsecureChannelCredentials(), arguments);
}

void SetDeadline(grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
}

std::string Compare(const golden::Struct& got, const golden::Struct& want) {
  const std::string difference = golden::Difference(got, want);
  if (!difference.empty()) throw std::runtime_error(difference);
  return "";
}

std::string Wire(grpc::TemplatedGenericStub<Empty, Empty>& stub, const golden::Case& c) {
  grpc::ClientContext context;
  SetDeadline(&context);
  Empty request, reply;
  std::promise<grpc::Status> ended;
  stub.UnaryCall(&context, "/recourse.conformance.Golden/" + c.name, grpc::StubOptions(), &request, &reply,
                 [&](grpc::Status status) { ended.set_value(std::move(status)); });
  const grpc::Status status = ended.get_future().get();
  const auto& trailers = context.GetServerTrailingMetadata();
  if (status.ok()) return Compare(golden::Of(recourse::ReadDegraded(trailers)), c.report);
  return Compare(golden::Of(recourse::ReadError(status, trailers)), c.report);
}

// One situation at the live server. Its calls carry a name that is used once.
struct Visit {
  Assistant::Stub& stub;
  std::string id;
  grpc::ClientContext context;

  Visit(Assistant::Stub& stub, const std::string& name) : stub(stub) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    id = "cpp/" + name + "/" + std::to_string(now.count());
    SetDeadline(&context);
    context.AddMetadata("x-visit", id);
  }

  grpc::Status Process(const std::string& query) {
    ProcessRequest request;
    request.set_query(query);
    ProcessResponse reply;
    return stub.Process(&context, request, &reply);
  }

  grpc::Status Generate(const std::string& prompt, int* pieces) {
    GenerateRequest request;
    request.set_prompt(prompt);
    const auto stream = stub.Generate(&context, request);
    for (GenerateResponse piece; stream->Read(&piece);) ++*pieces;
    return stream->Finish();
  }

  recourse::Error Failed(const grpc::Status& status, const std::string& error_code) {
    if (status.ok()) throw std::runtime_error("answered, want " + error_code);
    auto error = recourse::ReadError(status, context.GetServerTrailingMetadata());
    Same("error code", error.error_code, error_code);
    return error;
  }

  // Asks the server how often the call came, and how long the second attempt waited.
  std::string Came(int attempts, int wait = 0) {
    grpc::ClientContext asking;
    SetDeadline(&asking);
    ClassifyIntentRequest request;
    request.set_query(id);
    ClassifyIntentResponse reply;
    Answered(stub.ClassifyIntent(&asking, request, &reply));
    Same("attempts", reply.intent(), std::to_string(attempts));
    if (reply.confidence() < wait) {
      throw std::runtime_error("the second attempt came after " + Text(reply.confidence()) + " ms");
    }
    return wait == 0 ? "" : reply.intent() + " attempts, " + Text(reply.confidence()) + " ms between";
  }

  void IsDegraded() {
    const auto mark = recourse::ReadDegraded(context.GetServerTrailingMetadata());
    if (!mark) throw std::runtime_error("the answer has no mark");
    Same("kind", mark->kind, recourse::v1::Degraded::KIND_STALE);
    Same("error code", mark->error_code, "MODEL_BUSY");
    Same("suggestion", mark->suggestion, "This may be out of date.");
  }
};

void Fixes(const recourse::Error& error, const std::string& field) {
  std::string fields;
  for (const auto& action : error.recovery_actions) {
    for (const auto& fix : action.fix_fields().fixes()) fields += fix.field();
  }
  Same("fields to fix", fields, field);
}

constexpr int kDelay = 300;

const std::vector<std::pair<const char*, std::function<std::string(Visit&)>>> kSituations = {
    {"retry/waits",
     [](Visit& v) {
       Answered(v.Process("waits"));
       return v.Came(2, kDelay);
     }},
    {"retry/never",
     [](Visit& v) {
       const auto error = v.Failed(v.Process("never"), "MODEL_OVERLOADED");
       Same("verdict", error.verdict, RetryAdvice::VERDICT_NEVER);
       Same("why", error.why, RetryAdvice::WHY_OVERLOADED);
       return v.Came(1);
     }},
    {"retry/later",
     [](Visit& v) {
       const auto error = v.Failed(v.Process("later"), "MODEL_AWAY");
       Same("delay", error.retry_delay.value_or(std::chrono::milliseconds(0)).count(), 60000);
       return v.Came(1);
     }},
    {"retry/busy",
     [](Visit& v) {
       Answered(v.Process("busy"));
       return v.Came(3);
     }},
    {"retry/fields",
     [](Visit& v) {
       Fixes(v.Failed(v.Process("fields"), "FIELDS_INVALID"), "query");
       return v.Came(1);
     }},
    {"retry/stream-waits",
     [](Visit& v) {
       int pieces = 0;
       Answered(v.Generate("waits", &pieces));
       Same("pieces", pieces, 3);
       return v.Came(2, kDelay);
     }},
    {"retry/stream-never",
     [](Visit& v) {
       int pieces = 0;
       v.Failed(v.Generate("never", &pieces), "MODEL_OVERLOADED");
       return v.Came(1);
     }},
    {"error/no-headers",
     [](Visit& v) {
       v.Failed(v.Process("never"), "MODEL_OVERLOADED");
       Same("headers", v.context.GetServerInitialMetadata().size(), 0u);
       return "";
     }},
    {"error/largest",
     [](Visit& v) {
       const auto error = v.Failed(v.Process("largest"), "ROWS_INVALID");
       Same("suggestion", error.suggestion, "Correct the rows and send them again.");
       Same("outcome", error.outcome, recourse::v1::OUTCOME_NOT_APPLIED);
       return "";
     }},
    {"error/bug",
     [](Visit& v) {
       const grpc::Status status = v.Process("bug");
       const auto error = v.Failed(status, "ASYNC_UNEXPECTED_FAILED");
       Same("code", error.code, grpc::StatusCode::INTERNAL);
       Same("a request id", !error.request_id.empty(), true);
       std::string all = status.error_message() + status.error_details() + golden::Of(error).ShortDebugString();
       for (const auto& [key, value] : v.context.GetServerTrailingMetadata()) all.append(value.data(), value.size());
       Same("the password's place", all.find("hunter2"), std::string::npos);
       return "";
     }},
    {"error/stream-breaks-off",
     [](Visit& v) {
       int pieces = 0;
       const auto error = v.Failed(v.Generate("breaks-off", &pieces), "TEXT_BROKE_OFF");
       Same("pieces", pieces, 3);
       Same("next position", error.metadata.at("nextPosition"), "3");
       return v.Came(1);
     }},
    {"error/client-stream",
     [](Visit& v) {
       TranscribeResponse reply;
       const auto stream = v.stub.Transcribe(&v.context, &reply);
       for (const char* text : {"hello", "fields"}) {
         TranscribeRequest piece;
         piece.set_text(text);
         stream->Write(piece);
       }
       stream->WritesDone();
       Fixes(v.Failed(stream->Finish(), "FIELDS_INVALID"), "query");
       return "";
     }},
    {"error/bidi",
     [](Visit& v) {
       const auto stream = v.stub.Chat(&v.context);
       ChatRequest turn;
       ChatResponse reply;
       turn.set_message("hello");
       Same("the first turn", stream->Write(turn) && stream->Read(&reply) && reply.message() == "hello", true);
       turn.set_message("fields");
       Same("the second turn", stream->Write(turn) && stream->Read(&reply), false);
       Fixes(v.Failed(stream->Finish(), "FIELDS_INVALID"), "query");
       return "";
     }},
    {"answer/degraded",
     [](Visit& v) {
       Answered(v.Process("degraded"));
       v.IsDegraded();
       return "";
     }},
    {"answer/stream-degraded",
     [](Visit& v) {
       int pieces = 0;
       Answered(v.Generate("degraded", &pieces));
       Same("pieces", pieces, 3);
       v.IsDegraded();
       return "";
     }},
    {"answer/real",
     [](Visit& v) {
       Answered(v.Process("hello"));
       Same("marked", recourse::ReadDegraded(v.context.GetServerTrailingMetadata()).has_value(), false);
       return "";
     }},
};

void Run() {
  std::cout << "client grpc++ " << grpc::Version() << std::endl;
  grpc::TemplatedGenericStub<Empty, Empty> replay(
      grpc::CreateChannel(Address("GOLDEN_ADDR"), grpc::InsecureChannelCredentials()));
  for (const golden::Case& c : golden::Load(Address("GOLDEN_DIR"))) {
    Tell("file/" + c.name, [&] { return Compare(c.Read(), c.report); });
    if (c.crosses) Tell("wire/" + c.name, [&] { return Wire(replay, c); });
  }
  const auto live = Assistant::NewStub(Channel("LIVE_ADDR"));
  for (const auto& [name, situation] : kSituations) {
    Visit visit(*live, name);
    Tell(name, [&, &situation = situation] { return situation(visit); });
  }
}

}  // namespace

int main() {
  try {
    Run();
  } catch (const std::exception& wrong) {
    std::cerr << wrong.what() << std::endl;
    return 1;
  }
  return failed ? 1 : 0;
}
