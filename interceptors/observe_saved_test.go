package interceptors_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/internal/rpctest"
	"github.com/recourse-dev/recourse/policy"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Substitutes that fail are told of, and the one that answers.
func TestAnObserverIsToldOfFallbacks(t *testing.T) {
	broken := errors.New("the cache is cold")
	canned := interceptors.Canned(wrapperspb.String("canned"))
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		for _, test := range []struct {
			name  string
			chain func(rpctest.Shape) []*interceptors.Substitute
			want  []string
			saved bool
		}{
			{"answers", func(rpctest.Shape) []*interceptors.Substitute {
				return []*interceptors.Substitute{canned}
			}, []string{"fallback canned"}, true},
			{"fails, then answers", func(shape rpctest.Shape) []*interceptors.Substitute {
				cold := substitute(shape, func(*text, *status.Error) (string, error) { return "", broken })
				wild := substitute(shape, func(*text, *status.Error) (string, error) { panic("help") })
				return []*interceptors.Substitute{cold.From("cache"), wild, canned.For("OTHER"), canned}
			}, []string{"fallback cache: " + status.CodeUnexpected, "fallback fallback: " + status.CodeUnexpected, "fallback canned"}, true},
			{"fails", func(shape rpctest.Shape) []*interceptors.Substitute {
				cold := substitute(shape, func(*text, *status.Error) (string, error) { return "", broken })
				return []*interceptors.Substitute{cold}
			}, []string{"fallback fallback: " + status.CodeUnexpected}, false},
			{"is for something else", func(rpctest.Shape) []*interceptors.Substitute {
				return []*interceptors.Substitute{canned.For("OTHER")}
			}, nil, false},
		} {
			t.Run(side.String()+" "+test.name, func(t *testing.T) {
				inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
					w := &witness{t: t}
					server, dial := []interceptors.ServerOption{unlogged}, []interceptors.DialOption{unlogged}
					want := []string{"attempt 1"}
					if o := interceptors.Fallback(shape.Method(), test.chain(shape)...); side == interceptors.ServerSide {
						server = append(server, o)
					} else {
						dial = append(dial, o)
						want = append(want, "given up unsafe of 1: DOWN")
					}
					conn := w.start(heard(dead), server, dial...)
					r := rpctest.Do(t.Context(), conn, shape, "a")
					f := w.tells(side, append(want, test.want...)...).failure
					if (r.Err == nil) != test.saved {
						t.Fatalf("%v, %v", r.Replies, r.Err)
					}
					if f == nil || f.Err.ErrorCode() != "DOWN" || f.Saved != test.saved || (f.Degraded != nil) != test.saved {
						t.Fatalf("%+v", f)
					}
					if f.RequestID == "" || f.Policy == nil && side == interceptors.ServerSide {
						t.Errorf("%+v", f)
					}
				})
			})
		}
	}
}

// A stream of a substitute's that fails after all has saved nothing.
func TestAnObserverIsToldOfAFallbackThatFailsAfterAll(t *testing.T) {
	late := status.New(codes.DataLoss, "LATE", "")
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		for _, shape := range rpctest.Shapes {
			if !shape.ServerStreams {
				continue
			}
			t.Run(side.String()+" "+shape.Name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := &witness{t: t}
					half := interceptors.Fallback(shape.Method(), interceptors.AnswerStream(
						func(_ context.Context, _ *text, _ *status.Error, send func(*text) error) error {
							if err := send(wrapperspb.String("half")); err != nil {
								return err
							}
							return late
						}).From("archive"))
					server, dial := []interceptors.ServerOption{interceptors.OnFailure(func(_ context.Context, f interceptors.Failure) {
						if f.Saved {
							t.Errorf("OnFailure: %+v", f)
						}
					})}, []interceptors.DialOption{}
					if side == interceptors.ServerSide {
						server = append(server, half)
					} else {
						dial = append(dial, half)
					}
					conn := w.start(dead, server, dial...)
					if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err == nil || len(r.Replies) != 1 {
						t.Errorf("%v, %v", r.Replies, r.Err)
					}
					for _, at := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
						if at == interceptors.ServerSide && side == interceptors.ClientSide {
							continue // where it failed in its own way
						}
						if f := w.only(at).failure; f == nil || f.Saved || f.Degraded != nil || f.Err.ErrorCode() != "LATE" {
							t.Errorf("%v side: %+v", at, f)
						}
					}
					if told := w.only(side).told; told[len(told)-2] != "fallback archive" {
						t.Errorf("told %q", told)
					}
				})
			})
		}
	}
}

// What a repeat has saved a hook may still refuse.
func TestAnObserverIsToldOfACallThatFailsAfterAll(t *testing.T) {
	refusal := interceptors.Use(rewriter{status.New(codes.DataLoss, "LATE", "")})
	for _, side := range []interceptors.Side{interceptors.ServerSide, interceptors.ClientSide} {
		t.Run(side.String(), func(t *testing.T) {
			inShapes(t, rpctest.Shapes[:2], func(t *testing.T, shape rpctest.Shape) {
				w, s := &witness{t: t}, &script{failures: []error{unavailable()}}
				server, dial := []interceptors.ServerOption{unlogged}, []interceptors.DialOption{}
				if side == interceptors.ServerSide {
					server = append(server, refusal, interceptors.Policies(policies(t, func(p *policy.Policy) { p.HandlerAttempts = 2 })))
				} else {
					dial = append(dial, refusal, interceptors.Policies(policies(t)))
				}
				conn := w.start(s.handle, server, dial...)
				rpctest.Do(t.Context(), conn, shape, "a")
				f := w.tells(side, "attempt 1", "repeat backoff of 1: DOWN", "attempt 2").failure
				if f == nil || f.Saved || f.Err.ErrorCode() != "LATE" || f.Attempts != 2 {
					t.Errorf("%+v", f)
				}
			})
		})
	}
}

// A degraded answer is seen on both sides, by whatever means it came.
func TestAnObserverSeesADegradedAnswer(t *testing.T) {
	partial := &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_PARTIAL, Source: "half"}
	marks := func(ctx context.Context, x rpctest.Exchange) error {
		if err := interceptors.SetDegraded(ctx, partial); err != nil {
			return err
		}
		return rpctest.Echo(ctx, x)
	}
	marksLate := func(ctx context.Context, x rpctest.Exchange) error {
		return errors.Join(rpctest.Echo(ctx, x), interceptors.SetDegraded(ctx, partial))
	}
	for _, with := range []string{"", ", client with policies"} {
		for _, test := range []struct {
			name     string
			handler  rpctest.Handler
			fallback bool
			kind     recoursev1.Degraded_Kind
			code     string // of what was made up for; on a client nothing
		}{
			{"the handler's", marks, false, recoursev1.Degraded_KIND_PARTIAL, ""},
			{"the handler's, at the end", marksLate, false, recoursev1.Degraded_KIND_PARTIAL, ""},
			{"the server's fallback", dead, true, recoursev1.Degraded_KIND_DEFAULT, "DOWN"},
		} {
			t.Run(test.name+with, func(t *testing.T) {
				inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
					w := &witness{t: t}
					server, dial := []interceptors.ServerOption{unlogged}, []interceptors.DialOption{}
					if test.fallback {
						server = append(server, interceptors.Fallback(shape.Method(), interceptors.Canned(wrapperspb.String("canned"))))
					}
					if with != "" {
						dial = append(dial, interceptors.Policies(policies(t)))
					}
					conn := w.start(test.handler, server, dial...)
					if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil {
						t.Fatal(r.Err)
					}
					f := w.only(interceptors.ClientSide).failure
					if f == nil || f.Err != nil || f.Saved || f.Degraded.GetKind() != test.kind || f.Degraded.GetErrorCode() != test.code {
						t.Errorf("on the client %+v", f)
					}
					f = w.only(interceptors.ServerSide).failure
					if f == nil || f.Err.ErrorCode() != test.code || f.Saved != test.fallback || f.Degraded.GetKind() != test.kind {
						t.Errorf("on the server %+v", f)
					}
				})
			})
		}
	}
}

// A repeat that gets a degraded answer has both to tell.
func TestAnObserverSeesADegradedAnswerOfARepeat(t *testing.T) {
	inEveryShape(t, func(t *testing.T, shape rpctest.Shape) {
		w, calls := &witness{t: t}, atomic.Int32{}
		conn := w.start(func(ctx context.Context, x rpctest.Exchange) error {
			if calls.Add(1) == 1 {
				return unavailable()
			}
			if err := interceptors.SetDegraded(ctx, &recoursev1.Degraded{Kind: recoursev1.Degraded_KIND_STALE}); err != nil {
				return err
			}
			return rpctest.Echo(ctx, x)
		}, []interceptors.ServerOption{unlogged}, interceptors.Policies(policies(t)))
		if r := rpctest.Do(t.Context(), conn, shape, "a"); r.Err != nil {
			t.Fatal(r.Err)
		}
		f := w.only(interceptors.ClientSide).failure
		if f == nil || !f.Saved || f.Err.ErrorCode() != "DOWN" || f.Attempts != 2 || f.Degraded.GetKind() != recoursev1.Degraded_KIND_STALE {
			t.Errorf("%+v", f)
		}
	})
}
