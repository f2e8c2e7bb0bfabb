package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/policy"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// dialer is how a server is reached.
type dialer struct {
	plaintext                  bool
	cacert, cert, key, srvName string
	headers                    headerList
	policyFile                 string
	timeout                    time.Duration
}

func (d *dialer) define(flags *flag.FlagSet) {
	flags.BoolVar(&d.plaintext, "plaintext", false, "use no TLS")
	flags.StringVar(&d.cacert, "cacert", "", "the `file` of the certificates that the server's must come from; the system's without it")
	flags.StringVar(&d.cert, "cert", "", "the `file` of the client's certificate")
	flags.StringVar(&d.key, "key", "", "the `file` of its key")
	flags.StringVar(&d.srvName, "servername", "", "the `name` in the server's certificate, if that is not the target's")
	flags.Var(&d.headers, "H", "metadata to send, `'name: value'`; repeat it for more. What ends in -bin is base64")
	flags.StringVar(&d.policyFile, "policy", "", "the `file` with policies (recourse.yaml); without it calls are made up to three times")
	flags.DurationVar(&d.timeout, "timeout", 0, "how long it may take, all attempts together; 0 means 30s for a unary call, and\nno limit for a stream")
}

// setUpTime is how long it may take to connect, and to ask what the server knows, where nobody says.
const setUpTime = 10 * time.Second

// headerList is metadata from flags.
type headerList struct{ metadata.MD }

func (h *headerList) String() string { return "" }

var headerName = regexp.MustCompile(`^[a-z0-9_.-]+$`)

func (h *headerList) Set(text string) error {
	name, value, ok := strings.Cut(text, ":")
	name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
	switch {
	case !ok || !headerName.MatchString(name):
		return errors.New("write it as 'name: value'")
	case strings.HasPrefix(name, "grpc-"):
		return errors.New("names that begin with grpc- are gRPC's own")
	case strings.HasSuffix(name, "-bin"):
		b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(value), "="))
		if err != nil {
			return fmt.Errorf("the value of %s is no base64", name)
		}
		value = string(b)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Errorf("the value of %s has characters that metadata cannot have: use a name that ends in -bin", name)
	}
	if h.MD == nil {
		h.MD = metadata.MD{}
	}
	h.Append(name, value)
	return nil
}

// dial makes a connection, which is not used yet.
func (d *dialer) dial(target string, watch interceptors.Observer) (*grpc.ClientConn, error) {
	creds, err := d.credentials()
	if err != nil {
		return nil, err
	}
	policies, err := d.policies()
	if err != nil {
		return nil, err
	}
	options := append(interceptors.DialOptions(interceptors.Policies(policies), interceptors.Observe(watch)),
		grpc.WithTransportCredentials(creds), grpc.WithUserAgent("recourse-call"),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	return grpc.NewClient(target, options...)
}

// maxMessage is the largest message that is read.
const maxMessage = 64 << 20

func (d *dialer) policies() (*policy.Set, error) {
	timeout := policy.Defaults(func(p *policy.Policy) { p.Timeout = cmp.Or(d.timeout, p.Timeout) })
	if d.policyFile == "" {
		return policy.New(timeout)
	}
	return policy.Load(d.policyFile, timeout)
}

func (d *dialer) credentials() (credentials.TransportCredentials, error) {
	if d.plaintext {
		if d.cacert+d.cert+d.key+d.srvName != "" {
			return nil, errors.New("-plaintext goes with none of -cacert, -cert, -key, -servername")
		}
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{ServerName: d.srvName, MinVersion: tls.VersionTLS12}
	if d.cacert != "" {
		pem, err := os.ReadFile(d.cacert)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate in PEM", d.cacert)
		}
	}
	switch {
	case d.cert != "" && d.key != "":
		pair, err := tls.LoadX509KeyPair(d.cert, d.key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	case d.cert+d.key != "":
		return nil, errors.New("-cert and -key go together")
	}
	return credentials.NewTLS(config), nil
}

// connect waits until the connection can be used, and returns why it cannot: of several addresses for the last.
func connect(ctx context.Context, conn *grpc.ClientConn) error {
	conn.Connect()
	for {
		switch state := conn.GetState(); state {
		case connectivity.Ready:
			return nil
		case connectivity.TransientFailure, connectivity.Shutdown:
			// Only a call is told the reason, and this one cannot get further.
			err := conn.Invoke(ctx, "/recourse.Connect/Connect", new(emptypb.Empty), new(emptypb.Empty), once())
			if conn.GetState() == connectivity.Ready {
				return nil
			}
			return grpcstatus.Error(grpcstatus.Code(err), grpcstatus.Convert(err).Message()) // without the call that was none
		default:
			if !conn.WaitForStateChange(ctx, state) {
				return ctx.Err()
			}
		}
	}
}
