package interceptors

import "fmt"

// misuse stops a program that is put together wrongly, when it starts: no option
// of grpc.NewServer can return an error, and one that did nothing would be found
// out in the first outage. It is never called while calls are served.
func misuse(format string, args ...any) {
	panic("interceptors: " + fmt.Sprintf(format, args...))
}
