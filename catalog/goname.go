package catalog

import "strings"

// initialisms are written in capitals in Go.
var initialisms = map[string]string{
	"api": "API", "cpu": "CPU", "dns": "DNS", "http": "HTTP", "id": "ID", "ip": "IP", "json": "JSON", "rpc": "RPC",
	"sku": "SKU", "sql": "SQL", "tls": "TLS", "ttl": "TTL", "url": "URL", "uuid": "UUID",
}

// GoName is OUT_OF_STOCK or outOfStock as OutOfStock: what the struct of an error, and the
// fields of its parameters, are called in the Go that protoc-gen-recourse-go makes.
func GoName(name string) string {
	var b strings.Builder
	for _, word := range words(name) {
		if known, ok := initialisms[word]; ok {
			b.WriteString(known)
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// words are the parts of a name in small letters.
func words(name string) []string {
	if strings.ToUpper(name) == name {
		name = strings.ToLower(name)
	}
	var out []string
	word := ""
	flush := func() {
		if word != "" {
			out = append(out, strings.ToLower(word))
		}
		word = ""
	}
	for _, r := range name {
		switch {
		case r == '_' || r == '-':
			flush()
		case r >= 'A' && r <= 'Z':
			flush()
			word = string(r)
		default:
			word += string(r)
		}
	}
	flush()
	return out
}
