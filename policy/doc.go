// Package policy says what happens when calls fail: how long a call may take, how
// often it is made, whether a fallback may answer, what is logged and what the
// caller is told. It decides nothing itself. A [Policy] holds the values for one
// method, a [Set] those of all methods; interceptors read them.
//
// Values come in layers, each laid over the one before field by field: what this
// package has by default, then what holds for all methods ([Defaults]), for one
// service ([Service]) and for one method ([Method]). The more specific layer wins;
// among equally specific ones the later does. A file, read by [Load] or [Parse],
// comes after all layers of the program, so that operators have the last word over
// developers at each level. What is said for a single call is laid over all of them
// by the caller of this package, on a copy of the Policy.
//
// The file recourse.yaml beside this package shows every key with its meaning, unit,
// limits and default. A file is read strictly: what is not understood is an error
// with its place and what to write instead, and all such errors are reported at once.
// Nothing is half applied: a Set that could not be built does not exist, and a file
// that turns bad later changes nothing (see [Set.Reload] and [Set.Watch]).
//
// Every combined policy is checked, so that one that [Set.For] returns can be relied
// on: see [Policy.Validate].
//
// A gRPC service config can be used as a layer: see [ServiceConfig].
package policy
