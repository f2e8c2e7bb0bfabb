package gateway

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/status/template"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// Body is the form of an error in an HTTP response.
type Body int

const (
	// StatusBody is google.rpc.Status as grpc-gateway writes it:
	// {"code": 5, "message": "…", "details": […]}.
	StatusBody Body = iota
	// APIBody is that of Google's APIs (AIP-193), with the HTTP status:
	// {"error": {"code": 404, "message": "…", "status": "NOT_FOUND", "details": […]}}.
	APIBody
	// ProblemBody is application/problem+json (RFC 9457).
	ProblemBody
)

const problemType = "application/problem+json"

func (c Config) form(r *http.Request) Body {
	if r != nil && accepts(r.Header.Values("Accept"), problemType) {
		return ProblemBody
	}
	return c.Body
}

// accepts reports whether a type is asked for by name.
func accepts(accept []string, want string) bool {
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, err := mime.ParseMediaType(part)
		if err != nil || name != want {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		return params["q"] == "" || err == nil && q > 0
	}
	return false
}

func isJSON(contentType string) bool {
	name, _, _ := mime.ParseMediaType(contentType)
	return strings.HasSuffix(name, "json")
}

type statusBody struct {
	Code    int32             `json:"code"`
	Message string            `json:"message"`
	Status  string            `json:"status,omitempty"`
	Details []json.RawMessage `json:"details"`
}

type problemBody struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance,omitempty"`

	Code       string            `json:"code"`
	Reason     string            `json:"reason"`
	Domain     string            `json:"domain,omitempty"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Suggestion string            `json:"suggestion,omitempty"`
	Actions    []json.RawMessage `json:"actions,omitempty"`
	Retry      problemRetry      `json:"retry"`
	Outcome    string            `json:"outcome,omitempty"`
	RequestID  string            `json:"requestId,omitempty"`
	Details    []json.RawMessage `json:"details,omitempty"`
}

type problemRetry struct {
	Verdict string `json:"verdict"`
	Why     string `json:"why,omitempty"`
	Delay   string `json:"delay,omitempty"` // as protobuf writes durations: "1.5s"
}

// body is the answer as JSON.
func (a *answer) body() []byte {
	var v any
	switch a.form {
	case APIBody:
		b := a.asStatus()
		b.Code, b.Status = int32(a.http), codeName(a.err.Code())
		v = map[string]statusBody{"error": b}
	case ProblemBody:
		v = a.asProblem()
	default:
		v = a.asStatus()
	}
	return encode(v)
}

// chunk is the answer at the end of a stream, where grpc-gateway puts errors.
func (a *answer) chunk() []byte {
	b := a.body()
	if a.form == APIBody {
		return b
	}
	return encode(map[string]json.RawMessage{"error": b})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // texts and what is JSON already
		return []byte(`{"code":13,"message":"internal error","details":[]}`)
	}
	return b
}

func (a *answer) asStatus() statusBody {
	b := statusBody{Code: a.status.GetCode(), Message: a.status.GetMessage(), Details: []json.RawMessage{}}
	for _, d := range a.status.GetDetails() {
		b.Details = append(b.Details, detailJSON(d))
	}
	return b
}

func (a *answer) asProblem() problemBody {
	e := a.err
	p := problemBody{
		Type: "about:blank", Title: title(a.http), Status: a.http, Detail: e.Message(),
		Code: codeName(e.Code()), Reason: e.ErrorCode(), Domain: e.Domain(),
		Retry:   problemRetry{Verdict: catalog.Word(e.Verdict()), Why: catalog.Word(e.RetryAdvice().GetWhy())},
		Outcome: catalog.Word(e.Outcome()), RequestID: a.requestID,
	}
	if a.docs != "" {
		p.Type, p.Title = a.docs+url.PathEscape(p.Reason), sentence(p.Reason)
	}
	if a.requestID != "" {
		p.Instance = urn(a.requestID)
	}
	if a.delay >= 0 {
		p.Retry.Delay = template.Duration(a.delay)
	}
	info, _ := status.Detail[*errdetails.ErrorInfo](e)
	p.Metadata = info.GetMetadata() // with what is personal: the caller may see it
	detail := a.detail()
	p.Suggestion = detail.GetSuggestion()
	for _, action := range detail.GetRecoveryActions() {
		p.Actions = append(p.Actions, actionJSON(action))
	}
	for _, d := range a.status.GetDetails() {
		switch d.MessageName() {
		case "google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.RequestInfo", "recourse.v1.ErrorDetail":
		default:
			p.Details = append(p.Details, detailJSON(d))
		}
	}
	return p
}

// detail is the part of the status that the errors of others do not have: suggestion and
// actions as they are sent, without what a reader would add.
func (a *answer) detail() *recoursev1.ErrorDetail {
	d, _ := status.Detail[*recoursev1.ErrorDetail](a.err)
	return d
}

// detailJSON is a detail in the JSON form of an Any. Of a type that this program does not
// know it is the type and the bytes.
func detailJSON(d *anypb.Any) json.RawMessage {
	if b, err := protojson.Marshal(d); err == nil {
		return b
	}
	if e := new(recoursev1.ErrorDetail); d.UnmarshalTo(e) == nil {
		for _, action := range e.GetRecoveryActions() {
			known(action)
		}
		if tidy, err := anypb.New(e); err == nil {
			if b, err := protojson.Marshal(tidy); err == nil {
				return b
			}
		}
	}
	return encode(struct {
		Type  string `json:"@type"`
		Value []byte `json:"value"`
	}{d.GetTypeUrl(), d.GetValue()})
}

func actionJSON(a *recoursev1.RecoveryAction) json.RawMessage {
	a = proto.CloneOf(a)
	known(a)
	b, err := protojson.Marshal(a)
	if err != nil {
		return encode(map[string]string{"label": a.GetLabel()})
	}
	return b
}

// known leaves the label alone of an action of a type that this program does not know.
func known(a *recoursev1.RecoveryAction) {
	if _, err := protojson.Marshal(a); err != nil && a.GetCustom() != nil {
		a.Action = nil
	}
}

// codeName is a code as google.rpc.Code spells it.
func codeName(c codes.Code) string { return status.New(c, "", "").ErrorCode() }

// sentence makes "Book not found" of BOOK_NOT_FOUND.
func sentence(errorCode string) string {
	s := strings.ToLower(strings.ReplaceAll(errorCode, "_", " "))
	_, first := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:first]) + s[first:]
}

// urn makes a URI of a request id: of a UUID its own (RFC 9562).
func urn(id string) string {
	if isUUID(id) {
		return "urn:uuid:" + id
	}
	return "urn:x-request-id:" + url.PathEscape(id)
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (s[i] == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return false
		}
	}
	return true
}
