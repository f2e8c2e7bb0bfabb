package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxFile is the size of a file at most, in bytes.
const maxFile = 1 << 20

// Set is the policies of all methods. It is safe for concurrent use. A nil Set, and
// the zero Set, hold the defaults of this package for every method.
type Set struct {
	now    atomic.Pointer[snapshot]
	path   string // of the file, where there is one
	layers []Layer

	mu   sync.Mutex // held while the policies are replaced
	data []byte     // the file that the present ones come from
}

var untouched = func() *snapshot {
	p := builtin()
	return &snapshot{defaults: &p}
}()

// New makes a set out of layers. It reports everything that is wrong with them.
func New(layers ...Layer) (*Set, error) {
	return newSet("", "", nil, layers)
}

// Parse makes a set out of layers and, above them, the text of a file. Errors call
// the file recourse.yaml.
func Parse(yaml []byte, layers ...Layer) (*Set, error) {
	return newSet("", "recourse.yaml", yaml, layers)
}

// Load makes a set out of layers and, above them, the file at path, of at most one
// MiB. The file can be read anew: see [Set.Reload] and [Set.Watch].
func Load(path string, layers ...Layer) (*Set, error) {
	v := look(path)
	if v.err != nil {
		return nil, v.err
	}
	return newSet(path, path, v.data, layers)
}

// newSet reads data as the file called name, if it has a name.
func newSet(path, name string, data []byte, layers []Layer) (*Set, error) {
	s := &Set{path: path, layers: slices.Clone(layers), data: data}
	var f *file
	if name != "" {
		f = readFile(name, data)
	}
	snap, err := build(s.layers, f)
	if err != nil {
		return nil, err
	}
	s.now.Store(snap)
	return s, nil
}

// For returns what holds for a method, "/pkg.Service/Method"; the leading slash may
// be missing. A name that no layer is for, of whatever form, has the defaults. The
// policy is shared with everybody who asks: it must not be changed, only copied. The
// pointer stays the same until the policies are replaced. For allocates nothing.
func (s *Set) For(method string) *Policy {
	return s.snapshot().find(method)
}

func (s *Set) snapshot() *snapshot {
	if s == nil {
		return untouched
	}
	if snap := s.now.Load(); snap != nil {
		return snap
	}
	return untouched
}

var errNoFile = errors.New("policy: this set was not read from a file: use Load to make one that can be read anew")

// Reload reads the file of the set again and replaces all policies at once. If
// anything is wrong with the file, nothing changes and the error says what; nor does
// anything change if the file has not. Only a set made by [Load] can be reloaded.
func (s *Set) Reload() error {
	if s == nil || s.path == "" {
		return errNoFile
	}
	v := look(s.path)
	if v.err != nil {
		return v.err
	}
	return s.adopt(v.data)
}

// adopt replaces the policies by those of another content of the file.
func (s *Set) adopt(data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if bytes.Equal(data, s.data) {
		return nil
	}
	snap, err := build(s.layers, readFile(s.path, data))
	if err != nil {
		return err
	}
	s.data = data
	s.now.Store(snap)
	return nil
}

// holds reports whether the policies come from this content of the file.
func (s *Set) holds(data []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Equal(data, s.data)
}

// version is a file as it was found: what was in it, or why it could not be read.
type version struct {
	data []byte
	err  error
	time time.Time
	size int64
}

// look reads a file. Of one that is too large it reads a byte more than is allowed,
// so that this can be told.
func look(path string) version {
	info, err := os.Stat(path) // first, for to open a pipe may take forever
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err != nil {
		return version{err: fmt.Errorf("policy: %w", err)}
	}
	data, err := read(path)
	if err != nil {
		return version{err: fmt.Errorf("policy: %w", err)}
	}
	return version{data: data, time: info.ModTime(), size: info.Size()}
}

func read(path string) (data []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// sameContent reports whether both would be read alike, or fail alike.
func (v version) sameContent(other version) bool {
	if v.err != nil || other.err != nil {
		return v.err != nil && other.err != nil && v.err.Error() == other.err.Error()
	}
	return bytes.Equal(v.data, other.data)
}

// unchanged reports whether nothing at all happened to the file in between.
func (v version) unchanged(later version) bool {
	return v.sameContent(later) && v.time.Equal(later.time) && v.size == later.size
}
