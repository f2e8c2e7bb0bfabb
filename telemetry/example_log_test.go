package telemetry_test

import (
	"fmt"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/logging"
	"github.com/recourse-dev/recourse/status"
	"github.com/recourse-dev/recourse/telemetry"
	"google.golang.org/grpc/codes"
)

// A client that has the middleware's logging says there what failed, too.
func ExampleErrorFields() {
	_ = logging.UnaryClientInterceptor(telemetry.Slog(nil), logging.WithErrorFields(telemetry.ErrorFields))

	fmt.Println(telemetry.ErrorFields(status.New(codes.NotFound, "NO_BOOK", "there is no such book", status.Domain("library.example.com"))))
	// Output: [error_code NO_BOOK error_domain library.example.com]
}
