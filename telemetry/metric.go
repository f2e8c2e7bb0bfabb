package telemetry

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc/codes"
)

// Bounds of the histograms: of durations those of gRFC A66, of repeats those of gRFC
// A96; of sizes up to what a trailer block may take.
var (
	durationBounds = []float64{
		0, 0.00001, 0.00005, 0.0001, 0.0003, 0.0006, 0.0008, 0.001, 0.002, 0.003, 0.004, 0.005, 0.006, 0.008,
		0.01, 0.013, 0.016, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4, 0.5, 0.65, 0.8,
		1, 2, 5, 10, 20, 50, 100,
	}
	retryBounds = []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100}
	sizeBounds  = []float64{256, 512, 1024, 2048, 3072, 4096, 6144, 8192}
)

// metrics are the instruments. Those that grpc-go's own stats/opentelemetry has are nil
// beside it. Of two the first is the server's.
type metrics struct {
	methods *methods
	series  series

	clientDuration metric.Float64Histogram
	retries        metric.Int64Histogram
	retryDelay     metric.Float64Histogram
	denied         metric.Int64Counter // repeats that were not made

	serverDuration metric.Float64Histogram
	repeats        metric.Int64Counter // of handlers
	overruns       metric.Int64Counter
	abandoned      metric.Int64Counter
	panics         metric.Int64Counter
	trimmed        metric.Int64Counter
	undeclared     metric.Int64Counter
	size           metric.Int64Histogram

	refused, fallbacks, degraded [2]metric.Int64Counter

	mu       sync.Mutex
	attached [2][]func() (interceptors.Levels, bool)
}

func newMetrics(c *Config, of *methods) (*metrics, error) {
	if _, none := c.MeterProvider.(noop.MeterProvider); none {
		return nil, nil
	}
	m := &metrics{methods: of}
	k := &maker{meter: c.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))}
	if c.Beside != BesideGRPC {
		k.started(of)
		m.clientDuration = k.seconds("grpc.client.call.duration", "Time of a call, all its attempts included")
		m.serverDuration = k.seconds("grpc.server.call.duration", "Time that a server took for a call")
	}
	m.retries = k.spread("grpc.client.call.retries", "{retry}", "Repeats of a call, where there were any", retryBounds)
	m.retryDelay = k.seconds("grpc.client.call.retry_delay", "Time that a call which was repeated has waited between attempts")
	m.denied = k.count("recourse.client.retries.denied", "{retry}", "Failures that were not repeated though they invited it, by reason")
	m.repeats = k.count("recourse.server.repeats", "{run}", "Runs of handlers after the first")
	m.overruns = k.count("recourse.server.deadline.overruns", "{call}", "Calls that did not end in time")
	m.abandoned = k.count("recourse.server.handlers.abandoned", "{handler}", "Handlers that were left behind")
	m.panics = k.count("recourse.server.panics", "{panic}", "Panics of handlers, whatever became of their calls")
	m.trimmed = k.count("recourse.server.errors.trimmed", "{error}", "Errors of which something was left out")
	m.undeclared = k.count("recourse.server.errors.undeclared", "{error}", "Errors of other packages, and those that a method has not declared")
	m.size = k.spread("recourse.server.error.size", "By", "Size of all trailers of an error", sizeBounds)
	for side, of := range [...]string{interceptors.ServerSide: "server", interceptors.ClientSide: "client"} {
		m.refused[side] = k.count("recourse."+of+".refusals", "{call}", "Calls that were refused before anything was done, by reason")
		m.fallbacks[side] = k.count("recourse."+of+".fallbacks", "{fallback}", "Fallbacks that were asked, by source and outcome")
		m.degraded[side] = k.count("recourse."+of+".degraded", "{call}", "Calls with a degraded answer, by kind and origin")
	}
	k.levels(m)
	return m, k.err
}

// maker makes instruments, and remembers what went wrong. Those that were not made count
// nothing.
type maker struct {
	meter metric.Meter
	err   error
}

func (k *maker) count(name, unit, about string) metric.Int64Counter {
	c, err := k.meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(about))
	k.err = errors.Join(k.err, err)
	if c == nil {
		return noop.Int64Counter{}
	}
	return c
}

func (k *maker) seconds(name, about string) metric.Float64Histogram {
	h, err := k.meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(about),
		metric.WithExplicitBucketBoundaries(durationBounds...))
	k.err = errors.Join(k.err, err)
	if h == nil {
		return noop.Float64Histogram{}
	}
	return h
}

func (k *maker) spread(name, unit, about string, bounds []float64) metric.Int64Histogram {
	h, err := k.meter.Int64Histogram(name, metric.WithUnit(unit), metric.WithDescription(about),
		metric.WithExplicitBucketBoundaries(bounds...))
	k.err = errors.Join(k.err, err)
	if h == nil {
		return noop.Int64Histogram{}
	}
	return h
}

// started makes the counters of what every call has. They are read when metrics are
// collected, so that a call adds one to a number of its method and the SDK need not find the
// sum by its labels each time.
func (k *maker) started(of *methods) {
	server, err := k.meter.Int64ObservableCounter("grpc.server.call.started", metric.WithUnit("{call}"),
		metric.WithDescription("Calls that were started"))
	client, other := k.meter.Int64ObservableCounter("grpc.client.attempt.started", metric.WithUnit("{attempt}"),
		metric.WithDescription("Attempts that were started"))
	k.err = errors.Join(k.err, err, other)
	if server == nil || client == nil {
		return
	}
	_, err = k.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		of.started(&of.server, func(n int64, labels metric.MeasurementOption) { o.ObserveInt64(server, n, labels) })
		of.started(&of.client, func(n int64, labels metric.MeasurementOption) { o.ObserveInt64(client, n, labels) })
		return nil
	}, server, client)
	k.err = errors.Join(k.err, err)
}

// levels makes the gauges, which are read when metrics are collected.
func (k *maker) levels(m *metrics) {
	stuck, err := k.meter.Int64ObservableGauge("recourse.server.handlers.stuck", metric.WithUnit("{handler}"),
		metric.WithDescription("Handlers that were left behind and have not returned"))
	budget, other := k.meter.Float64ObservableGauge("recourse.client.retry_budget.level", metric.WithUnit("1"),
		metric.WithDescription("What is left of the budget for repeats, of 1"))
	k.err = errors.Join(k.err, err, other)
	if stuck == nil || budget == nil {
		return
	}
	_, err = k.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if servers := m.levels(interceptors.ServerSide); len(servers) > 0 {
			n := 0
			for _, s := range servers {
				n += s.Abandoned
			}
			o.ObserveInt64(stuck, int64(n))
		}
		for of, level := range lowest(m.levels(interceptors.ClientSide)) {
			o.ObserveFloat64(budget, level, metric.WithAttributes(attribute.String(keyTarget, of.target), attribute.String(keyService, of.name)))
		}
		return nil
	}, stuck, budget)
	k.err = errors.Join(k.err, err)
}

// lowest is the level of each service on each target: a program may have several
// connections to one. Beyond a limit there are no others.
func lowest(clients []interceptors.Levels) map[methodKey]float64 {
	levels := map[methodKey]float64{}
	for _, c := range clients {
		for _, b := range c.Budgets {
			of := methodKey{clean(b.Service), clean(canonicalTarget(b.Target))}
			if level, met := levels[of]; met {
				levels[of] = min(level, b.Level)
			} else if len(levels) < maxMethods {
				levels[of] = b.Level
			}
		}
	}
	return levels
}

// attach forgets those that are gone where the list would grow: nobody may ever collect.
func (m *metrics) attach(side interceptors.Side, read func() (interceptors.Levels, bool)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if all := m.attached[side]; len(all) == cap(all) {
		m.attached[side] = slices.DeleteFunc(all, func(read func() (interceptors.Levels, bool)) bool {
			_, there := read()
			return !there
		})
	}
	m.attached[side] = append(m.attached[side], read)
}

// levels reads what is still there.
func (m *metrics) levels(side interceptors.Side) []interceptors.Levels {
	m.mu.Lock()
	defer m.mu.Unlock()
	levels := make([]interceptors.Levels, 0, len(m.attached[side]))
	m.attached[side] = slices.DeleteFunc(m.attached[side], func(read func() (interceptors.Levels, bool)) bool {
		l, there := read()
		if there {
			levels = append(levels, l)
		}
		return !there
	})
	return levels
}

func (m *metrics) begin(o *interceptors.Observation, c *call) {
	if o.Side == interceptors.ServerSide {
		c.method.started.Add(1)
	}
}

func (m *metrics) attempt(ctx context.Context, o *interceptors.Observation, c *call) {
	switch {
	case o.Side == interceptors.ClientSide:
		c.method.started.Add(1)
	case c.attempts > 1:
		m.repeats.Add(ctx, 1, c.method.count...)
	}
}

func (m *metrics) event(ctx context.Context, o *interceptors.Observation, c *call, e interceptors.Event) {
	switch {
	case c == nil: // its call is over
		if e.Failure != nil {
			m.panics.Add(ctx, 1, m.methods.of(&interceptors.Observation{Call: e.Failure.Call}).count...)
		}
	case e.Kind == interceptors.EventRepeat:
		if o.Side == interceptors.ServerSide && panicked(e.Err) {
			m.panics.Add(ctx, 1, c.method.count...)
		}
	case e.Kind == interceptors.EventRefused:
		m.refused[o.Side].Add(ctx, 1, c.method.counting(attribute.String(keyReason, e.Reason)))
	case e.Kind == interceptors.EventGivenUp:
		if e.Reason != "final" && o.Side == interceptors.ClientSide {
			m.denied.Add(ctx, 1, c.method.counting(attribute.String(keyReason, e.Reason)))
		}
	case e.Kind == interceptors.EventFallback:
		outcome := "answered"
		if e.Err != nil {
			outcome = "failed"
		}
		m.fallbacks[o.Side].Add(ctx, 1, c.method.counting(attribute.String(keySource, e.Reason), attribute.String(keyOutcome, outcome)))
	case e.Kind == interceptors.EventAbandoned:
		m.abandoned.Add(ctx, 1, c.method.counting(attribute.String(keyReason, e.Reason)))
	}
}

func (m *metrics) end(ctx context.Context, o *interceptors.Observation, c *call, f *interceptors.Failure) {
	duration := m.clientDuration
	if o.Side == interceptors.ServerSide {
		duration = m.serverDuration
	}
	labels := c.method.ok
	if !succeeded(f) {
		labels = m.series.of(c.method, f)
	}
	if o.Side == interceptors.ServerSide && f != nil && f.Err != nil {
		m.failed(ctx, c, f)
	}
	if duration != nil {
		duration.Record(ctx, (elapsed() - c.began).Seconds(), labels...)
	}
	if n := c.attempts - 1; n > 0 && o.Side == interceptors.ClientSide {
		m.retries.Record(ctx, int64(n), c.method.measure...)
		m.retryDelay.Record(ctx, c.delay.Seconds(), c.method.measure...)
	}
	if f != nil && f.Degraded != nil {
		m.degraded[o.Side].Add(ctx, 1, c.method.counting(attribute.String(keyKind, kindOf(f.Degraded)), attribute.String(keyOrigin, origin(o, c, f))))
	}
}

// origin is who has made a degraded answer.
func origin(o *interceptors.Observation, c *call, f *interceptors.Failure) string {
	switch {
	case f.Saved && c.asked != "":
		return "fallback"
	case o.Side == interceptors.ServerSide:
		return "handler"
	}
	return "server"
}

// failed counts what there is to say of a failure on a server. A panic is a bug, whoever
// has made up for it; one that was repeated was counted then.
func (m *metrics) failed(ctx context.Context, c *call, f *interceptors.Failure) {
	if f.Size > 0 {
		m.size.Record(ctx, int64(f.Size), c.method.measure...)
	}
	if f.Elided > 0 {
		m.trimmed.Add(ctx, 1, c.method.count...)
	}
	own, declared := errors.AsType[*status.Error](f.Cause)
	switch e := f.Err; {
	case panicked(e):
		if !f.Saved || f.Degraded != nil {
			m.panics.Add(ctx, 1, c.method.count...)
		}
	case f.Saved:
	case e.ErrorCode() == status.CodeTimeout:
		m.overruns.Add(ctx, 1, c.method.count...)
	case f.Undeclared, e.ErrorCode() == status.CodeUnexpected, e.Code() != codes.Canceled && (!declared || own.Received()):
		m.undeclared.Add(ctx, 1, c.method.count...)
	}
}

func panicked(e *status.Error) bool {
	_, is := errors.AsType[*status.PanicError](e.Unwrap())
	return is
}

// series are the labels of calls that failed, made once for each kind of failure.
type series struct {
	mu    sync.RWMutex
	types map[string]bool // of errors
	known map[seriesKey][]metric.RecordOption
}

type seriesKey struct {
	method    *method // nil: those beyond the limit
	code      string  // of any number
	errorType string
}

func (s *series) of(m *method, f *interceptors.Failure) []metric.RecordOption {
	key := seriesKey{m, canonical(f.Err.Code()), errorType(f.Err, f.Domain)}
	s.mu.RLock()
	known := s.known[key]
	s.mu.RUnlock()
	if known != nil {
		return known
	}
	return s.meet(key)
}

func (s *series) meet(key seriesKey) []metric.RecordOption {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known, s.types = map[seriesKey][]metric.RecordOption{}, map[string]bool{}
	}
	if !s.types[key.errorType] {
		if len(s.types) >= maxErrorTypes {
			key.errorType = other
		} else {
			s.types[key.errorType] = true
		}
	}
	known := s.known[key]
	if known == nil && len(s.known) >= maxSeries {
		key.method, key.errorType = nil, other
		known = s.known[key]
	}
	if known == nil {
		known = key.labels()
		s.known[key] = known
	}
	return known
}

func (k seriesKey) labels() []metric.RecordOption {
	m := k.method
	if m == nil {
		m = &method{labels: []attribute.KeyValue{attribute.String(keyMethod, other)}}
	}
	return []metric.RecordOption{m.counting(attribute.String(keyStatus, k.code), semconv.ErrorTypeKey.String(k.errorType))}
}
