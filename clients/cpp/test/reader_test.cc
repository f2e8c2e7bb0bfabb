// Holds the reader to conformance/: reader_test FOLDER [SECONDS], the latter for what is sent by chance.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <random>
#include <string>

#include "golden.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace {

using golden::Struct;
using recourse::v1::ErrorDetail;
using recourse::v1::RecoveryAction;
using recourse::v1::RetryAdvice;

int failures = 0;

void Fail(const std::string& what, const std::string& why) {
  ++failures;
  std::cerr << "FAIL " << what << ": " << why << std::endl;
}

template <typename T, typename U>
void Same(const std::string& what, const T& got, const U& want) {
  if (got == want) return;
  ++failures;
  std::cerr << "FAIL " << what << ": " << got << ", want " << want << std::endl;
}

std::string Utf8(char32_t c) {
  if (c < 0x80) return {static_cast<char>(c)};
  const char last = static_cast<char>(0x80 | (c & 0x3f)), third = static_cast<char>(0x80 | (c >> 6 & 0x3f)),
             second = static_cast<char>(0x80 | (c >> 12 & 0x3f));
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), last};
  if (c < 0x10000) return {static_cast<char>(0xe0 | c >> 12), third, last};
  return {static_cast<char>(0xf0 | c >> 18), second, third, last};
}

std::string Message(const std::string& text) {
  return recourse::ReadError(grpc::Status(grpc::StatusCode::NOT_FOUND, text)).message;
}

using Ranges = std::vector<std::pair<double, double>>;

Ranges RangesIn(const Struct& table, const char* list) {
  Ranges ranges;
  for (const auto& range : table.fields().at(list).list_value().values()) {
    ranges.emplace_back(range.list_value().values(0).number_value(), range.list_value().values(1).number_value());
  }
  return ranges;
}

bool In(const Ranges& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](const auto& r) { return r.first <= c && c <= r.second; });
}

// All characters there are.
void TestText(const std::string& folder) {
  const Struct table = golden::ParseJson(golden::ReadFile(folder + "/text.json"));
  const Ranges spaces = RangesIn(table, "spaces"), removed = RangesIn(table, "removed");
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    const bool surrogate = c >= 0xd800 && c <= 0xdfff;
    std::string want = In(spaces, c) ? " " : In(removed, c) ? "" : Utf8(c);
    if (surrogate) want = "\xef\xbf\xbd";
    if (Message("a" + Utf8(c) + "b") != "a" + want + "b") Fail("text", "character " + std::to_string(c));
  }
  Same("overlong", Message("a\xc0\x80" "b"), "a\xef\xbf\xbd" "b");
  Same("beyond Unicode", Message("a\xf4\x90\x80\x80" "b"), "a\xef\xbf\xbd" "b");
  Same("cut off", Message("a\xe2\x82"), "a\xef\xbf\xbd");
  Same("two runs", Message("\xff\xff" "b\xff"), "\xef\xbf\xbd" "b\xef\xbf\xbd");
}

grpc::Status Failed(const google::rpc::Status& status, int code = grpc::StatusCode::FAILED_PRECONDITION) {
  return grpc::Status(static_cast<grpc::StatusCode>(code), "said by the call", status.SerializeAsString());
}

google::rpc::Status Sent() {
  google::rpc::Status status;
  status.set_code(grpc::StatusCode::FAILED_PRECONDITION);
  status.set_message("said in the status");
  google::rpc::ErrorInfo info;
  info.set_reason("BOOK_ON_LOAN");
  info.set_domain("library.example.com");
  status.add_details()->PackFrom(info);
  return status;
}

ErrorDetail Detail() {
  ErrorDetail detail;
  detail.set_error_code("BOOK_ON_LOAN");
  detail.set_domain("library.example.com");
  return detail;
}

// What no golden file has.
void TestRules() {
  Same("message of the status", recourse::ReadError(Failed(Sent())).message, "said in the status");
  const auto other = recourse::ReadError(Failed(Sent(), grpc::StatusCode::NOT_FOUND));
  Same("status of another code", other.message + other.error_code, "said by the callNOT_FOUND");

  google::rpc::Status twice = Sent();
  ErrorDetail first = Detail(), second = Detail();
  first.mutable_retry()->set_why(RetryAdvice::WHY_OVERLOADED);
  second.mutable_retry()->set_verdict(RetryAdvice::VERDICT_NEVER);
  second.set_operation("Lend");
  auto* wait = second.add_recovery_actions();
  wait->set_required(true);
  wait->mutable_retry_after();
  auto* renew = second.add_recovery_actions();
  renew->set_label(std::string(81, 'x'));
  renew->set_required(true);
  (*renew->mutable_call_method()->mutable_copy_fields())["a\n"] = std::string(300, 'y');
  twice.add_details()->PackFrom(first);
  twice.add_details()->PackFrom(second);
  const auto error = recourse::ReadError(Failed(twice));
  Same("advice of the first", error.why, RetryAdvice::WHY_OVERLOADED);
  Same("verdict of the code", error.verdict, RetryAdvice::VERDICT_AFTER_ACTION);
  Same("operation of the second", error.operation, "Lend");
  Same("required", error.required_action.has_value() && error.required_action->has_call_method(), true);
  Same("label", error.recovery_actions.at(1).label(), std::string(77, 'x') + "...");
  const auto& copies = error.recovery_actions.at(1).call_method().copy_fields();
  Same("texts in maps", copies.count("a") == 1 && copies.at("a").size() == 256, true);

  google::rpc::Status never = Sent();
  ErrorDetail renewing = Detail();
  renewing.mutable_retry()->set_verdict(RetryAdvice::VERDICT_NEVER);
  renewing.add_recovery_actions()->mutable_reauthenticate();
  renewing.mutable_recovery_actions(0)->set_actor(RecoveryAction::ACTOR_CLIENT);
  never.add_details()->PackFrom(renewing);
  Same("what is not to wait stays", recourse::ReadError(Failed(never)).recovery_actions.size(), 1u);

  google::rpc::Status broken = Sent();
  Detail().SerializeToString(broken.add_details()->mutable_value());
  broken.mutable_details(1)->set_type_url("x/recourse.v1.ErrorDetail");
  broken.mutable_details(1)->mutable_value()->append("\x1a\x05" "Look." "\x42\x01\xff\x22\x01\xff");
  Same("broken entries of lists", recourse::ReadError(Failed(broken)).suggestion, "Look.");

  const struct {
    std::int64_t seconds;
    std::int32_t nanos;
    std::int64_t want;  // -1: no delay
  } kDelays[] = {{315576000000, 0, 9223372036854}, {315576000001, 0, -1}, {-315576000001, 0, -1}, {0, 999999999, 999},
                 {0, 1000000000, -1}, {0, -1000000000, -1}, {1, -1, -1}, {-1, 1, -1}, {0, -1, 0}};
  for (const auto& delay : kDelays) {
    google::rpc::RetryInfo info;
    info.mutable_retry_delay()->set_seconds(delay.seconds);
    info.mutable_retry_delay()->set_nanos(delay.nanos);
    google::rpc::Status status = Sent();
    status.add_details()->PackFrom(info);
    const auto read = recourse::ReadError(Failed(status)).retry_delay;
    Same("delay of " + std::to_string(delay.seconds) + " s", read ? read->count() : -1, delay.want);
  }

  const std::pair<const char*, RetryAdvice::Verdict> verdicts[] = {
      {"UNSPECIFIED", RetryAdvice::VERDICT_AFTER_ACTION}, {"SAME_REQUEST", RetryAdvice::VERDICT_SAME_REQUEST},
      {"Never", RetryAdvice::VERDICT_NEVER}, {"", RetryAdvice::VERDICT_AFTER_ACTION}};
  for (const auto& [name, verdict] : verdicts) {
    google::rpc::ErrorInfo info;
    (*info.mutable_metadata())["recourseRetry"] = name;
    info.set_domain("library.example.com");
    google::rpc::Status status = Sent();
    status.mutable_details(0)->PackFrom(info);
    ErrorDetail detail = Detail();
    detail.set_suggestion("Look.");
    status.add_details()->PackFrom(detail);
    const auto read = recourse::ReadError(Failed(status));
    Same(std::string("verdict of the metadata ") + name, read.verdict, verdict);
    Same("a domain alone is an identity", read.error_code, "FAILED_PRECONDITION");
  }

  recourse::Metadata trailers{{"x-request-id", "one"}, {"x-request-id", "two"}};
  Same("first request id", recourse::ReadError(Failed(Sent()), trailers).request_id, "one");
  const std::string long_id(129, 'x');
  Same("request id", recourse::ReadError(Failed(Sent()), {{"x-request-id", long_id}}).request_id.size(), 128u);
  const auto words = recourse::ReadDegraded({{"recourse-degraded", "stale"}, {"recourse-degraded", " Partial ;age=1"}});
  Same("words", words->kind, recourse::v1::Degraded::KIND_PARTIAL);

  recourse::v1::Degraded mark;
  mark.set_source("cache");
  const std::pair<std::size_t, std::string> sizes[] = {{8192, "cache"}, {8193, "not said"}};
  for (const auto& [size, source] : sizes) {
    std::string sent = mark.SerializeAsString();
    const std::size_t filling = size - sent.size() - 4;  // of an unknown field, behind its tag and its length
    sent += std::string("\xfa\x06") + static_cast<char>(0x80 | (filling & 0x7f)) + static_cast<char>(filling >> 7);
    sent.append(filling, 'x');
    const auto read = recourse::ReadDegraded({{"recourse-degraded-bin", sent}});
    Same("mark of " + std::to_string(sent.size()), read->source, source);
  }
}

// Whatever is sent, the report keeps to the limits.
class Chance {
 public:
  explicit Chance(const std::vector<golden::Case>& cases) : cases_(cases) {}

  void Round() {
    const golden::Case& c = Pick(cases_);
    const std::string sent = Below(20) == 0 ? Bytes(300) : Shake(c.status, 6);
    const int code = Below(10) == 0 ? static_cast<int>(random_()) : c.code;
    const std::string id = Broken("req-1"), message = Broken(c.message);
    const grpc::Status status(static_cast<grpc::StatusCode>(code), message, sent);
    Check(recourse::ReadError(status, {{"x-request-id", id}}));

    std::string mark, words = Broken("stale;age=40");
    for (const auto& [key, value] : c.trailers) {
      if (key == "recourse-degraded-bin") mark = value;
    }
    mark = Shake(mark, 4);
    recourse::Metadata trailers{{"recourse-degraded-bin", mark}};
    if (Below(2) == 0) trailers.emplace("recourse-degraded", words);
    const auto degraded = recourse::ReadDegraded(trailers);
    if (!degraded) return Fail("chance", "no mark");
    Text(degraded->error_code, 63);
    Text(degraded->domain, 253);
    Text(degraded->suggestion, 256);
    Text(degraded->source, 64);
    Actions(degraded->recovery_actions);
    if (degraded->age && degraded->age->count() < 0) Fail("chance", "a negative age");
  }

 private:
  std::uint32_t Below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  template <typename T>
  const T& Pick(const std::vector<T>& from) { return from[Below(static_cast<std::uint32_t>(from.size()))]; }

  std::string Bytes(std::uint32_t most) {
    std::string out(Below(most + 1), '\0');
    for (char& c : out) c = static_cast<char>(random_());
    return out;
  }

  // Changes, cuts out or repeats a few bytes.
  std::string Broken(std::string text) {
    for (std::uint32_t n = Below(4); n > 0; --n) {
      const std::size_t at = Below(static_cast<std::uint32_t>(text.size() + 1));
      text.replace(at, Below(3), Below(2) == 0 ? Bytes(5) : text.substr(at, 9));
    }
    return text;
  }

  // Breaks parts of a message inside, so that what is around them still decodes.
  std::string Shake(const std::string& message, int depth) {
    google::protobuf::UnknownFieldSet fields;
    if (depth == 0 || Below(4) == 0 || !fields.ParseFromString(message) || fields.empty()) return Broken(message);
    auto* field = fields.mutable_field(static_cast<int>(Below(static_cast<std::uint32_t>(fields.field_count()))));
    switch (field->type()) {
      case google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED:
        field->set_length_delimited(Shake(field->length_delimited(), depth - 1));
        break;
      case google::protobuf::UnknownField::TYPE_VARINT:
        field->set_varint(random_() >> Below(64));
        break;
      default:
        break;
    }
    std::string out;
    fields.SerializeToString(&out);
    return out;
  }

  void Text(const std::string& text, std::size_t limit) {
    // Clean text is what is left of it.
    if (text.size() > limit || (limit <= 256 && Message(text) != text)) Fail("chance", "unclean: " + text);
  }

  void Actions(const std::vector<RecoveryAction>& actions) {
    if (actions.size() > 5) Fail("chance", "more than five actions");
    for (const RecoveryAction& action : actions) {
      Text(action.label(), 80);
      Text(action.open_link().url(), 256);
      Text(action.contact_support().reference(), 256);
      if (action.has_open_link() && action.open_link().url().rfind("https://", 0) != 0) Fail("chance", "a link");
      if (action.fix_fields().fixes_size() > 25) Fail("chance", "a long list");
      for (const auto& fix : action.fix_fields().fixes()) Text(fix.field(), 256);
    }
  }

  void Check(const recourse::Error& e) {
    Text(e.error_code, 63);
    Text(e.domain, 253);
    Text(e.message, 256);
    Text(e.suggestion, 256);
    Text(e.request_id, 128);
    Text(e.operation, 256);
    Actions(e.recovery_actions);
    for (const auto& [key, value] : e.metadata) {
      Text(key, 64);
      Text(value, 64 << 10);
    }
    if (e.error_code.empty() || e.suggestion.empty()) Fail("chance", "nothing said");
    if (!RetryAdvice::Verdict_IsValid(e.verdict) || e.verdict == 0) Fail("chance", "no verdict");
    if (e.retry_delay && e.retry_delay->count() < 0) Fail("chance", "a negative delay");
    if (e.metadata.size() > 64) Fail("chance", "too many metadata");
  }

  const std::vector<golden::Case>& cases_;
  std::mt19937_64 random_{20261123};
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: reader_test FOLDER [SECONDS]" << std::endl;
    return 2;
  }
  const std::string folder = argv[1];
  const auto cases = golden::Load(folder + "/golden");
  for (const golden::Case& c : cases) {
    const std::string difference = golden::Difference(c.Read(), c.report);
    if (!difference.empty()) Fail(c.name, difference);
  }
  TestText(folder);
  TestRules();
  Chance chance(cases);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(argc > 2 ? std::stoi(argv[2]) : 0);
  long rounds = 0;
  while (failures < 20 && (rounds < 20000 || std::chrono::steady_clock::now() < end)) {
    chance.Round();
    ++rounds;
  }
  std::cerr << cases.size() << " golden files, " << rounds << " by chance, " << failures << " failures" << std::endl;
  return failures == 0 ? 0 : 1;
}
