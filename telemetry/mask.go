package telemetry

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dev/recourse/status"
)

// masked stands for what is not written.
const masked = "***"

// sensitive are the words whose values are masked whatever a Config says, as
// [normal] makes them: "api_key" and "X-Api-Key" have "apikey" in them.
var sensitive = []string{
	"password", "passwd", "pwd", "secret", "token", "apikey", "authorization", "credential", "cookie", "session",
	"privatekey",
}

// schemes are those of HTTP's authorization: what follows one of them is the secret.
var schemes = []string{"bearer", "basic", "digest", "negotiate", "token", "apikey"}

// Bounds of the error's metadata in a record, in bytes.
const (
	maxParam  = 1 << 10
	maxParams = 4 << 10
)

// masker hides the values of sensitive names in text that status.Display has made
// safe. It knows name=value, name: value and "name":"value", quoted at any depth, lists
// and objects in brackets, "Authorization: Bearer value" and the password in
// scheme://user:password@host. A value without quotes ends at the first space, or where
// ",", ";" or "&" begins the next pair: of one with spaces in it the rest is shown. In
// doubt it hides: "invalid token: expired" loses its last word.
//
// The zero value hides passwords in URLs only. It is safe for concurrent use.
type masker struct {
	words [][]byte // normal
	last  string   // their last bytes
}

func newMasker(more []string) masker {
	var m masker
	for _, w := range slices.Concat(sensitive, more) {
		if w := normal(nil, w); len(w) > 0 {
			m.words, m.last = append(m.words, w), m.last+string(w[len(w)-1:])
		}
	}
	return m
}

// normal appends a name without what makes no difference: case, and what is put
// between the words of a name.
func normal(to []byte, name string) []byte {
	for _, r := range name {
		switch {
		case r == '_' || r == '-' || r == '.' || r == ' ':
		case r < utf8.RuneSelf:
			to = append(to, lower(byte(r)))
		default:
			to = utf8.AppendRune(to, unicode.ToLower(r))
		}
	}
	return to
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// names reports whether a name has one of the words in it.
func (m masker) names(name string) bool {
	var space [64]byte
	n := normal(space[:0], name)
	for _, w := range m.words {
		if bytes.Contains(n, w) {
			return true
		}
	}
	return false
}

// ends reports whether a text ends with one of the words, which may have spaces in
// it: "the api key".
func (m masker) ends(text string) bool {
	if len(text) > 64 { // that is enough for words
		text = text[len(text)-64:]
	}
	text = strings.TrimRight(text, "_-. ")
	if text == "" {
		return false
	}
	if c := text[len(text)-1]; c < utf8.RuneSelf && strings.IndexByte(m.last, lower(c)) < 0 {
		return false // as of most texts
	}
	var space [96]byte
	n := normal(space[:0], text)
	for _, w := range m.words {
		if bytes.HasSuffix(n, w) {
			return true
		}
	}
	return false
}

// text returns s without the values that it should not show. It is s itself where
// there are none.
func (m masker) text(s string) string {
	var b strings.Builder
	done := 0 // of s, is in b or hidden
	inner := 0
	for i := 0; i < len(s); {
		from, to := 0, 0
		switch c := s[i]; {
		case c == ':' && strings.HasPrefix(s[i:], "://"):
			from, to = userinfo(s, i+len("://"))
		case c == ':' || c == '=':
			from, to = m.value(s, i)
		case c == ' ' && i >= len("bearer") && strings.EqualFold(s[i-len("bearer"):i], "bearer"):
			from, to = bearer(s, i+1)
		}
		i++
		if from >= to {
			continue
		}
		// What is hidden may begin a value that ends later: "token=password: x".
		if i = max(i, from); from < done {
			done = max(done, to)
			if inner++; inner >= maxInner {
				i = done
			}
			continue
		}
		if s[from:to] != masked {
			b.WriteString(s[done:from])
			b.WriteString(masked)
			done = to
		}
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// maxInner is how many values inside of others are looked at in one text: each may
// take a look at all of it.
const maxInner = 64

// value finds what to hide behind the separator at i: nothing where to is 0.
func (m masker) value(s string, i int) (from, to int) {
	end := len(strings.TrimRight(s[:i], " "))
	end = len(strings.TrimRight(s[:end], "\"'`\\])"))
	start := nameStart(s[:end])
	name := s[start:end]
	last := m.ends(s[:end])
	if !last && !m.names(name) {
		return 0, 0
	}
	from = i + 1
	if s[i] == ':' && isPort(s[from:]) && (hasHostBefore(s[:start]) || !last && strings.ContainsAny(name, "-.")) {
		return 0, 0
	}
	for from < len(s) && strings.IndexByte("=:> ", s[from]) >= 0 {
		from++
	}
	quote := from
	for quote < len(s) && s[quote] == '\\' {
		quote++
	}
	switch {
	case from == len(s):
		return 0, 0
	case quote < len(s) && isQuote(s[quote]):
		return scheme(s, quote+1), quoted(s, quote+1, s[quote], quote-from)
	case strings.IndexByte("[{(", s[from]) >= 0:
		return scheme(s, from+1), bracketed(s, from)
	}
	from = scheme(s, from)
	to = bare(s, from)
	for strings.Contains(strings.ToLower(name), "cookie") && to < len(s) && s[to-1] == ';' && s[to] == ' ' { // a=b; c=d
		to = bare(s, to+1)
	}
	return from, from + len(strings.TrimRight(s[from:to], ",.;:)]}>\\"))
}

// nameStart is where the name at the end of s begins.
func nameStart(s string) int {
	for len(s) > 0 {
		r, size := utf8.DecodeLastRuneInString(s)
		if !isNameRune(r) && r != '-' && r != '_' && r != '.' {
			break
		}
		s = s[:len(s)-size]
	}
	return len(s)
}

func isNameRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func isQuote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// isPort reports whether s begins with a port.
func isPort(s string) bool {
	n := digits(s)
	if n == 0 || n > 5 {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s[n:])
	return n == len(s) || !isNameRune(r) && r != '_' && r != '-'
}

func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

func hasHostBefore(s string) bool { return strings.HasSuffix(s, "//") || strings.HasSuffix(s, "@") }

// scheme is where a secret begins that may have the name of a scheme in front.
func scheme(s string, i int) int {
	for _, name := range schemes {
		if end := i + len(name); end < len(s) && s[end] == ' ' && strings.EqualFold(s[i:end], name) {
			for end < len(s) && s[end] == ' ' {
				end++
			}
			return end
		}
	}
	return i
}

// quoted is where a quotation ends that began at i, its quotes behind so many
// backslashes. A quote that is followed by a letter is taken for a part of it.
func quoted(s string, i int, quote byte, depth int) int {
	slashes := 0
	for ; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			slashes++
			continue
		case s[i] == quote && (slashes < depth || slashes%(2*(depth+1)) == depth) && !startsName(s[i+1:]):
			return i - min(slashes, depth)
		}
		slashes = 0
	}
	return i
}

func startsName(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return isNameRune(r)
}

// bracketed is where the bracket at i is closed.
func bracketed(s string, i int) int {
	const pairs = "[]{}()"
	opening := s[i]
	closing := pairs[strings.IndexByte(pairs, opening)+1]
	for depth := 0; i < len(s); i++ {
		switch s[i] {
		case opening:
			depth++
		case closing:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

// bare is where a value without quotes ends that begins at i.
func bare(s string, i int) int {
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ', isQuote(c) && !startsName(s[i+1:]):
			return i
		case (c == ',' || c == ';' || c == '&') && startsPair(s[i+1:]):
			return i
		}
	}
	return i
}

// startsPair reports whether s begins with a name and a separator.
func startsPair(s string) bool {
	for i, r := range s[:min(len(s), 64)] {
		switch {
		case r == '=' || r == ':':
			return i > 0
		case !isNameRune(r) && r != '-' && r != '_' && r != '.' && r != '"':
			return false
		}
	}
	return false
}

// userinfo finds the password in what follows "scheme://" at i. One with a slash in
// it, which makes it no URL, is found too, unless it looks like a port up to there.
func userinfo(s string, i int) (from, to int) {
	s, from = s[:i+until(s[i:], ` "`)], i
	authority := s[:i+until(s[i:], "/?#")]
	colon := strings.IndexByte(authority[i:], ':')
	if colon < 0 {
		return 0, 0
	}
	from = i + colon + 1
	to = strings.LastIndexByte(authority, '@')
	if n := digits(authority[from:]); to < from && (n == 0 || from+n < len(authority)) {
		to = strings.LastIndexByte(s, '@')
	}
	if to < from {
		return 0, 0
	}
	return from, to
}

// until is how much of s comes before any of the characters.
func until(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}

// bearer finds a token behind the word that announces one, rather than a sentence
// about it.
func bearer(s string, i int) (from, to int) {
	to = i + until(s[i:], " \"'`,;)]}")
	if to-i < 8 || !strings.ContainsAny(s[i:to], "0123456789") {
		return 0, 0
	}
	return i, to
}

// params writes the metadata of an error as one text, by key: a=1 b="two words".
func (m masker) params(params map[string]string) string {
	if len(params) == 0 {
		return ""
	}
	var space [256]byte
	b := space[:0]
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if len(b) > 0 {
			b = append(b, ' ')
		}
		b = append(append(b, status.Display(key, maxParam)...), '=')
		value := masked
		if !m.names(key) {
			value = m.text(status.Display(params[key], maxParam))
		}
		if value == "" || strings.ContainsAny(value, ` "=`) {
			b = strconv.AppendQuote(b, value)
		} else {
			b = append(b, value...)
		}
		if len(b) > maxParams {
			break
		}
	}
	return status.Display(string(b), maxParams)
}
