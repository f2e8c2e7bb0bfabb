package sdktest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
)

// lines is a logger that keeps what it is told.
type lines struct {
	mu   sync.Mutex
	kept []string
}

func (l *lines) Log(_ context.Context, level logging.Level, msg string, fields ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", level, msg)
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&b, " %s=%v", fields[i], fields[i+1])
	}
	l.kept = append(l.kept, b.String())
}
