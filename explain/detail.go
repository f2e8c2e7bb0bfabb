package explain

import (
	"bytes"
	"encoding/json"
	"strings"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

// read elsewhere: what other parts of a document show. Of each of them an error has one.
var elsewhere = map[protoreflect.FullName]bool{
	"google.rpc.ErrorInfo":           true,
	"google.rpc.RetryInfo":           true,
	"google.rpc.BadRequest":          true,
	"google.rpc.QuotaFailure":        true,
	"google.rpc.PreconditionFailure": true,
	"google.rpc.RequestInfo":         true,
	"google.rpc.Help":                true,
	"google.rpc.LocalizedMessage":    true,
	"recourse.v1.ErrorDetail":        true,
}

// details lists what is left: types of a service's own, of a later version, and what does not decode.
func (d *Document) details(list []*anypb.Any) {
	seen := map[protoreflect.FullName]bool{}
	keep(d, list, func(a *anypb.Any) {
		detail := Detail{Type: show(typeName(a.GetTypeUrl())), Bytes: len(a.GetValue())}
		if detail.Type == "" {
			detail.Type = "a type without a name"
		}
		message, err := anypb.UnmarshalNew(a, proto.UnmarshalOptions{})
		switch {
		case err == protoregistry.NotFound:
		case err != nil:
			// Either the bytes are none of the type, or its address names none.
			if _, missing := protoregistry.GlobalTypes.FindMessageByURL(a.GetTypeUrl()); missing == nil {
				detail.Known, detail.Text = true, "it does not decode"
			}
		default:
			name := message.ProtoReflect().Descriptor().FullName()
			first := !seen[name]
			seen[name] = true
			detail.Known = true
			switch other, isDetail := message.(*recoursev1.ErrorDetail); {
			case !elsewhere[name]:
				detail.Text = asText(message)
			case !first:
				detail.Text = "one more, which is not heeded"
			case isDetail && (other.GetErrorCode() != d.ErrorCode || other.GetDomain() != d.Domain):
				detail.Text = "it is about " + identity(show(other.GetErrorCode()), show(other.GetDomain())) + ", and not heeded"
			default:
				return
			}
		}
		d.Details = append(d.Details, detail)
	})
}

// typeName is a type without the host that its address begins with.
func typeName(url string) string {
	return url[strings.LastIndexByte(url, '/')+1:]
}

// asText is a message as JSON on one line, or nothing: an Any in it may be of a type that this program does not know.
func asText(m proto.Message) string {
	written, err := protojson.Marshal(m)
	if err != nil {
		return ""
	}
	var line bytes.Buffer
	if json.Compact(&line, written) != nil { // protojson puts in spaces by chance
		return ""
	}
	return status.Display(line.String(), maxText)
}
