package lru_test

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/recourse-dev/recourse/internal/lru"
)

// A step is one call and what it should return; what is left of the cache is
// compared after the last one.
func TestCache(t *testing.T) {
	type cache = *lru.Cache[string, int]
	put := func(key string, weight int) func(cache) {
		return func(c cache) { c.Put(key, len(key), weight) }
	}
	get := func(key string) func(cache) { return func(c cache) { c.Get(key) } }
	tests := []struct {
		name            string
		entries, weight int
		steps           []func(cache)
		want            []string // from the oldest
	}{
		{"the oldest leaves", 2, 0, []func(cache){put("a", 1), put("b", 1), put("c", 1)}, []string{"b", "c"}},
		{"a read keeps", 2, 0, []func(cache){put("a", 1), put("b", 1), get("a"), put("c", 1)}, []string{"a", "c"}},
		{"a write keeps", 2, 0, []func(cache){put("a", 1), put("b", 1), put("a", 1), put("c", 1)}, []string{"a", "c"}},
		{"Oldest does not keep", 2, 0, []func(cache){put("a", 1), put("b", 1), func(c cache) { c.Oldest() }, put("c", 1)}, []string{"b", "c"}},
		{"nothing fits", 0, 0, []func(cache){put("a", 0)}, nil},
		{"fewer than nothing", -1, 0, []func(cache){put("a", 0)}, nil},
		{"by weight", 9, 10, []func(cache){put("a", 3), put("b", 3), put("c", 4), put("d", 4)}, []string{"c", "d"}},
		{"exactly the weight", 9, 10, []func(cache){put("a", 1), put("b", 10)}, []string{"b"}},
		{"too heavy", 9, 10, []func(cache){put("a", 1), put("b", 11)}, []string{"a"}},
		{"too heavy takes the old one with it", 9, 10, []func(cache){put("a", 1), put("b", 1), put("b", 11)}, []string{"a"}},
		{"its own weight is free again", 9, 10, []func(cache){put("a", 5), put("b", 5), put("b", 5)}, []string{"a", "b"}},
		{"deleted weight is free again", 9, 10, []func(cache){put("a", 5), put("b", 5), func(c cache) { c.Delete("a") }, put("c", 5)}, []string{"b", "c"}},
		{"a negative weight is none", 9, 10, []func(cache){put("a", 10), put("b", -5), put("c", 1)}, []string{"b", "c"}},
		{"no bound by weight", 2, 0, []func(cache){put("a", math.MaxInt), put("b", 0)}, []string{"a", "b"}},
		{"no overflow", 9, 0, []func(cache){put("a", math.MaxInt), put("b", math.MaxInt)}, []string{"b"}},
		{"created ones weigh one", 9, 2, []func(cache){put("a", 1), put("b", 1), func(c cache) { c.GetOrPut("c", func() int { return 1 }) }}, []string{"b", "c"}},
		{"found ones are used", 2, 0, []func(cache){put("a", 1), put("b", 1), func(c cache) { c.GetOrPut("a", nil) }, put("c", 1)}, []string{"a", "c"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := lru.New[string, int](test.entries, test.weight)
			for _, step := range test.steps {
				step(c)
			}
			if got := drain(c); !slices.Equal(got, test.want) {
				t.Errorf("holds %q, want %q", got, test.want)
			}
		})
	}
}

// drain empties the cache from its oldest entry on.
func drain[V any](c *lru.Cache[string, V]) []string {
	var keys []string
	for key, _, ok := c.Oldest(); ok; key, _, ok = c.Oldest() {
		keys = append(keys, key)
		if !c.Delete(key) {
			return append(keys, "cannot be deleted")
		}
	}
	if c.Len() != 0 {
		keys = append(keys, fmt.Sprintf("and %d more", c.Len()))
	}
	return keys
}

func TestCreatePanics(t *testing.T) {
	c := lru.New[string, int](2, 0)
	func() {
		defer func() { _ = recover() }()
		c.GetOrPut("a", func() int { panic("no") })
	}()
	if _, ok := c.Get("a"); ok || c.Len() != 0 {
		t.Error("something was stored")
	}
	if got := c.GetOrPut("a", func() int { return 7 }); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
}

// Where nothing fits, the value is created all the same.
func TestGetOrPutOfNothing(t *testing.T) {
	c := lru.New[string, int](0, 0)
	if got := c.GetOrPut("a", func() int { return 7 }); got != 7 || c.Len() != 0 {
		t.Errorf("got %d and %d stored, want 7 and 0", got, c.Len())
	}
}

// model is the same cache, written to be obvious: a slice from the oldest on.
type model struct {
	entries, weight int
	items           []modelItem
}

type modelItem struct{ key, value, weight int }

func (m *model) find(key int) int {
	return slices.IndexFunc(m.items, func(i modelItem) bool { return i.key == key })
}

func (m *model) get(key int) (int, bool) {
	i := m.find(key)
	if i < 0 {
		return 0, false
	}
	found := m.items[i]
	m.items = append(slices.Delete(m.items, i, i+1), found)
	return found.value, true
}

func (m *model) delete(key int) bool {
	i := m.find(key)
	if i >= 0 {
		m.items = slices.Delete(m.items, i, i+1)
	}
	return i >= 0
}

func (m *model) put(key, value, weight int) {
	m.delete(key)
	if weight > m.weight || m.entries == 0 {
		return
	}
	m.items = append(m.items, modelItem{key, value, weight})
	for len(m.items) > m.entries || m.sum() > m.weight {
		m.items = m.items[1:]
	}
}

func (m *model) sum() (sum int) {
	for _, i := range m.items {
		sum += i.weight
	}
	return sum
}

func (m *model) getOrPut(key, value int) int {
	if found, ok := m.get(key); ok {
		return found
	}
	m.put(key, value, 1)
	return value
}

// Any sequence of calls has the same results as with the obvious cache.
func FuzzCache(f *testing.F) {
	f.Add(uint8(3), uint8(10), []byte("\x00\x01\x05\x00\x02\x05\x01\x01\x00\x00\x03\x05"))
	f.Add(uint8(2), uint8(1), []byte("\x02\x01\x00\x02\x02\x00\x03\x01\x00\x02\x01\x00"))
	f.Add(uint8(0), uint8(0), []byte("\x02\x01\x00"))
	long := make([]byte, 3000)
	for i := range long {
		long[i] = byte(i * i * 7 >> 3)
	}
	f.Add(uint8(5), uint8(20), long)
	f.Fuzz(func(t *testing.T, entries, weight uint8, calls []byte) {
		want := &model{entries: int(entries), weight: int(weight)}
		c := lru.New[int, int](want.entries, want.weight)
		if want.weight == 0 {
			want.weight = math.MaxInt
		}
		for n := 0; len(calls) >= 3; n++ {
			what, key, size := calls[0]%4, int(calls[1]%16), int(calls[2])
			calls = calls[3:]
			switch what {
			case 0:
				c.Put(key, n, size)
				want.put(key, n, size)
			case 1:
				got, ok := c.Get(key)
				if value, has := want.get(key); got != value || ok != has {
					t.Fatalf("call %d: Get(%d) = %d, %t, want %d, %t", n, key, got, ok, value, has)
				}
			case 2:
				if got, value := c.GetOrPut(key, func() int { return n }), want.getOrPut(key, n); got != value {
					t.Fatalf("call %d: GetOrPut(%d) = %d, want %d", n, key, got, value)
				}
			case 3:
				if got, has := c.Delete(key), want.delete(key); got != has {
					t.Fatalf("call %d: Delete(%d) = %t, want %t", n, key, got, has)
				}
			}
			if c.Len() != len(want.items) {
				t.Fatalf("call %d: %d entries, want %d", n, c.Len(), len(want.items))
			}
		}
		for _, i := range want.items {
			if key, value, ok := c.Oldest(); key != i.key || value != i.value || !ok {
				t.Fatalf("the oldest is %d: %d, %t, want %d: %d", key, value, ok, i.key, i.value)
			}
			c.Delete(i.key)
		}
	})
}

// Many goroutines ask for the same keys: each value is created once and all see
// that one.
func TestCreatedOnce(t *testing.T) {
	const keys, goroutines = 50, 8
	c := lru.New[int, *int](keys, 0)
	var created atomic.Int64
	var seen [goroutines][keys]*int
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for k := range keys {
				seen[g][k] = c.GetOrPut(k, func() *int { created.Add(1); return new(int) })
			}
		})
	}
	all.Wait()
	if created.Load() != keys {
		t.Errorf("created %d values, want %d", created.Load(), keys)
	}
	for g := range goroutines {
		if seen[g] != seen[0] {
			t.Error("two goroutines got different values of one key")
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	c := lru.New[int, int](8, 20)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for n := range 2000 {
				key := (n*7 + g) % 16
				c.Put(key, key, n%5)
				if got, ok := c.Get(key); ok && got != key {
					t.Errorf("key %d has %d", key, got)
				}
				c.GetOrPut((key+1)%16, func() int { return (key + 1) % 16 })
				c.Delete((key + 2) % 16)
				c.Oldest()
				if c.Len() > 8 {
					t.Errorf("%d entries", c.Len())
				}
			}
		})
	}
	all.Wait()
}

func BenchmarkGet(b *testing.B) {
	c := lru.New[string, int](1000, 0)
	c.Put("a", 1, 1)
	c.Put("b", 1, 1)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Get("a")
		}
	})
}

func BenchmarkPut(b *testing.B) {
	c := lru.New[int, int](1000, 0)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		c.Put(n, n, 1)
	}
}
