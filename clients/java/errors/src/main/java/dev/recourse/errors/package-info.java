/**
 * Reads what a gRPC error, or a degraded answer, tells its caller: {@link dev.recourse.errors.RecourseError} and {@link
 * dev.recourse.errors.DegradedAnswer}. Recovery actions and enums are those of {@link dev.recourse.v1}. Nothing here calls
 * anybody: what is read is advice from the network, to be shown or acted on within the program's own limits.
 */
package dev.recourse.errors;
