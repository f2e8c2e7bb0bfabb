package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// file is what was read of a YAML file: a rule for each of its keys, and everything
// that is wrong with it.
type file struct {
	name   string
	rules  []rule
	faults []fault
}

func readFile(name string, data []byte) *file {
	f := &file{name: name}
	data = bytes.TrimPrefix(data, []byte("\uFEFF")) // a byte order mark
	if f.inspect(data); len(f.faults) > 0 {
		return f
	}
	root, next, err := decode(bytes.NewReader(data))
	switch {
	case err != nil:
		f.faults = append(f.faults, syntax(data, err))
	case next != nil:
		f.add(next, whole, "a second document begins here: remove it, or write both as one")
	case root != nil:
		f.top(root)
	}
	return f
}

func (f *file) add(n *yaml.Node, path, text string) {
	f.faults = append(f.faults, fault{place{max(n.Line, 1), max(n.Column, 1), path}, text})
}

// inspect looks for what can be told before a YAML parser sees it, and better.
func (f *file) inspect(data []byte) {
	if len(data) > maxFile {
		f.faults = append(f.faults, fault{place{1, 1, whole},
			"the file has more than a MiB: remove what does not belong into it"})
		return
	}
	offset := 0
	for line := range bytes.Lines(data) {
		blank := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
		if i := bytes.IndexByte(blank, '\t'); i >= 0 {
			f.faults = append(f.faults, fault{placeAt(data, offset+i), "a tab indents this line: use spaces"})
		}
		if i := invalid(line); i >= 0 {
			f.faults = append(f.faults, fault{placeAt(data, offset+i),
				fmt.Sprintf("the byte 0x%02x is not UTF-8: write the file in UTF-8", line[i])})
			return
		}
		offset += len(line)
	}
}

// invalid is the index of the first byte that is not UTF-8, or -1.
func invalid(b []byte) int {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// decode returns the content of the first document, and the second document; either
// may be missing. A failure of the parser, of whatever kind, is an error.
func decode(r io.Reader) (root, next *yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser failed: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(r)
	var documents [2]yaml.Node
	for i := range documents {
		err := decoder.Decode(&documents[i])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
	}
	if documents[1].Kind != 0 {
		next = &documents[1]
	}
	if content := documents[0].Content; len(content) > 0 && !isEmpty(content[0]) {
		root = content[0]
	}
	return root, next, nil
}

// isEmpty reports whether there is nothing at all where a value is expected.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.ShortTag() == "!!null" && n.Style == 0 && n.Anchor == ""
}

// syntax makes a fault of an error of the parser, which tells the line at most, and
// often another one. So it reads the file again byte by byte: what it read last is
// what it stumbled over.
func syntax(data []byte, err error) fault {
	m := &meter{data: data}
	_, _, _ = decode(m)
	read := bytes.TrimRight(data[:m.read], " \r\n\t")
	problem := strings.TrimPrefix(err.Error(), "yaml: ")
	if strings.HasPrefix(problem, "line ") {
		_, problem, _ = strings.Cut(problem, ": ")
	}
	problem = strings.NewReplacer(": ", ", ", "\n", " ").Replace(problem)
	return fault{placeAt(data, max(len(read)-1, 0)), "this is not YAML (" + problem + "): " + cure(problem)}
}

func cure(problem string) string {
	switch {
	case strings.HasPrefix(problem, "unknown anchor"):
		return "write the value itself, aliases are not read"
	case strings.HasPrefix(problem, "control characters"):
		return "remove the character"
	case strings.Contains(problem, "end of stream"), strings.Contains(problem, "expected ','"):
		return "close the quote or bracket"
	}
	return "write one key and its value a line, indented with spaces"
}

// meter hands out one byte at a time and knows how many.
type meter struct {
	data []byte
	read int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.read == len(m.data) || len(p) == 0 {
		return 0, io.EOF
	}
	p[0] = m.data[m.read]
	m.read++
	return 1, nil
}

func (f *file) top(root *yaml.Node) {
	for _, e := range f.entries(root, whole, "") {
		switch k := f.known(e, topKeys); {
		case k == nil:
		case k.name == "methods":
			f.methods(e)
		default:
			f.section(e, k.keys, target{})
		}
	}
}

// methods reads a section for each service and method. One that is named twice, with
// and without the leading slash, is a duplicate.
func (f *file) methods(e entry) {
	first := map[target]int{}
	for _, m := range f.entries(e.value, e.path, e.path+".") {
		t, err := parseTarget(m.name)
		switch line, twice := first[t]; {
		case err != nil:
			f.add(m.key, m.path, err.Error())
		case twice:
			f.duplicate(m, line)
		default:
			first[t] = m.key.Line
			f.section(m, methodKeys, t)
		}
	}
}

// section reads keys that hold for t.
func (f *file) section(e entry, keys []key, t target) {
	for _, inner := range f.entries(e.value, e.path, e.path+".") {
		switch k := f.known(inner, keys); {
		case k == nil:
		case k.keys != nil:
			f.section(inner, k.keys, t)
		default:
			f.scalar(inner, k, t)
		}
	}
}

// scalar reads a value. One that cannot be read gives a rule too, which says that
// nothing is known of its fields.
func (f *file) scalar(e entry, k *key, t target) {
	at := place{e.value.Line, e.value.Column, e.path}
	change, wrong := f.value(e.value, k.scalar)
	if wrong != "" {
		f.add(e.value, e.path, wrong)
	}
	f.rules = append(f.rules, rule{target: t, change: change, at: &at, fields: k.fields})
}

func (f *file) value(n *yaml.Node, s scalar) (change func(*Policy), wrong string) {
	if wrong := unsupported(n); wrong != "" {
		return nil, wrong
	}
	switch {
	case n.Kind != yaml.ScalarNode:
		return nil, fmt.Sprintf("%s is not %s: write %s", kindOf(n), s.kind, s.example)
	case n.ShortTag() == "!!null":
		return nil, fmt.Sprintf("there is no value: write %s, or remove the key", s.example)
	}
	change, wrong = s.parse(n.Value)
	if wrong == "" && n.Style != 0 {
		return nil, fmt.Sprintf("%s in quotes is not %s: write %s", quote(n.Value), s.kind, n.Value)
	}
	return change, wrong
}

// entry is one key of a mapping with its value.
type entry struct {
	name  string
	path  string
	key   *yaml.Node
	value *yaml.Node
}

// entries lists those of a mapping that can be used. Path is that of the mapping, and
// prefix that of its keys without their names.
func (f *file) entries(n *yaml.Node, path, prefix string) []entry {
	wrong := unsupported(n)
	switch {
	case wrong != "":
		f.add(n, path, wrong)
	case n.ShortTag() == "!!null":
		f.add(n, path, "the section is empty: write its keys with their values below it, or remove it")
	case n.Kind != yaml.MappingNode:
		f.add(n, path, kindOf(n)+" is not a section: write keys with their values")
	}
	if n.Kind != yaml.MappingNode {
		return nil
	}
	var list []entry
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		e := entry{name: n.Content[i].Value, key: n.Content[i], value: n.Content[i+1]}
		e.path = prefix + shown(e.name)
		line, twice := first[e.name]
		switch wrong := unsupported(e.key); {
		case wrong != "":
			f.add(e.key, e.path, wrong)
		case e.key.Kind != yaml.ScalarNode:
			f.add(e.key, path, kindOf(e.key)+" is not a key: write a name")
		case twice:
			f.duplicate(e, line)
		default:
			first[e.name] = e.key.Line
			list = append(list, e)
		}
	}
	return list
}

func (f *file) duplicate(e entry, line int) {
	f.add(e.key, e.path, fmt.Sprintf("the key stands on line %d already: remove one of the two", line))
}

// known finds the key that an entry is, and reports it where there is none.
func (f *file) known(e entry, keys []key) *key {
	if i := slices.IndexFunc(keys, func(k key) bool { return k.name == e.name }); i >= 0 {
		return &keys[i]
	}
	f.add(e.key, e.path, "there is no such key: "+meant(e.name, keys))
	return nil
}

// meant guesses what an unknown key should have been.
func meant(name string, keys []key) string {
	if path := elsewhere(name, keys); path != "" {
		return "write it as " + path
	}
	if slices.ContainsFunc(topKeys, func(k key) bool { return k.name == name }) {
		return "write it at the top of the file"
	}
	if slices.ContainsFunc(methodKeys, func(k key) bool { return k.name == name }) {
		return "write it for a service or a method, under methods"
	}
	if _, err := parseTarget(name); err == nil && strings.ContainsAny(name, "./") {
		return "write it under methods, at the top of the file"
	}
	all := names(keys)
	if near, ok := nearest(name, all); ok {
		return "did you mean " + near + "?"
	}
	return "remove it, or use one of " + strings.Join(all, ", ")
}

// elsewhere is the path of a key of that name further down, but not below methods,
// where names of methods come first.
func elsewhere(name string, keys []key) string {
	for _, k := range keys {
		if k.name == "methods" {
			continue
		}
		for _, inner := range k.keys {
			if inner.name == name {
				return k.name + "." + name
			}
		}
		if path := elsewhere(name, k.keys); path != "" {
			return k.name + "." + path
		}
	}
	return ""
}

func names(keys []key) []string {
	var all []string
	for _, k := range keys {
		all = append(all, k.name)
	}
	return all
}

// unsupported says what is wrong with a node of a kind that is not read at all.
func unsupported(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return "the alias *" + shown(n.Value) + " is not read: write the value itself"
	case n.Anchor != "":
		return "the anchor &" + shown(n.Anchor) + " is not read: remove it, and write the value wherever it holds"
	case n.Style&yaml.TaggedStyle != 0:
		return "the tag " + shown(n.Tag) + " is not read: remove it"
	case n.ShortTag() == "!!merge":
		return "merging with << is not read: write the keys themselves"
	}
	return ""
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return quote(n.Value)
}

// shown renders a name as it is, where it is as names should be.
func shown(name string) string {
	const most = 120
	if name == "" || len(name) > most || strings.Trim(name, ordinary) != "" {
		return quote(name)
	}
	return name
}

const ordinary = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.-_!*<"
