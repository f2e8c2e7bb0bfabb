package main

import (
	"io"
	"slices"
	"strings"
	"sync"
)

// screen is what the reader sees, and remembers it while it is not quiet.
type screen struct {
	mu    sync.Mutex
	out   io.Writer
	mute  bool
	shown []string
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mute {
		return len(b), nil
	}
	s.shown = append(s.shown, strings.TrimRight(string(b), "\n"))
	return s.out.Write(b)
}

// quiet says whether anything is shown.
func (s *screen) quiet(mute bool) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, s.mute = s.mute, mute
	return was
}

// lines are those that were shown and have a text in them.
func (s *screen) lines(text string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.shown), func(line string) bool { return !strings.Contains(line, text) })
}
