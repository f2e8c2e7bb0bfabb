// A client of the assistant in examples/server that tells a person what to do when a call fails.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "assistant/v1/assistant.grpc.pb.h"
#include "recourse_errors.h"

namespace {

using namespace assistant::v1;
using recourse::v1::RecoveryAction;
using recourse::v1::RetryAdvice;
using Words = std::vector<std::string>;

constexpr int kFailed = 1, kUsage = 2;
constexpr int kLater = 75;  // scripts may try again later

// Calls are repeated as the server allows: it names the delay, and rules repeats out, in the trailers of its errors.
constexpr char kRetry[] = R"({"methodConfig": [{"name": [{"service": "assistant.v1.Assistant"}], "retryPolicy": {
  "maxAttempts": 3, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 2,
  "retryableStatusCodes": ["UNAVAILABLE"]}}]})";

// Says what an action asks for beyond its label. Nothing is carried out: that is for people.
std::string More(const RecoveryAction& action) {
  std::string more;
  for (const auto& fix : action.fix_fields().fixes()) {
    more += (more.empty() ? "" : ", ") + fix.field();
    if (!fix.suggested_value().empty()) more += " = " + fix.suggested_value();
  }
  const auto& support = action.contact_support();
  more += action.open_link().url() + support.channel();
  if (!support.reference().empty()) more += (more.empty() ? "" : " ") + support.reference();
  return more;
}

void Show(const std::vector<RecoveryAction>& actions) {
  static const std::map<int, std::string> kWho = {{RecoveryAction::ACTOR_CLIENT, "program"},
                                                  {RecoveryAction::ACTOR_CALLER_CODE, "developer"},
                                                  {RecoveryAction::ACTOR_ADMIN, "your admin"},
                                                  {RecoveryAction::ACTOR_SERVICE_OWNER, "operator"}};
  for (const RecoveryAction& action : actions) {
    if (action.label().empty()) continue;  // of a later version, without words
    const auto who = kWho.find(action.actor());
    std::string more = More(action);
    if (!more.empty()) more = " (" + more + ")";
    std::cerr << "- " << (who == kWho.end() ? "you" : who->second) << ": " << action.label() << more << "\n";
  }
}

int Explain(const recourse::Error& error) {
  std::cerr << error.message << " [" << error.error_code << "]\n" << error.suggestion << "\n";
  Show(error.recovery_actions);
  if (error.retry_delay) std::cerr << "Try again in " << (error.retry_delay->count() + 999) / 1000 << " seconds.\n";
  if (!error.request_id.empty()) std::cerr << "Request id " << error.request_id << "\n";
  return error.verdict == RetryAdvice::VERDICT_SAME_REQUEST ? kLater : kFailed;
}

void Explain(const recourse::Degraded& mark) {
  static const char* const kKinds[] = {"degraded", "stale", "default", "partial", "substitute"};
  std::cerr << "This is not the real answer: " << kKinds[mark.kind] << ", from "
            << (mark.source.empty() ? "an unknown source" : mark.source) << ".\n";
  if (!mark.suggestion.empty()) std::cerr << mark.suggestion << "\n";
  Show(mark.recovery_actions);
}

std::string NewId() {
  std::random_device random;
  char id[37];
  std::snprintf(id, sizeof id, "%08x-%04x-4%03x-a%03x-%08x%04x", random(), random() & 0xffff, random() & 0xfff,
                random() & 0xfff, random(), random() & 0xffff);
  return id;
}

grpc::Status Classify(Assistant::Stub& stub, grpc::ClientContext& context, const Words& words) {
  ClassifyIntentRequest request;
  request.set_query(words.at(0));
  ClassifyIntentResponse reply;
  const grpc::Status status = stub.ClassifyIntent(&context, request, &reply);
  if (status.ok()) std::cout << reply.intent() << " (" << static_cast<int>(100 * reply.confidence()) << " %)\n";
  return status;
}

// With an id the request may be sent again: it is recorded once.
grpc::Status Process(Assistant::Stub& stub, grpc::ClientContext& context, const Words& words) {
  const bool named = words.size() > 2 && words[0] == "--id";
  ProcessRequest request;
  request.set_request_id(named ? words[1] : NewId());
  request.set_query(words.at(named ? 2 : 0));
  ProcessResponse reply;
  const grpc::Status status = stub.Process(&context, request, &reply);
  if (!status.ok()) return status;
  std::cout << reply.answer() << "\n";
  if (const auto mark = recourse::ReadDegraded(context.GetServerTrailingMetadata())) Explain(*mark);
  return status;
}

grpc::Status Generate(Assistant::Stub& stub, grpc::ClientContext& context, const Words& words) {
  GenerateRequest request;
  request.set_prompt(words.at(0));
  const auto stream = stub.Generate(&context, request);
  for (GenerateResponse piece; stream->Read(&piece);) std::cout << piece.text() << std::flush;
  std::cout << "\n";
  return stream->Finish();
}

grpc::Status Transcribe(Assistant::Stub& stub, grpc::ClientContext& context, const Words& words) {
  TranscribeResponse reply;
  const auto stream = stub.Transcribe(&context, &reply);
  for (const std::string& word : words) {
    TranscribeRequest piece;
    if (word[0] == '@') {
      std::ostringstream sound;
      sound << std::ifstream(word.substr(1), std::ios::binary).rdbuf();
      piece.set_audio(sound.str());
    } else {
      piece.set_text(word);
    }
    if (!stream->Write(piece)) break;  // Finish says why
  }
  stream->WritesDone();
  const grpc::Status status = stream->Finish();
  if (status.ok()) std::cout << reply.transcript() << "\n";
  return status;
}

grpc::Status Chat(Assistant::Stub& stub, grpc::ClientContext& context, const Words& words) {
  const auto stream = stub.Chat(&context);
  for (const std::string& word : words) {
    ChatRequest turn;
    turn.set_message(word);
    ChatResponse reply;
    if (!stream->Write(turn) || !stream->Read(&reply)) break;
    std::cout << reply.message() << "\n";
  }
  stream->WritesDone();
  return stream->Finish();
}

using Command = std::function<grpc::Status(Assistant::Stub&, grpc::ClientContext&, const Words&)>;

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, Command> commands = {{"classify", Classify}, {"process", Process}, {"generate", Generate},
                                                   {"transcribe", Transcribe}, {"chat", Chat}};
  const char* token = std::getenv("ASSISTANT_TOKEN");
  std::map<std::string, std::string> flags = {{"--addr", "127.0.0.1:50051"}, {"--token", token ? token : ""}};
  Words words(argv + 1, argv + argc);
  while (words.size() > 1 && flags.count(words[0])) {
    flags[words[0]] = words[1];
    words.erase(words.begin(), words.begin() + 2);
  }
  const auto command = words.empty() ? commands.end() : commands.find(words[0]);
  if (command == commands.end() || words.size() < 2) {
    std::cerr << "Usage: client [--addr ADDRESS] [--token TOKEN] COMMAND TEXT...\n"
                 "Commands: classify, process [--id ID], generate, transcribe, chat\n";
    return kUsage;
  }
  words.erase(words.begin());

  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kRetry);
  const auto channel = grpc::CreateCustomChannel(flags["--addr"], grpc::InsecureChannelCredentials(), arguments);
  const auto stub = Assistant::NewStub(channel);
  grpc::ClientContext context;
  context.AddMetadata("authorization", "Bearer " + flags["--token"]);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  const grpc::Status status = command->second(*stub, context, words);
  return status.ok() ? 0 : Explain(recourse::ReadError(status, context.GetServerTrailingMetadata()));
}
