package policy_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/recourse-dev/recourse/policy"
)

func Example() {
	policies, err := policy.Load("recourse.yaml",
		policy.Defaults(func(p *policy.Policy) { p.AttemptTimeout = 5 * time.Second }),
		policy.Method("/library.v1.Library/GetBook", func(p *policy.Policy) { p.Idempotent = true }))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, method := range []string{"/assistant.v1.Assistant/Process", "/library.v1.Library/GetBook"} {
		p := policies.For(method)
		fmt.Println(method, p.Timeout, p.AttemptTimeout, p.MaxAttempts, p.Idempotent)
	}
	// Output:
	// /assistant.v1.Assistant/Process 10s 5s 2 true
	// /library.v1.Library/GetBook 30s 5s 4 true
}

// The more specific layer wins, whatever the order.
func ExampleNew() {
	policies, err := policy.New(
		policy.Method("/library.v1.Library/Search", func(p *policy.Policy) { p.Timeout = 2 * time.Second }),
		policy.Service("library.v1.Library", func(p *policy.Policy) { p.Timeout = 5 * time.Second }),
		policy.Defaults(func(p *policy.Policy) { p.Timeout = 20 * time.Second }))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(policies.For("/library.v1.Library/Search").Timeout)
	fmt.Println(policies.For("/library.v1.Library/GetBook").Timeout)
	fmt.Println(policies.For("/assistant.v1.Assistant/Process").Timeout)
	// Output:
	// 2s
	// 5s
	// 20s
}

// All that is wrong with a file is said at once, with what to write instead.
func ExampleParse() {
	_, err := policy.Parse([]byte(`
error_handling:
  async:
    timeout_seconds: 30s
    max_retry: 3
`))
	fmt.Println(err)
	// Output:
	// recourse.yaml:4:22: error_handling.async.timeout_seconds: "30s" is not a number of seconds: write 30
	// recourse.yaml:5:5: error_handling.async.max_retry: there is no such key: did you mean max_retries?
}

func ExampleServiceConfig() {
	config, err := policy.ServiceConfig([]byte(`{"methodConfig": [{
		"name": [{"service": "library.v1.Library"}],
		"timeout": "1.5s",
		"retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "1s", "backoffMultiplier": 2,
			"retryableStatusCodes": ["UNAVAILABLE"]}
	}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	policies, err := policy.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	p := policies.For("/library.v1.Library/GetBook")
	fmt.Println(p.Timeout, p.MaxAttempts, p.Backoff, p.Codes)
	// Output: 1.5s 4 100ms [Unavailable]
}

// A copy can be changed for a single call, and checked.
func ExamplePolicy_Validate() {
	p := *new(policy.Set).For("/library.v1.Library/Search")
	p.MaxAttempts = 20
	fmt.Println(p.Validate())
	// Output: policy: MaxAttempts 20 is out of range: use 1 to 10
}

func ExampleSet_Watch() {
	dir, err := os.MkdirTemp("", "policy")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "recourse.yaml")
	edit := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			fmt.Println(err)
		}
	}
	edit("error_handling: {async: {timeout_seconds: 30}}")
	policies, err := policy.Load(path)
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, stop := context.WithCancel(context.Background())
	edit("error_handling: {async: {timeout_seconds: 5}}")
	policies.Watch(ctx, 10*time.Millisecond, func(err error) { // blocks: normally in a goroutine of its own
		fmt.Println(policies.For("/library.v1.Library/Search").Timeout, err)
		stop()
	})
	// Output: 5s <nil>
}
