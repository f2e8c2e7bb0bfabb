package status

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Limits of what an error may carry, in bytes or in items.
const (
	maxMessage    = 256
	maxSuggestion = 256
	maxOperation  = 256
	maxDomain     = 253 // of a DNS name
	maxErrorCode  = 63  // AIP-193
	maxMetaKey    = 64  // AIP-193
	maxLabel      = 80
	maxRequestID  = 128
	maxService    = 128
	maxVersion    = 32 // of the catalogue
	maxActions    = 5
	maxCauses     = 5
	maxLinks      = 3
	maxViolations = 25
	maxDetails    = 32       // read from one status
	maxReceived   = 64 << 10 // bytes of details read from one status
	maxMeta       = 64       // entries
	maxMetaValue  = 64 << 10
	maxElided     = 1 << 30 // counted from there, a count cannot overflow
	maxActionText = 256     // each text in a recovery action
	maxActionList = 25      // each list in one
)

// Display makes text from a server safe for a terminal or a line of a log: valid
// UTF-8 on one line, without control characters, escape sequences, bidirectional
// or invisible characters, cut to at most limit bytes; no limit if it is 0 or
// less. Spaces at its ends stay, so that pieces of a text can be shown one by one.
// Readers of this package return clean text already; Display is for the texts
// inside of details, for metadata and for statuses read elsewhere.
func Display(text string, limit int) string {
	return cut(scrub(text), limit)
}

// clean is the one rule for text that this package sends or returns. It is
// idempotent. Spaces at the ends go: some HTTP/2 stacks drop a header that has
// them.
func clean(s string, limit int) string {
	if isClean(s) && (limit <= 0 || len(s) <= limit) {
		return s
	}
	return cut(strings.Trim(scrub(s), " "), limit)
}

func isClean[T string | []byte](s T) bool {
	return len(s) == 0 || s[0] != ' ' && s[len(s)-1] != ' ' && isPrintable(s)
}

// scrub replaces what is no text and removes what does not show.
func scrub(s string) string {
	if isPrintable(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		i += size
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteRune(utf8.RuneError)
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			b.WriteByte(' ')
		case unwanted(r):
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func isPrintable[T string | []byte](s T) bool {
	for len(s) > 0 {
		if len(s) >= 8 && isPlain(eight(s)) { // nearly all
			s = s[8:]
			continue
		}
		if c := s[0]; c-' ' <= '~'-' ' {
			s = s[1:]
			continue
		} else if c < utf8.RuneSelf {
			return false
		}
		r, size := utf8.DecodeRuneInString(string(s[:min(utf8.UTFMax, len(s))]))
		if r == utf8.RuneError && size == 1 || unicode.IsSpace(r) || unwanted(r) {
			return false
		}
		s = s[size:]
	}
	return true
}

// eight are the first eight bytes of a text, the first of them lowest.
func eight[T string | []byte](s T) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// isPlain reports whether each of eight bytes is from ' ' to '~': one beyond ASCII has its
// highest bit set, one below ' ' gets it by the subtraction, and DEL by the sum. Only such a
// byte touches its neighbours.
func isPlain(eight uint64) bool {
	const each = 0x0101010101010101
	return (eight|(eight-' '*each)|(eight+each))&(0x80*each) == 0
}

// unwanted tells the characters that show nothing and change what is around
// them: controls, fillers, and format characters except for the two joiners that
// Persian, Indic scripts and emoji need, and the selectors of an emoji's style.
func unwanted(r rune) bool {
	if r < 0x20 || r == 0x7f {
		return true
	}
	if r < 0x80 {
		return false
	}
	switch r {
	case '\u200c', '\u200d', '\ufe0e', '\ufe0f':
		return false
	case '\u2800': // the Braille pattern without dots
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// cut shortens clean text on a rune boundary and lets it show.
func cut(s string, limit int) string {
	if limit <= 0 || len(s) <= limit {
		return s
	}
	const mark = "..."
	if limit < len(mark) {
		return ""
	}
	n := limit - len(mark)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimRight(s[:n], " ") + mark
}

// cleanErrorCode enforces AIP-193's ^[A-Z][A-Z0-9_]+[A-Z0-9]$, at most 63 long.
func cleanErrorCode(s string) string {
	if validErrorCode(s) {
		return s
	}
	if code := upperSnake(s, maxErrorCode); validErrorCode(code) {
		return code
	}
	return ""
}

// upperSnake makes an identifier of what a text has of letters and digits.
func upperSnake(s string, limit int) string {
	b := make([]byte, 0, min(len(s), limit))
	for i := 0; i < len(s) && len(b) < limit; i++ {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9' && len(b) > 0:
			b = append(b, c)
		case 'a' <= c && c <= 'z':
			b = append(b, c-'a'+'A')
		case len(b) > 0 && b[len(b)-1] != '_':
			b = append(b, '_')
		}
	}
	return strings.TrimRight(string(b), "_")
}

func validErrorCode(s string) bool {
	if len(s) < 3 || len(s) > maxErrorCode || s[0] < 'A' || s[0] > 'Z' || s[len(s)-1] == '_' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// validMetaKey tells AIP-193's ^[a-z][a-zA-Z0-9-_]+$, at most 64 long.
func validMetaKey(s string) bool {
	if len(s) < 2 || len(s) > maxMetaKey || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// maxNesting bounds the walk through a message; the decoder's own bound is
// higher.
const maxNesting = 64

// cleanMessage cleans every string in m, in place, and reports whether any was
// unclean. One string of invalid UTF-8 makes a message impossible to encode.
func cleanMessage(m proto.Message) (changed bool) {
	return texts{}.message(m.ProtoReflect(), maxNesting)
}

// texts walks the strings of a message, cleans each, cuts it to text bytes and
// every list to so many items; 0 means no limit. Its methods report whether they
// met an unclean one.
type texts struct{ text, list int }

func (t texts) message(m protoreflect.Message, depth int) (unclean bool) {
	if !m.IsValid() || depth == 0 {
		return false
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap():
			unclean = t.entries(fd, v.Map(), depth) || unclean
		case fd.IsList():
			unclean = t.items(fd, v.List(), depth) || unclean
		case fd.Message() != nil:
			unclean = t.message(v.Message(), depth-1) || unclean
		case fd.Kind() == protoreflect.StringKind && !t.good(v.String()):
			unclean = true
			m.Set(fd, t.better(v.String()))
		}
		return true
	})
	return unclean
}

func (t texts) items(fd protoreflect.FieldDescriptor, l protoreflect.List, depth int) (unclean bool) {
	if t.list > 0 && l.Len() > t.list {
		l.Truncate(t.list)
	}
	for i := range l.Len() {
		switch {
		case fd.Message() != nil:
			unclean = t.message(l.Get(i).Message(), depth-1) || unclean
		case fd.Kind() == protoreflect.StringKind && !t.good(l.Get(i).String()):
			unclean = true
			l.Set(i, t.better(l.Get(i).String()))
		}
	}
	return unclean
}

// entries cleans the keys and the values of a map. Of keys that are the same once they are clean, the last in the order of
// their bytes counts: every reader says the same.
func (t texts) entries(fd protoreflect.FieldDescriptor, m protoreflect.Map, depth int) (unclean bool) {
	keys, values := fd.MapKey().Kind() == protoreflect.StringKind, fd.MapValue().Kind() == protoreflect.StringKind
	bad := false
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		if fd.MapValue().Message() != nil {
			unclean = t.message(v.Message(), depth-1) || unclean
		}
		bad = bad || keys && !t.good(k.String()) || values && !t.good(v.String())
		return true
	})
	if !bad {
		return unclean
	}
	type entry struct {
		key   protoreflect.MapKey
		value protoreflect.Value
	}
	var all []entry
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		all = append(all, entry{k, v})
		return true
	})
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(a.key.String(), b.key.String()) })
	for _, e := range all {
		m.Clear(e.key)
	}
	for _, e := range all {
		if keys {
			e.key = t.better(e.key.String()).MapKey()
		}
		if values {
			e.value = t.better(e.value.String())
		}
		m.Set(e.key, e.value)
	}
	return true
}

func (t texts) good(s string) bool { return isClean(s) && (t.text == 0 || len(s) <= t.text) }

func (t texts) better(s string) protoreflect.Value {
	return protoreflect.ValueOfString(clean(s, t.text))
}
