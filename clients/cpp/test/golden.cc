#include "golden.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/message_differencer.h>

#include "google/rpc/code.pb.h"

namespace golden {
namespace {

namespace pb = google::protobuf;
using recourse::v1::RecoveryAction;

std::string Base64(const std::string& text) {
  static const std::string kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int n = 0;
  for (char c : text) {
    const std::size_t digit = kAlphabet.find(c);
    if (c == '=') break;
    if (digit == std::string::npos) throw std::runtime_error("not base64: " + text);
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    if ((n += 6) >= 8) out += static_cast<char>(bits >> (n -= 8));
  }
  return out;
}

bool EndsIn(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

const std::string& String(const Struct& s, const std::string& key) {
  const auto found = s.fields().find(key);
  return found == s.fields().end() ? pb::internal::GetEmptyString() : found->second.string_value();
}

// Builds a report: what is empty, zero or false is left out.
class Builder {
 public:
  Builder& Add(const char* key, const std::string& value) {
    if (!value.empty()) At(key).set_string_value(value);
    return *this;
  }
  Builder& Add(const char* key, bool value) {
    if (value) At(key).set_bool_value(true);
    return *this;
  }
  Builder& Add(const char* key, std::uint32_t value) {
    if (value != 0) At(key).set_number_value(value);
    return *this;
  }
  Builder& Add(const char* key, std::optional<std::chrono::milliseconds> value) {
    if (value) At(key).set_number_value(static_cast<double>(value->count()));
    return *this;
  }
  Builder& Add(const char* key, const Struct& value) {
    if (!value.fields().empty()) *At(key).mutable_struct_value() = value;
    return *this;
  }
  Builder& Add(const char* key, const std::vector<RecoveryAction>& actions);

  Struct report;

 private:
  pb::Value& At(const char* key) { return (*report.mutable_fields())[key]; }
};

// Returns the name of an enum's value without its prefix; nothing for 0 and for one that is not known.
template <typename E>
std::string Word(E value) {
  const pb::EnumDescriptor* names = pb::GetEnumDescriptor<E>();
  const pb::EnumValueDescriptor* name = names->FindValueByNumber(value);
  if (value == 0 || name == nullptr) return "";
  const std::string& zero = names->FindValueByNumber(0)->name();
  return name->name().substr(zero.size() - std::string("UNSPECIFIED").size());
}

Struct BodyOf(const RecoveryAction& action, const pb::FieldDescriptor& kind) {
  if (action.has_custom()) {
    const std::string& url = action.custom().type_url();
    return Builder().Add("type", url.substr(url.rfind('/') + 1)).report;
  }
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status =
      pb::util::MessageToJsonString(action.GetReflection()->GetMessage(action, &kind), &json, options);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  return ParseJson(json);
}

Struct ActionOf(const RecoveryAction& action) {
  Builder b;
  b.Add("actor", Word(action.actor())).Add("label", action.label());
  b.Add("thenRetry", action.then_retry()).Add("required", action.required());
  if (const pb::FieldDescriptor* kind = RecoveryAction::descriptor()->FindFieldByNumber(action.action_case())) {
    b.Add("type", kind->name()).Add("body", BodyOf(action, *kind));
  }
  return b.report;
}

Builder& Builder::Add(const char* key, const std::vector<RecoveryAction>& actions) {
  for (const RecoveryAction& action : actions) {
    *At(key).mutable_list_value()->add_values()->mutable_struct_value() = ActionOf(action);
  }
  return *this;
}

Case Parse(const std::filesystem::path& path) {
  const Struct file = ParseJson(ReadFile(path));
  const Struct& call = file.fields().at("call").struct_value();
  Case c;
  c.name = path.stem();
  c.crosses = file.fields().count("fileOnly") == 0;
  c.code = static_cast<int>(call.fields().at("code").number_value());
  c.message = String(call, "message");
  c.status = Base64(String(call, "status"));
  if (call.fields().count("trailers") != 0) {
    for (const auto& [key, value] : call.fields().at("trailers").struct_value().fields()) {
      c.trailers.emplace_back(key, EndsIn(key, "-bin") ? Base64(value.string_value()) : value.string_value());
    }
  }
  c.report = file.fields().at("report").struct_value();
  return c;
}

}  // namespace

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return std::string((std::istreambuf_iterator<char>(file)), {});
}

Struct ParseJson(const std::string& text) {
  Struct out;
  const auto status = pb::util::JsonStringToMessage(text, &out);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  return out;
}

std::vector<Case> Load(const std::string& folder) {
  std::vector<Case> cases;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".json") cases.push_back(Parse(file.path()));
  }
  if (cases.empty()) throw std::runtime_error("no golden files in " + folder);
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name < b.name; });
  return cases;
}

Struct Case::Read() const {
  recourse::Metadata metadata;
  for (const auto& [key, value] : trailers) metadata.emplace(key, value);
  if (code == 0) return Of(recourse::ReadDegraded(metadata));
  return Of(recourse::ReadError(grpc::Status(static_cast<grpc::StatusCode>(code), message, status), metadata));
}

Struct Of(const recourse::Error& e) {
  Builder metadata;
  for (const auto& [key, value] : e.metadata) (*metadata.report.mutable_fields())[key].set_string_value(value);
  Builder b;
  b.Add("code", google::rpc::Code_Name(static_cast<google::rpc::Code>(e.code)));
  b.Add("errorCode", e.error_code).Add("domain", e.domain).Add("message", e.message);
  b.Add("metadata", metadata.report).Add("suggestion", e.suggestion).Add("actions", e.recovery_actions);
  b.Add("actionRequired", e.required_action.has_value()).Add("verdict", Word(e.verdict)).Add("why", Word(e.why));
  b.Add("attempts", e.attempts).Add("outcome", Word(e.outcome)).Add("retryDelayMs", e.retry_delay);
  return b.Add("requestId", e.request_id).Add("operation", e.operation).report;
}

Struct Of(const std::optional<recourse::Degraded>& d) {
  Builder b;
  b.Add("code", google::rpc::Code_Name(google::rpc::OK));
  if (!d) return b.report;
  Builder mark;
  mark.Add("kind", Word(d->kind)).Add("errorCode", d->error_code).Add("domain", d->domain);
  mark.Add("suggestion", d->suggestion).Add("actions", d->recovery_actions).Add("ageMs", d->age);
  return b.Add("degraded", mark.Add("source", d->source).report).report;
}

std::string Difference(const Struct& got, const Struct& want) {
  std::string difference;
  pb::util::MessageDifferencer differ;
  differ.ReportDifferencesToString(&difference);
  if (differ.Compare(want, got)) return "";
  return difference.empty() ? "not the same" : difference;
}

}  // namespace golden
