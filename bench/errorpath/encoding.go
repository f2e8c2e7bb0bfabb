package errorpath

import (
	"encoding/base64"
	"net/http"
	"unsafe"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/status"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func encodeGRPC(err error) string { return header(grpcstatus.Convert(err)) }

// encodeOwn is what the server's interceptor does.
func encodeOwn(err error) string {
	e, _ := status.From(err)
	return header(e.Encode(status.Rendering{Domain: domain}).Status)
}

// encodePlain leaves out all that others do not send either, as far as it goes:
// outcome and verdict stay, in the metadata.
func encodePlain(err error) string {
	e, _ := status.From(err)
	return header(e.Encode(status.Rendering{Domain: domain, OmitErrorDetail: true, OmitGuidance: true}).Status)
}

// header is what grpc-go's http2Server.writeStatus does with a status.
func header(st *grpcstatus.Status) string {
	b, err := proto.Marshal(raw(st))
	if err != nil {
		return ""
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

// raw is the message in a status. Only grpc-go itself can have it without a copy,
// which would count against whoever is measured. A test holds it to what Proto
// returns.
func raw(st *grpcstatus.Status) *spb.Status {
	return *(**spb.Status)(unsafe.Pointer(st))
}

var (
	connectWriter  = connect.NewErrorWriter()
	connectRequest = &http.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/grpc"}}}
	connectReply   = reply{header: http.Header{}}
)

// encodeConnect is what connect-go's own middleware would use.
func encodeConnect(err error) string {
	clear(connectReply.header)
	if connectWriter.Write(connectReply, connectRequest, err) != nil {
		return ""
	}
	return connectReply.header.Get("Grpc-Status-Details-Bin")
}

// reply is a http.ResponseWriter that keeps headers.
type reply struct{ header http.Header }

func (r reply) Header() http.Header       { return r.header }
func (reply) Write(b []byte) (int, error) { return len(b), nil }
func (reply) WriteHeader(int)             {}
