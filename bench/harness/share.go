package harness

import "sync"

// Share divides n operations among callers that are at work at once. A single one needs
// no goroutine.
func Share(n, callers int, work func(n int)) {
	if callers == 1 {
		work(n)
		return
	}
	var group sync.WaitGroup
	for i := range callers {
		if part := (n + i) / callers; part > 0 { // together n
			group.Go(func() { work(part) })
		}
	}
	group.Wait()
}
