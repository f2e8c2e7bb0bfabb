// Package telemetry tells OpenTelemetry and a log what becomes of calls: one call is
// one call, with its attempts, back-offs, refusals, fallbacks and degraded answers, and
// one record for each that failed.
//
//	t, err := telemetry.New(telemetry.Config{})
//	...
//	srv := grpc.NewServer(interceptors.ServerOptions(interceptors.Observe(t))...)
//	conn, err := grpc.NewClient(target, interceptors.DialOptions(interceptors.Observe(t))...)
//
// It uses the API of OpenTelemetry only: the program brings the SDK and its exporters.
// docs/telemetry.md in the repository lists all metrics, span events and fields of the
// log.
package telemetry
