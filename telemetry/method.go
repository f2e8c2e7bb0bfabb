package telemetry

import (
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/recourse-dev/recourse/interceptors"
	"github.com/recourse-dev/recourse/status"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc/resolver"
)

// Names that a stranger may invent are counted under one name above these limits: a
// client may be asked to call any method, and a server sends any error code. The
// durations of all calls stay below the 2000 series an instrument that the SDK keeps apart.
const (
	maxMethods    = 500 // of a side, each on each target
	maxErrorTypes = 200
	maxSeries     = 1000 // of failures: method, code and error type
	other         = "_OTHER"
)

// method is what does not change between the calls of a method, of one side, on one
// target: names and options are made once.
type method struct {
	span    string // its name
	attempt string // that of an attempt's span
	options []trace.SpanStartOption
	again   []trace.SpanStartOption

	labels  []attribute.KeyValue     // grpc.method and grpc.target
	alone   metric.MeasurementOption // no labels but these
	count   []metric.AddOption
	measure []metric.RecordOption // of an attempt that may still fail
	ok      []metric.RecordOption // of a call that has worked

	started atomic.Int64 // calls of a server, attempts of a client
}

type methodKey struct{ name, target string }

// methods are those that were called, of both sides.
type methods struct {
	besideOtelgrpc bool

	server, client atomic.Pointer[map[methodKey]*method]
	mu             sync.Mutex
}

func (m *methods) of(o *interceptors.Observation) *method {
	side := &m.server
	if o.Side == interceptors.ClientSide {
		side = &m.client
	}
	key := methodKey{o.Method, o.Target}
	if known := side.Load(); known != nil {
		if found := (*known)[key]; found != nil {
			return found
		}
	}
	return m.meet(side, o, key)
}

func (m *methods) meet(side *atomic.Pointer[map[methodKey]*method], o *interceptors.Observation, key methodKey) *method {
	m.mu.Lock()
	defer m.mu.Unlock()
	grown := map[methodKey]*method{}
	if known := side.Load(); known != nil {
		if found := (*known)[key]; found != nil {
			return found
		}
		if len(*known) >= maxMethods {
			key = methodKey{other, other}
			if found := (*known)[key]; found != nil {
				return found
			}
		}
		grown = maps.Clone(*known)
	}
	made := m.make(o.Side, key)
	grown[key] = made
	side.Store(&grown)
	return made
}

func (m *methods) make(side interceptors.Side, key methodKey) *method {
	name := status.Display(strings.TrimPrefix(key.name, "/"), maxNameText)
	made := &method{span: name, attempt: "Attempt." + strings.ReplaceAll(name, "/", ".")}
	made.labels = []attribute.KeyValue{attribute.String(keyMethod, name)}
	kind, again := trace.SpanKindServer, trace.SpanKindInternal
	attributes := []attribute.KeyValue{semconv.RPCSystemNameGRPC, semconv.RPCMethod(name)}
	if side == interceptors.ClientSide {
		target := status.Display(key.target, maxNameText)
		made.labels = append(made.labels, attribute.String(keyTarget, canonicalTarget(target)))
		attributes = append(attributes, address(target)...)
		if kind, again = trace.SpanKindClient, trace.SpanKindClient; m.besideOtelgrpc {
			kind = trace.SpanKindInternal
		}
	}
	described := trace.WithAttributes(attributes...)
	made.options = []trace.SpanStartOption{trace.WithSpanKind(kind), described}
	made.again = []trace.SpanStartOption{trace.WithSpanKind(again), described}
	made.alone = made.counting()
	made.count, made.measure = []metric.AddOption{made.alone}, []metric.RecordOption{made.alone}
	made.ok = []metric.RecordOption{made.counting(attribute.String(keyStatus, "OK"))}
	return made
}

// started tells how many calls or attempts each method of a side has seen.
func (m *methods) started(side *atomic.Pointer[map[methodKey]*method], tell func(int64, metric.MeasurementOption)) {
	known := side.Load()
	if known == nil {
		return
	}
	for _, of := range *known {
		if n := of.started.Load(); n > 0 {
			tell(n, of.alone)
		}
	}
}

// counting is the method's labels and more.
func (m *method) counting(more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(slices.Concat(m.labels, more)...))
}

// canonicalTarget is a target as gRFC A66 has it and grpc-go's own metrics show it: with the
// scheme and the slashes that grpc.NewClient adds where they were not given.
func canonicalTarget(target string) string {
	if target == "" || target == other {
		return target
	}
	u, err := url.Parse(target)
	if err != nil || resolver.Get(u.Scheme) == nil && !strings.Contains(target, "://") {
		return "dns:///" + target
	}
	return resolver.Target{URL: *u}.String()
}

// address is what a target names: the authority's host and port, without a scheme such
// as dns:///.
func address(target string) []attribute.KeyValue {
	if target == "" || target == other {
		return nil
	}
	if path, ok := strings.CutPrefix(target, "unix:"); ok {
		return []attribute.KeyValue{semconv.ServerAddress(strings.TrimPrefix(path, "//"))}
	}
	_, target, _ = strings.Cut(canonicalTarget(target), "://")
	target = target[strings.Index(target, "/")+1:]
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(target)}
	}
	out := []attribute.KeyValue{semconv.ServerAddress(host)}
	if n, err := strconv.Atoi(port); err == nil {
		out = append(out, semconv.ServerPort(n))
	}
	return out
}
