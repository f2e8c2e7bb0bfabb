package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/structpb"
)

// liar is a reflection that says what it was told to say.
type liar struct {
	reflectionv1.UnimplementedServerReflectionServer
	files   map[string]*descriptorpb.FileDescriptorProto // by name; those of symbols are all in the first
	first   string
	garbage bool
	err     error
}

func (l *liar) ServerReflectionInfo(stream grpc.BidiStreamingServer[reflectionv1.ServerReflectionRequest, reflectionv1.ServerReflectionResponse]) error {
	request, err := stream.Recv()
	if err != nil || l.err != nil {
		return errors.Join(err, l.err)
	}
	if _, ok := request.GetMessageRequest().(*reflectionv1.ServerReflectionRequest_ListServices); ok {
		return stream.Send(&reflectionv1.ServerReflectionResponse{MessageResponse: &reflectionv1.ServerReflectionResponse_ListServicesResponse{
			ListServicesResponse: &reflectionv1.ListServiceResponse{Service: []*reflectionv1.ServiceResponse{
				{Name: "evil.v1.Evil"}, {Name: "\x1b[31m"}, {Name: "not.There"}}}}})
	}
	name := request.GetFileByFilename()
	if name == "" && strings.HasPrefix(request.GetFileContainingSymbol(), "evil.v1.") {
		name = l.first
	}
	file := l.files[name]
	if file == nil {
		return stream.Send(&reflectionv1.ServerReflectionResponse{MessageResponse: &reflectionv1.ServerReflectionResponse_ErrorResponse{
			ErrorResponse: &reflectionv1.ErrorResponse{ErrorCode: int32(codes.NotFound), ErrorMessage: evil}}})
	}
	b, err := proto.Marshal(file)
	if err != nil {
		return err
	}
	if l.garbage {
		b = []byte{0xff}
	}
	return stream.Send(&reflectionv1.ServerReflectionResponse{MessageResponse: &reflectionv1.ServerReflectionResponse_FileDescriptorResponse{
		FileDescriptorResponse: &reflectionv1.FileDescriptorResponse{FileDescriptorProto: [][]byte{b}}}})
}

// evilFile has the service evil.v1.Evil with one method, whose messages are both of one type.
func evilFile(message string, imports ...string) *descriptorpb.FileDescriptorProto {
	return &descriptorpb.FileDescriptorProto{
		Name: proto.String("evil.proto"), Package: proto.String("evil.v1"), Syntax: proto.String("proto3"), Dependency: imports,
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Nothing")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("Evil"), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: proto.String("Do"), InputType: proto.String(message), OutputType: proto.String(message)}}}},
	}
}

func TestCallWithAReflectionThatLies(t *testing.T) {
	own := &descriptorpb.FileDescriptorProto{Name: proto.String("mine.proto"), Package: proto.String("google.protobuf"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Any")}}}
	loop := &descriptorpb.FileDescriptorProto{Name: proto.String("loop.proto"), Dependency: []string{"evil.proto"}}
	for name, test := range map[string]struct {
		files   []*descriptorpb.FileDescriptorProto
		garbage bool
		err     error
		args    []string
		code    int
		want    string
	}{
		"garbage":      {[]*descriptorpb.FileDescriptorProto{evilFile(".evil.v1.Nothing")}, true, nil, []string{"evil.v1.Evil/Do"}, exitUsage, "a file that is none"},
		"own types":    {[]*descriptorpb.FileDescriptorProto{evilFile(".google.protobuf.Any", "mine.proto"), own}, false, nil, []string{"evil.v1.Evil/Do"}, exitUsage, "types of its own"},
		"cycle":        {[]*descriptorpb.FileDescriptorProto{evilFile(".evil.v1.Nothing", "loop.proto"), loop}, false, nil, []string{"evil.v1.Evil/Do"}, exitUsage, "does not hold together"},
		"missing type": {[]*descriptorpb.FileDescriptorProto{evilFile(".gone.v1.Gone", "gone.proto")}, false, nil, []string{"evil.v1.Evil/Do"}, exitUsage, "gone.v1.Gone is missing"},
		"missing file": {[]*descriptorpb.FileDescriptorProto{evilFile(".evil.v1.Nothing", "gone.proto")}, false, nil, []string{"evil.v1.Evil/Do"}, exitFound, "UNIMPLEMENTED"},
		"list":         {[]*descriptorpb.FileDescriptorProto{evilFile(".evil.v1.Nothing", "gone.proto")}, false, nil, []string{"-list"}, exitOK, "Do(evil.v1.Nothing)"},
		"not for you":  {nil, false, grpcstatus.Error(codes.PermissionDenied, evil), []string{"evil.v1.Evil/Do"}, exitFound, "PERMISSION_DENIED"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &liar{files: map[string]*descriptorpb.FileDescriptorProto{}, first: "evil.proto", garbage: test.garbage, err: test.err}
			for _, f := range test.files {
				l.files[f.GetName()] = f
			}
			target := serving(t, func(s *grpc.Server) { reflectionv1.RegisterServerReflectionServer(s, l) })
			got := called("", target, test.args...)
			harmless(t, got.out)
			harmless(t, got.errout)
			if got.code != test.code || !strings.Contains(got.out+got.errout, test.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// certificate makes one for a name, signed by itself, and returns its files.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	private8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	err = errors.Join(os.WriteFile(cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private8}), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func TestCallTLS(t *testing.T) {
	serverCert, serverKey := certificate(t, "assistant.test")
	clientCert, clientKey := certificate(t, "client.test")
	pair, err := tls.LoadX509KeyPair(serverCert, serverKey)
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	b, err := os.ReadFile(clientCert)
	if err != nil || !clients.AppendCertsFromPEM(b) {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12})))
	assistantv1.RegisterAssistantServer(server, new(assistant))
	reflection.Register(server)
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-done })

	trusted := []string{"-cacert", serverCert, "-servername", "assistant.test"}
	known := []string{"-cert", clientCert, "-key", clientKey}
	for name, test := range map[string]struct {
		flags []string
		code  int
		want  string
	}{
		"all":            {append(append([]string{}, trusted...), known...), exitOK, ""},
		"unknown server": {known, exitNoConnection, "certificate"},
		"wrong name":     {append([]string{"-cacert", serverCert}, known...), exitNoConnection, "certificate"},
		"no key":         {append(append([]string{}, trusted...), "-cert", clientCert), exitUsage, "go together"},
		"no certificate": {[]string{"-cacert", clientKey}, exitUsage, "has no certificate"},
	} {
		got := recourseOf("", append([]string{"call", listener.Addr().String(), service + "/ClassifyIntent"}, test.flags...)...)
		if got.code != test.code || !strings.Contains(got.errout, test.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if _, err := new(dialer).credentials(); err != nil {
		t.Errorf("the system's certificates: %v", err)
	}
	if err := connect(canceled(), toNobody(t)); err == nil {
		t.Error("connected although nobody wants it any more")
	}
}

func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// toNobody makes a connection to nobody.
func toNobody(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := (&dialer{plaintext: true}).dial("127.0.0.1:1", new(watcher))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Whatever a server answers is JSON, and does nothing to a terminal.
func FuzzReplyJSON(f *testing.F) {
	for _, m := range []proto.Message{quotaUsedUp(f), hostileStatus(f, evil)} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range []proto.Message{new(spb.Status), new(anypb.Any), new(structpb.Value)} {
			if proto.Unmarshal(b, m) != nil {
				continue
			}
			got := replyJSON(m, func(protoreflect.FullName) (protoreflect.Descriptor, error) { return nil, errUnknown })
			harmless(t, string(got))
			if !json.Valid(got) {
				t.Errorf("not JSON: %s", got)
			}
		}
	})
}
