#include "recourse_errors.h"

#include <algorithm>
#include <string_view>

#include <google/protobuf/unknown_field_set.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace recourse {
namespace {

namespace pb = google::protobuf;
using v1::RecoveryAction;
using v1::RetryAdvice;

// Limits in bytes of UTF-8, or in items.
constexpr std::size_t kMaxMessage = 256, kMaxSuggestion = 256, kMaxOperation = 256, kMaxDomain = 253,
                      kMaxErrorCode = 63, kMaxLabel = 80, kMaxRequestId = 128, kMaxSource = 64, kMaxKey = 64,
                      kMaxEntries = 64, kMaxActions = 5, kMaxActionText = 256, kMaxDetails = 32,
                      kMaxReceived = 64 << 10, kMaxMark = 8192;
constexpr int kMaxActionList = 25;

// Outcome and verdict, where a server could not send an ErrorDetail.
constexpr char kOutcomeKey[] = "recourseOutcome", kVerdictKey[] = "recourseRetry";

// --- text ---

// First and last of a range of characters.
struct Range {
  char32_t first, last;
};

constexpr Range kSpaces[] = {{9, 13},      {133, 133},   {160, 160},   {5760, 5760},  {8192, 8202},
                             {8232, 8233}, {8239, 8239}, {8287, 8287}, {12288, 12288}};

constexpr Range kRemoved[] = {
    {0, 8},           {14, 31},         {127, 132},       {134, 159},       {173, 173},     {847, 847},
    {1536, 1541},     {1564, 1564},     {1757, 1757},     {1807, 1807},     {2192, 2193},   {2274, 2274},
    {4447, 4448},     {6068, 6069},     {6155, 6159},     {8203, 8203},     {8206, 8207},   {8234, 8238},
    {8288, 8303},     {10240, 10240},   {12644, 12644},   {65024, 65037},   {65279, 65279}, {65440, 65440},
    {65520, 65531},   {69821, 69821},   {69837, 69837},   {78896, 78911},   {113824, 113827}, {119155, 119162},
    {917504, 921599}};

template <std::size_t N>
bool In(const Range (&ranges)[N], char32_t c) {
  const Range* r = std::lower_bound(ranges, ranges + N, c, [](const Range& r, char32_t c) { return r.last < c; });
  return r != ranges + N && r->first <= c;
}

constexpr char32_t kNoText = 0xffffffff;
constexpr char kReplacement[] = "\xef\xbf\xbd";
constexpr char kCut[] = "...";

bool Continues(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Returns the character that text begins with, and its size in bytes; kNoText and 1 where it begins with none.
std::pair<char32_t, std::size_t> First(std::string_view text) {
  static constexpr struct {
    unsigned char mask, lead;
    char32_t least;
  } kForms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  const unsigned char lead = text[0];
  for (std::size_t size = 1; size <= 4; ++size) {
    const auto& form = kForms[size - 1];
    if ((lead & form.mask) != form.lead) continue;
    char32_t c = lead & static_cast<unsigned char>(~form.mask);
    for (std::size_t i = 1; i < size; ++i) {
      if (i == text.size() || !Continues(text[i])) return {kNoText, 1};
      c = c << 6 | (text[i] & 0x3f);
    }
    if (c < form.least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff)) return {kNoText, 1};
    return {c, size};
  }
  return {kNoText, 1};
}

// Calls use(character, bytes) for each. A run of bytes that are no text comes as one U+FFFD.
template <typename Use>
void EachCharacter(std::string_view text, Use use) {
  bool broken = false;
  while (!text.empty()) {
    const auto [c, size] = First(text);
    if (c != kNoText) {
      use(c, text.substr(0, size));
    } else if (!broken) {
      use(U'\ufffd', std::string_view(kReplacement));
    }
    broken = c == kNoText;
    text.remove_prefix(size);
  }
}

std::string Valid(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  EachCharacter(text, [&](char32_t, std::string_view bytes) { out += bytes; });
  return out;
}

// Makes text safe to show on one line, in at most limit bytes.
std::string Clean(std::string_view text, std::size_t limit) {
  std::string out;
  out.reserve(text.size());
  EachCharacter(text, [&](char32_t c, std::string_view bytes) {
    if (In(kSpaces, c)) {
      out += ' ';
    } else if (!In(kRemoved, c)) {
      out += bytes;
    }
  });
  out.erase(out.find_last_not_of(' ') + 1);
  out.erase(0, std::min(out.find_first_not_of(' '), out.size()));
  if (out.size() <= limit) return out;
  std::size_t end = limit - std::string_view(kCut).size();
  while (end > 0 && Continues(out[end])) --end;
  out.resize(end);
  out.erase(out.find_last_not_of(' ') + 1);
  return out += kCut;
}

// --- messages ---

// Makes the strings of an encoded message UTF-8. Fails for bytes that are no message.
bool Mend(const pb::Descriptor& type, std::string* bytes) {
  pb::UnknownFieldSet fields;
  if (!fields.ParseFromString(*bytes)) return false;
  for (int i = 0; i < fields.field_count(); ++i) {
    pb::UnknownField* field = fields.mutable_field(i);
    const pb::FieldDescriptor* known = type.FindFieldByNumber(field->number());
    if (known == nullptr || field->type() != pb::UnknownField::TYPE_LENGTH_DELIMITED) continue;
    std::string* value = field->mutable_length_delimited();
    if (known->type() == pb::FieldDescriptor::TYPE_STRING) {
      *value = Valid(*value);
    } else if (known->type() == pb::FieldDescriptor::TYPE_MESSAGE && !Mend(*known->message_type(), value)) {
      return false;
    }
  }
  bytes->clear();
  return fields.SerializeToString(bytes);
}

// Decodes a message, with its strings mended first: the decoder refuses, and logs, what is not UTF-8.
template <typename M>
std::optional<M> Decode(std::string bytes) {
  M message;
  if (!Mend(*M::descriptor(), &bytes) || !message.ParseFromString(bytes)) return std::nullopt;
  return message;
}

// Cleans the texts in an action, and cuts its lists.
void Tidy(pb::Message* message) {
  const pb::Reflection& reflection = *message->GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(*message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->is_map()) continue;  // there is one: see below
    const bool text = field->type() == pb::FieldDescriptor::TYPE_STRING;
    const bool inner = field->type() == pb::FieldDescriptor::TYPE_MESSAGE;
    if (!field->is_repeated()) {
      if (text) reflection.SetString(message, field, Clean(reflection.GetString(*message, field), kMaxActionText));
      if (inner) Tidy(reflection.MutableMessage(message, field));
      continue;
    }
    while (reflection.FieldSize(*message, field) > kMaxActionList) reflection.RemoveLast(message, field);
    for (int i = 0; i < reflection.FieldSize(*message, field); ++i) {
      if (text) {
        reflection.SetRepeatedString(message, field, i,
                                     Clean(reflection.GetRepeatedString(*message, field, i), kMaxActionText));
      }
      if (inner) Tidy(reflection.MutableRepeatedMessage(message, field, i));
    }
  }
}

void TidyAction(RecoveryAction* action) {
  Tidy(action);
  action->set_label(Clean(action->label(), kMaxLabel));
  if (!action->has_call_method()) return;
  const auto& sent = action->call_method().copy_fields();
  pb::Map<std::string, std::string> copies;
  for (const auto& [from, to] : std::map<std::string, std::string>(sent.begin(), sent.end())) {
    copies[Clean(from, kMaxActionText)] = Clean(to, kMaxActionText);
  }
  action->mutable_call_method()->mutable_copy_fields()->swap(copies);
}

// Adds an action, clean, if it is one of the first five that may be shown.
void Offer(RecoveryAction action, std::vector<RecoveryAction>* actions) {
  if (actions->size() == kMaxActions) return;
  if (action.has_open_link() && action.open_link().url().compare(0, 8, "https://") != 0) return;
  TidyAction(&action);
  actions->push_back(std::move(action));
}

// Decodes an ErrorDetail without its lists, of which one broken entry would spoil the rest, and its recovery actions
// that do decode.
std::optional<v1::ErrorDetail> DecodeDetail(const std::string& bytes, std::vector<RecoveryAction>* actions) {
  pb::UnknownFieldSet fields, rest;
  if (!fields.ParseFromString(bytes)) return std::nullopt;
  for (int i = 0; i < fields.field_count(); ++i) {
    const pb::UnknownField& field = fields.field(i);
    const pb::FieldDescriptor* known = v1::ErrorDetail::descriptor()->FindFieldByNumber(field.number());
    if (known == nullptr || !known->is_repeated() || field.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED) {
      rest.AddField(field);
    } else if (field.number() == v1::ErrorDetail::kRecoveryActionsFieldNumber) {
      if (auto action = Decode<RecoveryAction>(field.length_delimited())) Offer(*std::move(action), actions);
    }
  }
  std::string encoded;
  if (!rest.SerializeToString(&encoded)) return std::nullopt;
  return Decode<v1::ErrorDetail>(std::move(encoded));
}

// Returns whole milliseconds, -1 for all that is negative; nothing for no valid duration.
std::optional<std::int64_t> Milliseconds(const pb::Duration& d) {
  constexpr std::int64_t kMostSeconds = 315576000000, kMost = 9223372036854;
  const std::int64_t seconds = d.seconds();
  const std::int32_t nanos = d.nanos();
  if (seconds < -kMostSeconds || seconds > kMostSeconds || nanos <= -1000000000 || nanos >= 1000000000 ||
      (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0)) {
    return std::nullopt;
  }
  if (seconds < 0 || nanos < 0) return -1;
  return std::min(seconds * 1000 + nanos / 1000000, kMost);
}

// --- what a code says ---

struct Usual {
  const char* name;
  RetryAdvice::Verdict verdict;
  const char* suggestion;
  int action = 0;  // the number of the field
  RecoveryAction::Actor actor = RecoveryAction::ACTOR_UNSPECIFIED;
  const char* label = "";
};

constexpr char kLater[] = "Try again in a few moments or check system status.";
constexpr char kReport[] = "Please report this issue to support.";

using A = RecoveryAction;
using V = RetryAdvice;

constexpr Usual kUsual[] = {
    {"OK", V::VERDICT_NEVER, ""},
    {"CANCELLED", V::VERDICT_NEVER, "Nothing to do: the call was cancelled."},
    {"UNKNOWN", V::VERDICT_NEVER, kReport, A::kContactSupportFieldNumber, A::ACTOR_END_USER, "Contact support"},
    {"INVALID_ARGUMENT", V::VERDICT_AFTER_ACTION, "Correct the request and send it again.", A::kFixFieldsFieldNumber,
     A::ACTOR_CALLER_CODE, "Correct the request"},
    {"DEADLINE_EXCEEDED", V::VERDICT_NEVER, kLater},
    {"NOT_FOUND", V::VERDICT_NEVER, "Check the name or id and try again."},
    {"ALREADY_EXISTS", V::VERDICT_NEVER, "Use what exists already, or choose another name."},
    {"PERMISSION_DENIED", V::VERDICT_AFTER_ACTION, "Ask an administrator for access.", A::kRequestAccessFieldNumber,
     A::ACTOR_ADMIN, "Request access"},
    {"RESOURCE_EXHAUSTED", V::VERDICT_NEVER, "Wait before you try again, or ask for a higher limit.",
     A::kWaitForQuotaFieldNumber, A::ACTOR_CALLER_CODE, "Wait for the limit to renew"},
    {"FAILED_PRECONDITION", V::VERDICT_AFTER_ACTION,
     "Bring the system into the state that the request needs, then send it again.", A::kRefreshFieldNumber,
     A::ACTOR_CALLER_CODE, "Read the current state"},
    {"ABORTED", V::VERDICT_AT_HIGHER_LEVEL, "Start the whole operation again.", A::kRestartTransactionFieldNumber,
     A::ACTOR_CALLER_CODE, "Restart the transaction"},
    {"OUT_OF_RANGE", V::VERDICT_AFTER_ACTION, "Correct the value and send the request again.",
     A::kFixFieldsFieldNumber, A::ACTOR_CALLER_CODE, "Correct the value"},
    {"UNIMPLEMENTED", V::VERDICT_NEVER, "Check the version of the client and of the server.",
     A::kUpgradeClientFieldNumber, A::ACTOR_SERVICE_OWNER, "Update the client"},
    {"INTERNAL", V::VERDICT_NEVER, kReport, A::kContactSupportFieldNumber, A::ACTOR_END_USER, "Contact support"},
    {"UNAVAILABLE", V::VERDICT_SAME_REQUEST, kLater, A::kRetryAfterFieldNumber, A::ACTOR_CLIENT, "Try again"},
    {"DATA_LOSS", V::VERDICT_NEVER, kReport, A::kContactSupportFieldNumber, A::ACTOR_END_USER, "Contact support"},
    {"UNAUTHENTICATED", V::VERDICT_AFTER_ACTION, "Sign in again.", A::kReauthenticateFieldNumber, A::ACTOR_END_USER,
     "Sign in again"},
};

constexpr Usual kNotNow = {"", V::VERDICT_NEVER, "Repeating the request will not help now."};

// What to suggest for an error that suggests nothing. A verdict that it states goes before its code.
const Usual& Guidance(grpc::StatusCode code, RetryAdvice::Verdict stated) {
  const Usual& own = kUsual[code];
  if (stated == V::VERDICT_UNSPECIFIED || stated == own.verdict) return own;
  switch (stated) {
    case V::VERDICT_SAME_REQUEST:
      if (own.verdict == V::VERDICT_NEVER) return own;
      return kUsual[grpc::StatusCode::UNAVAILABLE];
    case V::VERDICT_AT_HIGHER_LEVEL:
      return kUsual[grpc::StatusCode::ABORTED];
    case V::VERDICT_NEVER:  // which UNKNOWN, INTERNAL and DATA_LOSS say themselves
      return kNotNow;
    default:
      return own;
  }
}

RecoveryAction ActionOf(const Usual& usual) {
  RecoveryAction action;
  action.set_actor(usual.actor);
  action.set_label(usual.label);
  action.GetReflection()->MutableMessage(&action, A::descriptor()->FindFieldByNumber(usual.action));
  return action;
}

// --- errors ---

// The details of a status that are read.
class Details {
 public:
  explicit Details(const google::rpc::Status& status) {
    std::size_t size = 0;
    for (const pb::Any& detail : status.details()) {
      size += detail.type_url().size() + detail.value().size();
      if (size > kMaxReceived || details_.size() == kMaxDetails) break;
      details_.push_back(&detail);
    }
  }

  // Returns the values of the details of a type: what comes after the last slash.
  std::vector<std::string> Of(const pb::Descriptor& type) const {
    std::vector<std::string> values;
    for (const pb::Any* detail : details_) {
      const std::string& url = detail->type_url();
      if (url.compare(url.rfind('/') + 1, std::string::npos, type.full_name()) == 0) values.push_back(detail->value());
    }
    return values;
  }

 private:
  std::vector<const pb::Any*> details_;
};

bool IsEntry(const std::string& key, const std::string& value) {
  if (key.empty() || key.size() > kMaxKey || Clean(key, kMaxKey) != key) return false;
  return (key != kOutcomeKey && key != kVerdictKey) || value.size() <= kMaxKey;
}

void ReadInfo(const Details& details, Error* error) {
  std::optional<google::rpc::ErrorInfo> info;
  for (const std::string& encoded : details.Of(*google::rpc::ErrorInfo::descriptor())) {
    info = Decode<google::rpc::ErrorInfo>(encoded);
    if (info) break;
  }
  if (!info) return;
  error->error_code = Clean(info->reason(), kMaxErrorCode);
  error->domain = Clean(info->domain(), kMaxDomain);
  const std::map<std::string, std::string> entries(info->metadata().begin(), info->metadata().end());
  for (const auto& [key, value] : entries) {
    if (error->metadata.size() == kMaxEntries) break;
    if (IsEntry(key, value)) error->metadata.emplace(key, Clean(value, kMaxReceived));
  }
}

// Reads what the server states itself. A verdict that it does not state stays unspecified.
void ReadStated(const Details& details, Error* error) {
  error->verdict = V::VERDICT_UNSPECIFIED;
  bool advised = false;
  for (const std::string& value : details.Of(*v1::ErrorDetail::descriptor())) {
    std::vector<RecoveryAction> actions;
    const auto detail = DecodeDetail(value, &actions);
    if (!detail) continue;
    std::string error_code = Clean(detail->error_code(), kMaxErrorCode), domain = Clean(detail->domain(), kMaxDomain);
    if (error->error_code.empty() && error->domain.empty()) {
      error->error_code = error_code;
      error->domain = domain;
    }
    // Otherwise a server in between has changed the error and left the detail behind.
    if (error_code != error->error_code || domain != error->domain) continue;
    if (error->suggestion.empty()) error->suggestion = Clean(detail->suggestion(), kMaxSuggestion);
    if (error->recovery_actions.empty()) error->recovery_actions = std::move(actions);
    if (error->operation.empty()) error->operation = Clean(detail->operation(), kMaxOperation);
    if (error->outcome == v1::OUTCOME_UNSPECIFIED && v1::Outcome_IsValid(detail->outcome())) {
      error->outcome = detail->outcome();
    }
    if (detail->has_retry() && !advised) {
      advised = true;
      const RetryAdvice& retry = detail->retry();
      error->verdict = RetryAdvice::Verdict_IsValid(retry.verdict()) ? retry.verdict() : V::VERDICT_NEVER;
      if (RetryAdvice::Why_IsValid(retry.why())) error->why = retry.why();
      error->attempts = retry.attempts();
    }
  }
  const auto outcome = error->metadata.find(kOutcomeKey), verdict = error->metadata.find(kVerdictKey);
  if (error->outcome == v1::OUTCOME_UNSPECIFIED && outcome != error->metadata.end()) {
    v1::Outcome_Parse("OUTCOME_" + outcome->second, &error->outcome);
  }
  if (!advised && verdict != error->metadata.end() && !verdict->second.empty() &&
      !RetryAdvice::Verdict_Parse("VERDICT_" + verdict->second, &error->verdict)) {
    error->verdict = V::VERDICT_NEVER;
  }
}

std::optional<std::chrono::milliseconds> Delay(const Details& details) {
  for (const std::string& value : details.Of(*google::rpc::RetryInfo::descriptor())) {
    const auto info = Decode<google::rpc::RetryInfo>(value);
    if (!info || !info->has_retry_delay()) continue;
    if (const auto delay = Milliseconds(info->retry_delay())) {
      return std::chrono::milliseconds(std::max<std::int64_t>(*delay, 0));
    }
  }
  return std::nullopt;
}

std::string RequestId(const Details& details, const Metadata& trailers) {
  for (const std::string& value : details.Of(*google::rpc::RequestInfo::descriptor())) {
    const auto info = Decode<google::rpc::RequestInfo>(value);
    if (!info) continue;
    std::string id = Clean(info->request_id(), kMaxRequestId);
    if (!id.empty()) return id;
  }
  const auto id = trailers.lower_bound("x-request-id");  // the first of several
  if (id == trailers.end() || id->first != "x-request-id") return "";
  return Clean({id->second.data(), id->second.size()}, kMaxRequestId);
}

bool IsWait(const RecoveryAction& action) {
  return action.has_retry_after() && action.actor() == RecoveryAction::ACTOR_CLIENT;
}

// Fills in what the code says where the server has stated nothing.
void Complete(Error* error) {
  const auto required = std::find_if(error->recovery_actions.begin(), error->recovery_actions.end(),
                                     [](const A& a) { return a.required() && !a.has_retry_after(); });
  if (required != error->recovery_actions.end()) error->required_action = *required;

  const RetryAdvice::Verdict stated = error->verdict;
  const Usual& usual = Guidance(error->code, stated);
  if (error->error_code.empty()) error->error_code = kUsual[error->code].name;
  if (error->suggestion.empty()) error->suggestion = usual.suggestion;
  if (error->recovery_actions.empty() && usual.action != 0) error->recovery_actions.push_back(ActionOf(usual));
  if (stated == V::VERDICT_NEVER) {
    auto& actions = error->recovery_actions;
    actions.erase(std::remove_if(actions.begin(), actions.end(), IsWait), actions.end());
  }
  if (stated == V::VERDICT_UNSPECIFIED) {
    const bool again =
        (error->code == grpc::StatusCode::RESOURCE_EXHAUSTED && error->retry_delay) ||
        (error->code == grpc::StatusCode::DEADLINE_EXCEEDED && error->outcome == v1::OUTCOME_NOT_APPLIED);
    error->verdict = again ? V::VERDICT_SAME_REQUEST : usual.verdict;
  }
  if (error->outcome == v1::OUTCOME_UNSPECIFIED &&
      (error->code == grpc::StatusCode::CANCELLED || error->code == grpc::StatusCode::DEADLINE_EXCEEDED)) {
    error->outcome = v1::OUTCOME_INDETERMINATE;
  }
}

constexpr char kNotSaid[] = "not said";

// Returns the last value of a key.
std::optional<std::string> Last(const Metadata& metadata, const char* key) {
  const auto [first, end] = metadata.equal_range(key);
  if (first == end) return std::nullopt;
  const grpc::string_ref value = std::prev(end)->second;
  return std::string(value.data(), value.size());
}

std::optional<Degraded> ReadMark(const std::string& encoded) {
  if (encoded.size() > kMaxMark) return std::nullopt;
  const auto said = Decode<v1::Degraded>(encoded);
  if (!said) return std::nullopt;
  Degraded mark;
  for (const RecoveryAction& action : said->recovery_actions()) Offer(action, &mark.recovery_actions);
  if (v1::Degraded::Kind_IsValid(said->kind())) mark.kind = said->kind();
  mark.error_code = Clean(said->error_code(), kMaxErrorCode);
  if (!mark.error_code.empty()) mark.domain = Clean(said->domain(), kMaxDomain);
  mark.suggestion = Clean(said->suggestion(), kMaxSuggestion);
  mark.source = Clean(said->source(), kMaxSource);
  if (const auto age = Milliseconds(said->age()); said->has_age() && age && *age >= 0) {
    mark.age = std::chrono::milliseconds(*age);
  }
  return mark;
}

}  // namespace

Error ReadError(const grpc::Status& status, const Metadata& trailers) {
  const int code = status.error_code();
  Error error;
  if (code > 0 && code <= grpc::StatusCode::UNAUTHENTICATED) error.code = status.error_code();
  auto sent = Decode<google::rpc::Status>(status.error_details());
  const bool said = sent && !status.error_details().empty() && sent->code() == code;
  if (!said) sent.emplace();
  error.message = Clean(said ? sent->message() : status.error_message(), kMaxMessage);
  const Details details(*sent);
  ReadInfo(details, &error);
  ReadStated(details, &error);
  error.retry_delay = Delay(details);
  error.request_id = RequestId(details, trailers);
  Complete(&error);
  return error;
}

std::optional<Degraded> ReadDegraded(const Metadata& trailers) {
  const auto encoded = Last(trailers, "recourse-degraded-bin"), words = Last(trailers, "recourse-degraded");
  if (!encoded && !words) return std::nullopt;
  std::optional<Degraded> mark;
  if (encoded) mark = ReadMark(*encoded);
  if (!mark) {
    mark.emplace();
    std::string kind = words.value_or("");
    kind = Clean(kind.substr(0, kind.find(';')), kMaxKey);
    for (char& c : kind) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    v1::Degraded::Kind_Parse("KIND_" + kind, &mark->kind);
    mark->source = kNotSaid;
  }
  if (mark->kind == v1::Degraded::KIND_UNSPECIFIED && mark->error_code.empty() && mark->suggestion.empty() &&
      mark->recovery_actions.empty() && !mark->age && mark->source.empty()) {
    mark->source = kNotSaid;
  }
  return mark;
}

}  // namespace recourse
