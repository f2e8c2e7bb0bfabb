// Package sdktest holds package telemetry to what it says, with OpenTelemetry's SDK and
// beside the other instrumentations of gRPC. It is a module of its own, so that none of
// them is a dependency of the library.
package sdktest
