package main

import (
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"github.com/recourse-dev/recourse/gateway/recourseconnect"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"google.golang.org/grpc"
)

// calls serves the assistant to browsers. Its callers are the public: of an error they see what they may know, whatever
// the assistant has told this server.
func calls(conn grpc.ClientConnInterface) http.Handler {
	proxy := recourseconnect.Proxy{Conn: conn, Options: []connect.HandlerOption{
		connect.WithInterceptors(recourseconnect.Interceptor(interceptors.Domain("web.assistant.example.com"))),
		connect.WithReadMaxBytes(64 << 10),
	}}
	mux := http.NewServeMux()
	mux.Handle(proxy.Handler(assistantv1.File_assistant_v1_assistant_proto.Services().ByName("Assistant")))
	return mux
}

// The headers that the page sends beside those that every page may, and those of the answers that it reads.
const allowed = "Authorization, Connect-Protocol-Version, Connect-Timeout-Ms, Content-Type, Grpc-Timeout, X-Grpc-Web, " +
	"X-User-Agent"

var exposed = strings.Join(recourseconnect.ExposedHeaders(), ", ")

// allow lets the pages of one origin make calls and read what comes of them (CORS).
func allow(origin string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		ours := r.Header.Get("Origin") == origin
		if ours {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", exposed)
		}
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		if ours {
			h.Set("Access-Control-Allow-Methods", "POST")
			h.Set("Access-Control-Allow-Headers", allowed)
			h.Set("Access-Control-Max-Age", "7200")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
