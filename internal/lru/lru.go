// Package lru is a cache that is bounded both in entries and in weight: the
// least recently used entries leave first.
package lru

import (
	"math"
	"sync"
)

// Cache is safe for concurrent use. Make one with [New].
type Cache[K comparable, V any] struct {
	entries int // bounds
	weight  int

	mu   sync.Mutex
	used int // the weight of all items
	all  map[K]*item[K, V]
	ring item[K, V] // no item itself: its next is the most recently used one, its prev the least
}

type item[K comparable, V any] struct {
	prev, next *item[K, V]
	key        K
	value      V
	weight     int
}

// New makes a cache that holds at most so many entries, none where that is not
// above zero, which weigh at most so much together. A weight of zero or less
// sets no bound: then entries alone count.
func New[K comparable, V any](entries, weight int) *Cache[K, V] {
	if weight <= 0 {
		weight = math.MaxInt
	}
	c := &Cache[K, V]{entries: entries, weight: weight, all: map[K]*item[K, V]{}}
	c.ring.prev, c.ring.next = &c.ring, &c.ring
	return c
}

// Get returns what is stored under the key and counts as a use of it.
func (c *Cache[K, V]) Get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(key)
}

// Put stores the value in place of what the key had before. A value that is
// heavier than all entries together may be is not stored, and the key has
// nothing then. A negative weight counts as zero.
func (c *Cache[K, V]) Put(key K, value V, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(key, value, max(weight, 0))
}

// GetOrPut returns what is stored under the key, or what create returns, which
// is stored with a weight of one. While create runs every other use of the cache
// waits, so that of two callers who find nothing only one creates: it has to be
// quick and must not use the cache.
func (c *Cache[K, V]) GetOrPut(key K, create func() V) V {
	c.mu.Lock()
	defer c.mu.Unlock() // even where create panics
	if value, ok := c.get(key); ok {
		return value
	}
	value := create()
	c.put(key, value, 1)
	return value
}

// Oldest returns the entry that would leave next, without using it.
func (c *Cache[K, V]) Oldest() (K, V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	oldest := c.ring.prev // the ring itself, with zero values, where there is none
	return oldest.key, oldest.value, len(c.all) > 0
}

// Delete forgets the key and reports whether anything was stored under it.
func (c *Cache[K, V]) Delete(key K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i, ok := c.all[key]
	if ok {
		c.remove(i)
	}
	return ok
}

// Len is the number of entries.
func (c *Cache[K, V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

func (c *Cache[K, V]) get(key K) (value V, ok bool) {
	i, ok := c.all[key]
	if !ok {
		return value, false
	}
	i.unlink()
	i.link(&c.ring)
	return i.value, true
}

func (c *Cache[K, V]) put(key K, value V, weight int) {
	if i, ok := c.all[key]; ok {
		c.remove(i)
	}
	if weight > c.weight || c.entries < 1 {
		return
	}
	for len(c.all) >= c.entries || c.used > c.weight-weight { // their sum may be more than an int holds
		c.remove(c.ring.prev)
	}
	i := &item[K, V]{key: key, value: value, weight: weight}
	i.link(&c.ring)
	c.all[key] = i
	c.used += weight
}

func (c *Cache[K, V]) remove(i *item[K, V]) {
	i.unlink()
	delete(c.all, i.key)
	c.used -= i.weight
}

func (i *item[K, V]) link(after *item[K, V]) {
	i.prev, i.next = after, after.next
	i.prev.next, i.next.prev = i, i
}

func (i *item[K, V]) unlink() {
	i.prev.next, i.next.prev = i.next, i.prev
	i.prev, i.next = nil, nil
}
