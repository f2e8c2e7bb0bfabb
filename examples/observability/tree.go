package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// trees prints each trace once its first span has ended, a line for a span and one for each event. It is for people: a
// service sends its spans elsewhere.
type trees struct {
	out io.Writer

	mu    sync.Mutex
	spans map[oteltrace.TraceID][]trace.ReadOnlySpan
}

func newTrees(out io.Writer) *trees {
	return &trees{out: out, spans: map[oteltrace.TraceID][]trace.ReadOnlySpan{}}
}

func (t *trees) ExportSpans(_ context.Context, spans []trace.ReadOnlySpan) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range spans {
		id := s.SpanContext().TraceID()
		t.spans[id] = append(t.spans[id], s)
		if s.Parent().IsValid() {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "   trace %s%s\n", id, requestIDs(t.spans[id]))
		show(&b, t.spans[id], s.SpanContext().SpanID(), "     ")
		delete(t.spans, id)
		if _, err := io.WriteString(t.out, b.String()); err != nil {
			return err
		}
	}
	return nil
}

func (t *trees) Shutdown(context.Context) error { return nil }

// show writes the spans below a parent, in the order in which they began.
func show(b *strings.Builder, spans []trace.ReadOnlySpan, parent oteltrace.SpanID, indent string) {
	slices.SortStableFunc(spans, func(x, y trace.ReadOnlySpan) int { return x.StartTime().Compare(y.StartTime()) })
	for _, s := range spans {
		if s.Parent().SpanID() != parent {
			continue
		}
		took := s.EndTime().Sub(s.StartTime()).Round(100 * time.Microsecond)
		fmt.Fprintf(b, "%s%s %s, %v:%s\n", indent, s.SpanKind(), s.Name(), took, words(s.Attributes()))
		for _, e := range s.Events() {
			fmt.Fprintf(b, "%s  * %s:%s\n", indent, e.Name, words(e.Attributes))
		}
		show(b, spans, s.SpanContext().SpanID(), indent+"  ")
	}
}

// words are attributes, without those that all calls have, and names where the value says it all.
func words(attributes []attribute.KeyValue) (out string) {
	for _, a := range attributes {
		switch a.Key {
		case "rpc.system.name", "rpc.method", "server.address", "server.port", "recourse.request_id":
		case "rpc.response.status_code", "error.type":
			out += " " + a.Value.String()
		default:
			out += " " + strings.TrimPrefix(string(a.Key), "recourse.") + "=" + a.Value.String()
		}
	}
	return out
}

// requestIDs are those of all calls of a trace, most often the same.
func requestIDs(spans []trace.ReadOnlySpan) (out string) {
	for _, s := range spans {
		for _, a := range s.Attributes() {
			if id := a.Value.String(); a.Key == "recourse.request_id" && !strings.Contains(out, id) {
				out += ", request id " + id
			}
		}
	}
	return out
}
