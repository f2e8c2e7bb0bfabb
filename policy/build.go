package policy

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// snapshot is the policies of all methods at one moment. It never changes.
type snapshot struct {
	defaults *Policy
	services map[string]*service // those that have a layer, or a method that has
}

type service struct {
	policy  *Policy
	methods []method // that have layers, by name
}

type method struct {
	name   string
	policy *Policy
}

func (s *snapshot) find(fullName string) *Policy {
	if len(s.services) == 0 {
		return s.defaults
	}
	name, m := split(fullName)
	svc := s.services[name]
	if svc == nil {
		return s.defaults
	}
	if i, ok := slices.BinarySearchFunc(svc.methods, m, method.compare); ok {
		return svc.methods[i].policy
	}
	return svc.policy
}

func (m method) compare(name string) int { return cmp.Compare(m.name, name) }

// rule is one change to the policies of a target.
type rule struct {
	target target
	change func(*Policy) // nil: a key of a file whose value could not be read
	group  group         // the service config that it is an entry of, if it is
	at     *place        // the key of the file that it is, if it is
	fields []string      // what that key sets
}

// group is the targets of a service config. Of its entries only the most specific
// holds for a method.
type group map[target]bool

// hides reports whether the rule for level gives way to a more specific one of its
// group.
func (g group) hides(level target, levels []target) bool {
	i := slices.Index(levels, level)
	return slices.ContainsFunc(levels[i+1:], func(t target) bool { return g[t] })
}

// build applies all layers and those of the file, which may be nil. Its errors are
// those of layers first and then those of the file, by their place.
func build(layers []Layer, f *file) (*snapshot, error) {
	b := builder{rules: map[target][]rule{{}: nil}, said: map[target]map[string]bool{}}
	for _, l := range layers {
		if l.err != nil {
			b.errs = append(b.errs, l.err)
		}
		b.add(l.rules)
	}
	if f != nil {
		b.add(f.rules)
		b.faults = f.faults
	}
	snap := b.snapshot()
	if f != nil {
		b.errs = append(b.errs, sorted(f.name, b.faults)...)
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	return snap, nil
}

type builder struct {
	rules  map[target][]rule
	errs   []error
	faults []fault
	said   map[target]map[string]bool // what was found wrong with each
}

func (b *builder) add(rules []rule) {
	for _, r := range rules {
		b.rules[r.target] = append(b.rules[r.target], r)
	}
}

func (b *builder) snapshot() *snapshot {
	s := &snapshot{services: map[string]*service{}}
	for _, t := range slices.SortedFunc(maps.Keys(b.rules), target.compare) { // services before their methods
		p := b.policy(t)
		if t.service == "" {
			s.defaults = p
			continue
		}
		svc := s.services[t.service]
		if svc == nil {
			svc = &service{policy: s.defaults}
			s.services[t.service] = svc
		}
		if t.method == "" {
			svc.policy = p
		} else {
			svc.methods = append(svc.methods, method{t.method, p})
		}
	}
	return s
}

// origin is the key of a file that gave a field its value.
type origin struct {
	rule
	level int
}

// policy makes what holds for a target out of all layers, and checks it.
func (b *builder) policy(t target) *Policy {
	p := builtin()
	origins := map[string]origin{}
	levels := t.levels()
	for i, level := range levels {
		for _, r := range b.rules[level] {
			if r.group.hides(level, levels) {
				continue
			}
			if err := r.apply(&p, origins, i); err != nil {
				b.fail(t, err.Error())
			}
		}
	}
	for _, pr := range p.problems() {
		b.report(t, &p, pr, origins)
	}
	return &p
}

// apply changes p, and notes which of its fields the file has set.
func (r rule) apply(p *Policy, origins map[string]origin, level int) error {
	after := *p
	if r.change != nil {
		if err := guarded(r.change, &after); err != nil {
			return fmt.Errorf("the function of the layer of %v panicked: %w: remove the cause", r.target, err)
		}
	}
	for field := range origins { // a layer may have changed what the file said for more methods
		if !same(p, &after, field) {
			delete(origins, field)
		}
	}
	for _, field := range r.fields {
		origins[field] = origin{r, level}
	}
	*p = after
	p.Codes = slices.Clone(after.Codes)
	return nil
}

func guarded(change func(*Policy), p *Policy) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	change(p)
	return nil
}

func same(p, q *Policy, field string) bool {
	a, b := reflect.ValueOf(*p).FieldByName(field), reflect.ValueOf(*q).FieldByName(field)
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// report points at the key of the file that caused a problem, the most specific of
// several and of these the last. Where there is none it was the program.
func (b *builder) report(t target, p *Policy, pr problem, origins map[string]origin) {
	var best *origin
	for _, field := range pr.fields {
		o, ok := origins[field]
		switch {
		case !ok:
		case o.change == nil: // its value is unknown, and said to be bad already
			return
		case best == nil, o.level > best.level, o.level == best.level && best.at.before(o.at.line, o.at.column):
			best = &o
		}
	}
	if best == nil {
		b.fail(t, pr.say(p, goWords))
		return
	}
	text := pr.say(p, fileWords)
	if !b.isNew(t, best.at.path+": "+text) {
		return
	}
	if best.target != t { // the key is for more than that, and may be right for the rest
		text = fmt.Sprintf("for %v, %s", t, text)
	}
	b.faults = append(b.faults, fault{*best.at, text})
}

// fail records what the program did wrong with the policy of t.
func (b *builder) fail(t target, text string) {
	if b.isNew(t, text) {
		b.errs = append(b.errs, fmt.Errorf("policy: %v: %s", t, text))
	}
}

// isNew notes that something is wrong with t, and reports whether nothing of the kind
// was said of the service or the defaults, which t then only has it from.
func (b *builder) isNew(t target, wrong string) bool {
	for _, level := range t.levels() {
		if b.said[level][wrong] {
			return false
		}
	}
	if b.said[t] == nil {
		b.said[t] = map[string]bool{}
	}
	b.said[t][wrong] = true
	return true
}
