// Package overload lets real gRPC clients and servers meet a burst that is twice
// what the server can do, and measures what is left of the service during it and
// how long it takes to recover.
//
// Whoever retries without restraint, or works for callers that have gone, turns
// such a burst into an outage that outlasts it (Bronson et al., "Metastable
// Failures in Distributed Systems", HotOS 2021).
package overload

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Scenario is the load, and what it meets.
type Scenario struct {
	Seed    uint64
	Clients int // that share the load: processes, each with its own connection and state

	Base, Burst float64       // calls a second, before and after the burst, and in it
	Calm        time.Duration // before the burst
	Storm       time.Duration // the burst
	Watch       time.Duration // after it

	Deadline time.Duration // of a call
	Attempt  time.Duration // of an attempt, for clients that have such a limit
	Attempts int           // at most, for clients that retry

	Workers int           // of the server
	Work    time.Duration // that a call takes one of them for
	Queue   int           // calls that wait for a worker at most, where the server has no other limit
}

// Default is a burst of twice the capacity, 500 calls a second.
func Default(seed uint64) Scenario {
	return Scenario{
		Seed: seed, Clients: 1,
		Base: 350, Burst: 1000,
		Calm: 5 * time.Second, Storm: 5 * time.Second, Watch: 30 * time.Second,
		Deadline: time.Second, Attempt: 400 * time.Millisecond, Attempts: 3,
		Workers: 10, Work: 20 * time.Millisecond, Queue: 2000,
	}
}

// Capacity is how many calls a second the server can serve.
func (s Scenario) Capacity() float64 { return float64(s.Workers) / s.Work.Seconds() }

func (s Scenario) total() time.Duration { return s.Calm + s.Storm + s.Watch }

// arrivals are the moments at which calls begin: a Poisson process, for callers do
// not wait for each other.
func (s Scenario) arrivals() (at []time.Duration) {
	random := rand.New(rand.NewPCG(s.Seed, 1))
	phase := func(from, to time.Duration, rate float64) {
		gap := func() time.Duration { return time.Duration(random.ExpFloat64() / rate * float64(time.Second)) }
		for t := from + gap(); t < to; t += gap() {
			at = append(at, t)
		}
	}
	phase(0, s.Calm, s.Base)
	phase(s.Calm, s.Calm+s.Storm, s.Burst)
	phase(s.Calm+s.Storm, s.total(), s.Base)
	return at
}

// Run plays the scenario. It takes as long as the scenario does: in a synctest
// bubble that is no time at all.
func (s Scenario) Run(c Contender) (*Result, error) {
	log := newLog(s)
	lis := bufconn.Listen(1 << 20)
	server := newServer(s, c, log)
	served := make(chan error, 1)
	go func() { served <- server.Serve(lis) }()
	calls, err := s.play(c, log, lis)
	if err != nil {
		return nil, err
	}
	server.Stop()
	if err := <-served; err != nil {
		return nil, err
	}
	if most := log.mostAtOnce(); most > s.Workers {
		return nil, fmt.Errorf("%s, %v server: %d calls were worked on at once, by %d workers", c.Name, c.Server, most, s.Workers)
	}
	return log.result(c, calls), nil
}

// call is what became of one.
type call struct {
	began, took time.Duration
	code        codes.Code
}

// play makes the calls and waits for all of them.
func (s Scenario) play(c Contender, log *log, lis *bufconn.Listener) ([]call, error) {
	conns := make([]*grpc.ClientConn, s.Clients)
	for i := range conns {
		conn, err := newClient(s, c, log, lis)
		if err != nil {
			return nil, err
		}
		defer func() { _ = conn.Close() }() // only a second Close fails
		conns[i] = conn
	}
	arrivals := s.arrivals()
	calls := make([]call, len(arrivals))
	var group sync.WaitGroup
	for i, at := range arrivals {
		time.Sleep(at - time.Since(log.start))
		group.Go(func() { calls[i] = s.call(conns[i%len(conns)], log.start, at) })
	}
	group.Wait()
	return calls, nil
}

func (s Scenario) call(conn *grpc.ClientConn, start time.Time, at time.Duration) call {
	ctx, cancel := context.WithDeadline(context.Background(), start.Add(at+s.Deadline))
	defer cancel()
	err := conn.Invoke(ctx, method, new(wrapperspb.Int64Value), new(wrapperspb.Int64Value))
	return call{at, time.Since(start) - at, status.Code(err)}
}

const (
	service = "recourse.bench.Worker"
	method  = "/" + service + "/Work"
)

func newServer(s Scenario, c Contender, log *log) *grpc.Server {
	w := c.Server.worker(s, log)
	options := append([]grpc.ServerOption{grpc.WaitForHandlers(true)}, c.Server.options(s)...)
	server := grpc.NewServer(options...)
	server.RegisterService(&grpc.ServiceDesc{ServiceName: service, HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Work",
		Handler: func(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
			req := new(wrapperspb.Int64Value)
			if err := decode(req); err != nil {
				return nil, err
			}
			handle := func(ctx context.Context, req any) (any, error) { return w(ctx, req.(*wrapperspb.Int64Value)) }
			if interceptor == nil {
				return handle(ctx, req)
			}
			return interceptor(ctx, req, &grpc.UnaryServerInfo{Server: srv, FullMethod: method}, handle)
		},
	}}}, nil)
	return server
}
