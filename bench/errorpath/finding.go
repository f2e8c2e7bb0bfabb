package errorpath

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"github.com/googleapis/gax-go/v2/apierror"
	"github.com/recourse-dev/recourse/bench/harness"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// A finder reads the delay of an error that has just been received. None of the
// others keeps what it has decoded, so that they may be given the same error over and
// over. Ours does; so each time it is given an error of its own, and making that is
// measured with the reading, and by itself as recourse-status-unread. The difference is what
// it costs to find one detail.
type finder struct {
	name string
	full bool // reads an error as this library's server sends it
	find func(error) (time.Duration, bool)
}

var finders = []finder{
	{Details, false, findByDetails},
	{Status, false, func(err error) (time.Duration, bool) { return received(err).RetryDelay() }},
	{Status + Unread, false, unread},
	{Status + "-full", true, func(err error) (time.Duration, bool) { return received(err).RetryDelay() }},
	{Status + "-full" + Unread, true, unread},
	{Status + "-from", false, findByFrom},
	{Status + "-detail", false, findByDetail},
	{Gax, false, findByGax},
	{Connect, false, findByConnect},
}

func findingCases() []harness.Case {
	var cases []harness.Case
	for _, n := range []int{0, 3, 5} {
		c := harness.Case{Name: Find(n), Baseline: finders[0].name}
		for _, f := range finders {
			c.Contenders = append(c.Contenders, f.contender(n))
		}
		cases = append(cases, c)
	}
	return cases
}

func (f finder) contender(n int) harness.Contender {
	return harness.Contender{Name: f.name, Setup: func() (func(int), func(), error) {
		err, failed := f.given(n)
		if failed != nil {
			return nil, nil, failed
		}
		run := func(times int) {
			for range times {
				d, _ := f.find(err)
				sink.number += int64(d)
			}
		}
		return run, func() {}, nil
	}}
}

// given is what the transport hands to the finder.
func (f finder) given(n int) (error, error) {
	p, err := decoded(n, f.full)
	if err != nil {
		return nil, err
	}
	if f.name == Connect {
		return connectError(p)
	}
	return grpcstatus.FromProto(p).Err(), nil
}

// decoded is an error as grpc-go's client has it once it has decoded its bytes.
func decoded(n int, full bool) (*spb.Status, error) {
	if n == 0 {
		return &spb.Status{Code: int32(code), Message: message}, nil
	}
	sent := raw(grpcstatus.Convert(withDetails(n)()))
	if full {
		e, _ := status.From(own(n)())
		sent = raw(e.Encode(status.Rendering{Domain: domain, RequestID: newID()}).Status)
	}
	b, err := proto.Marshal(sent)
	if err != nil {
		return nil, err
	}
	p := new(spb.Status)
	return p, proto.Unmarshal(b, p)
}

// received is what the client's interceptor does with an error.
func received(err error) *status.Error { return status.Received(err, method, "", false) }

func unread(err error) (time.Duration, bool) {
	sink.err = received(err)
	return 0, false
}

func findByDetails(err error) (time.Duration, bool) {
	for _, d := range grpcstatus.Convert(err).Details() {
		if m, ok := d.(*errdetails.RetryInfo); ok {
			return m.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

func findByFrom(err error) (time.Duration, bool) {
	e, _ := status.From(err)
	return e.RetryDelay()
}

func findByDetail(err error) (time.Duration, bool) {
	m, ok := status.Detail[*errdetails.RetryInfo](err)
	return m.GetRetryDelay().AsDuration(), ok
}

func findByGax(err error) (time.Duration, bool) {
	e, ok := apierror.FromError(err)
	if !ok {
		return 0, false
	}
	m := e.Details().RetryInfo
	return m.GetRetryDelay().AsDuration(), m != nil
}

func findByConnect(err error) (time.Duration, bool) {
	var e *connect.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	for _, d := range e.Details() {
		if d.Type() != "google.rpc.RetryInfo" {
			continue
		}
		if m, err := d.Value(); err == nil {
			if m, ok := m.(*errdetails.RetryInfo); ok {
				return m.GetRetryDelay().AsDuration(), true
			}
		}
	}
	return 0, false
}

// connectError is p as a client of connect-go has it, from a reply that says so.
func connectError(p *spb.Status) (error, error) {
	h := http.Header{"Content-Type": {"application/grpc+proto"}}
	trailer := http.Header{"Grpc-Status": {"14"}, "Grpc-Message": {p.GetMessage()}}
	if len(p.GetDetails()) > 0 {
		trailer.Set("Grpc-Status-Details-Bin", header(grpcstatus.FromProto(p)))
	}
	answer := answering(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, ProtoMajor: 2, Header: h, Trailer: trailer, Body: http.NoBody, Request: r,
		}, drain(r)
	})
	client := connect.NewClient[emptypb.Empty, emptypb.Empty](&http.Client{Transport: answer}, "http://memory"+method, connect.WithGRPC())
	_, err := client.CallUnary(context.Background(), connect.NewRequest(new(emptypb.Empty)))
	var e *connect.Error
	if !errors.As(err, &e) || e.Code() != connect.CodeUnavailable || len(e.Details()) != len(p.GetDetails()) {
		return nil, errors.New("connect-go has read something else")
	}
	return err, nil
}

// drain takes the request off its writer's hands.
func drain(r *http.Request) error {
	_, err := io.Copy(io.Discard, r.Body)
	return err
}

type answering func(*http.Request) (*http.Response, error)

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }
