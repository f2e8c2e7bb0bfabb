package interceptors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// The mark of an answer that is not the real one: for programs, and as text for
// logs and gateways (RFC 9651, a list of one token with parameters).
const (
	degradedKey  = "recourse-degraded-bin"
	degradedText = "recourse-degraded"
)

// maxDegraded is what a writer sends: in Base64, and with what else is in the
// headers, it passes a stock nginx, whose 4 KiB hold all of them. Above that it
// makes an error of the answer. maxMark is what a reader takes from a stranger.
const maxDegraded, maxMark = 2048, 8192

// SetDegraded marks the answer of the call that ctx belongs to, on a server, as
// degraded: the handler knows that it is not the real one. It takes effect where
// the call succeeds, in the headers if that is before the first message, and in
// the trailers. A nil d takes the mark back. It fails outside of a call. What a
// dependency has marked is not passed on by itself: only the handler knows
// whether its own answer suffers.
func SetDegraded(ctx context.Context, d *recoursev1.Degraded) error {
	d, left := tidyDegraded(d), false
	if !callIn(ctx, func(c *serverCall) {
		if left = c.left.Load(); !left {
			c.degraded.Store(d)
		}
	}) {
		return errors.New("interceptors.SetDegraded: the context is not that of a call in progress, served with ServerOptions: pass on the handler's")
	}
	if left {
		return errLeft
	}
	return nil
}

// tidyDegraded returns a copy within the limits of the contract, nil for nil. The
// rules for texts and actions are those of errors.
func tidyDegraded(d *recoursev1.Degraded) *recoursev1.Degraded {
	if d == nil {
		return nil
	}
	tidy := &recoursev1.Degraded{Kind: d.GetKind(), Source: tidyText(d.GetSource(), 64)}
	if _, known := recoursev1.Degraded_Kind_name[int32(d.GetKind())]; !known {
		tidy.Kind = recoursev1.Degraded_KIND_UNSPECIFIED
	}
	if d.GetAge().IsValid() && d.GetAge().AsDuration() >= 0 {
		tidy.Age = proto.CloneOf(d.GetAge())
	}
	// An error of a code that suggests no action by itself.
	e := status.New(codes.NotFound, "", "", status.Domain(d.GetDomain()), status.Suggest(d.GetSuggestion()), status.Recover(d.GetRecoveryActions()...))
	if tidy.ErrorCode = tidyText(d.GetErrorCode(), 63); tidy.ErrorCode != "" {
		tidy.Domain = e.Domain()
	}
	if tidyText(d.GetSuggestion(), 0) != "" {
		tidy.Suggestion = e.Suggestion()
	}
	if actions := e.RecoveryActions(); len(actions) > 0 {
		tidy.RecoveryActions = actions
	}
	return tidy
}

func tidyText(text string, limit int) string {
	return status.Display(strings.Trim(status.Display(text, 0), " "), limit)
}

// degradedMetadata is the mark as it is sent. One that is too large loses what is
// of least use to a program.
func degradedMetadata(d *recoursev1.Degraded, domain string) metadata.MD {
	if d.GetErrorCode() != "" && d.GetDomain() == "" {
		d = proto.CloneOf(d)
		d.Domain = domain
	}
	b, err := proto.Marshal(d)
	if err != nil || len(b) > maxDegraded {
		d = proto.CloneOf(d)
		d.RecoveryActions = nil
		if b, err = proto.Marshal(d); err != nil {
			b = nil
		}
	}
	return metadata.MD{degradedKey: {string(b)}, degradedText: {degradedLine(d)}}
}

// degradedLine is the mark as text: stale;src="cache";age=12;reason=DB_TIMEOUT.
func degradedLine(d *recoursev1.Degraded) string {
	var b strings.Builder
	if d.GetKind() == recoursev1.Degraded_KIND_UNSPECIFIED {
		b.WriteString("degraded")
	} else {
		b.WriteString(strings.ToLower(strings.TrimPrefix(d.GetKind().String(), "KIND_")))
	}
	if s := d.GetSource(); s != "" && validRequestID(strings.ReplaceAll(s, " ", "_")) {
		fmt.Fprintf(&b, ";src=%q", s)
	}
	if d.GetAge() != nil {
		b.WriteString(";age=" + strconv.FormatInt(int64(d.GetAge().AsDuration().Seconds()), 10))
	}
	if c := d.GetErrorCode(); c != "" && c == status.New(codes.Unknown, c, "").ErrorCode() { // a token that needs no quotes
		b.WriteString(";reason=" + c)
	}
	return b.String()
}

// DegradedIn reads the mark of a degraded answer in the trailers, or headers, of a call
// for which the call option [Degraded] cannot be used, as one over another protocol. It
// is nil if there is none, and tidy whatever was sent.
func DegradedIn(md metadata.MD) *recoursev1.Degraded {
	values := md[degradedKey]
	if len(values) == 0 {
		if len(md[degradedText]) == 0 {
			return nil
		}
		return kindOnly(md[degradedText]) // a proxy has dropped the rest
	}
	v := values[len(values)-1]
	if len(v) > maxMark {
		return kindOnly(md[degradedText])
	}
	d, ok := decodeDegraded([]byte(v))
	if !ok {
		return kindOnly(md[degradedText])
	}
	if d = tidyDegraded(d); proto.Size(d) == 0 {
		return kindOnly(nil)
	}
	return d
}

// decodeDegraded has a mark with texts that are no UTF-8 mended as a detail of an error is.
func decodeDegraded(b []byte) (*recoursev1.Degraded, bool) {
	d := new(recoursev1.Degraded)
	if proto.Unmarshal(b, d) == nil {
		return d, true
	}
	sent := &anypb.Any{TypeUrl: "type.googleapis.com/" + string(d.ProtoReflect().Descriptor().FullName()), Value: b}
	return status.Detail[*recoursev1.Degraded](status.FromProto(&spb.Status{Code: int32(codes.Unknown), Details: []*anypb.Any{sent}}))
}

// kindOnly makes a mark of the text, which is not empty even if that says nothing:
// an empty mark looks like none.
func kindOnly(text []string) *recoursev1.Degraded {
	d := &recoursev1.Degraded{Source: "not said"}
	if len(text) > 0 {
		kind, _, _ := strings.Cut(text[len(text)-1], ";")
		d.Kind = recoursev1.Degraded_Kind(recoursev1.Degraded_Kind_value["KIND_"+strings.ToUpper(strings.TrimSpace(kind))])
	}
	return d
}

// refusedDegraded is the error of a caller that wants the real answer or none.
func refusedDegraded(d *recoursev1.Degraded) *status.Error {
	return status.New(codes.Unavailable, cmp.Or(d.GetErrorCode(), codeDegraded), "the service has only a degraded answer, which this call does not accept",
		status.Domain(d.GetDomain()), status.Suggest(d.GetSuggestion()), status.Recover(d.GetRecoveryActions()...),
		status.Retry(status.Never))
}
