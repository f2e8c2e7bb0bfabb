package template

import "strings"

// Reason is the error code that an enum's value stands for where it names none: the
// value's name without the prefix that the style guide asks for.
func Reason(enum, value string) string {
	return strings.TrimPrefix(value, prefix(enum))
}

// prefix is what the names of an enum's values begin with: SHOP_ERROR_ for ShopError.
func prefix(enum string) string {
	var b strings.Builder
	for i := range len(enum) {
		if i > 0 && upper(enum[i]) && (!upper(enum[i-1]) || i+1 < len(enum) && lower(enum[i+1])) {
			b.WriteByte('_')
		}
		b.WriteByte(enum[i])
	}
	return strings.ToUpper(b.String()) + "_"
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func lower(c byte) bool { return c >= 'a' && c <= 'z' }
