// Package amplification counts what reaches a service that is down, three hops below
// the user, when every hop repeats what failed.
package amplification

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/recourse-dev/recourse/bench/contender"
	"github.com/recourse-dev/recourse/bench/rig"
	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Hops is how many clients there are between the user and the service that is down,
// the user's own included. Each makes contender.Attempts at most.
const Hops = 3

// Calls is how many the user makes, one after the other.
const Calls = 50

// Result is what reached the service that is down.
type Result struct {
	Contender  contender.Contender
	First      int     // calls, for the user's first one
	EachOfMany float64 // the same, on average of Calls
	Answered   int     // of the Calls, by somebody's fallback
}

// Run has a user call through all hops.
func Run(c contender.Contender) (Result, error) {
	r := Result{Contender: c}
	down := new(leaf)
	var next assistantv1.AssistantServer = down
	var entry *rig.Rig
	for hop := range Hops {
		in, err := c.New()
		if err != nil {
			return r, err
		}
		if hop == 0 {
			in.Server = nil // what is down does nothing for anybody
		}
		entry, err = rig.Open(rig.Memory, next, in)
		if err != nil {
			return r, err
		}
		defer entry.Stop()
		next = relay{next: entry}
	}
	for range Calls {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		_, err := entry.ClassifyIntent(ctx, &assistantv1.ClassifyIntentRequest{Query: "hello"})
		cancel()
		if err == nil {
			r.Answered++
		}
		if r.First == 0 {
			r.First = int(down.calls.Load())
		}
	}
	r.EachOfMany = float64(down.calls.Load()) / Calls
	return r, nil
}

// leaf is down.
type leaf struct {
	assistantv1.UnimplementedAssistantServer
	calls atomic.Int64
}

func (l *leaf) ClassifyIntent(context.Context, *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	l.calls.Add(1)
	return nil, status.Error(codes.Unavailable, "down")
}

// relay is a service that needs another, and returns what that has said.
type relay struct {
	assistantv1.UnimplementedAssistantServer
	next *rig.Rig
}

func (r relay) ClassifyIntent(ctx context.Context, req *assistantv1.ClassifyIntentRequest) (*assistantv1.ClassifyIntentResponse, error) {
	return r.next.ClassifyIntent(ctx, req)
}
