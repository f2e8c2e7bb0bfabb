package telemetry

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/recourse-dev/recourse/status"
)

func TestMask(t *testing.T) {
	m := newMasker([]string{"Kontonummer", "card no", "", "-_", "ключ", "Geheimnis-K", "номер карты", "Fach K"})
	tests := []struct{ in, want string }{
		{"", ""},
		{"no such shelf: 7", "no such shelf: 7"},
		{"password=hunter2", "password=***"},
		{"password = hunter2 failed", "password = *** failed"},
		{"Password: hunter2, user: bob", "Password: ***, user: bob"},
		{"password=hunter2,user=bob", "password=***,user=bob"},
		{"password=hunt,er2", "password=***"},
		{"password=hunter2;user=bob", "password=***;user=bob"},
		{"dial (password=hunter2): refused", "dial (password=***): refused"},
		{"PASSWD=x1 pwd:y2 my_secret=z3", "PASSWD=*** pwd:*** my_secret=***"},
		{"DB_PASSWORD=hunter2", "DB_PASSWORD=***"},
		{"passwordHash: abc", "passwordHash: ***"},
		{"x-api-key: abc", "x-api-key: ***"},
		{"api_key=abc apikey=def apiKey=ghi api key: jkl", "api_key=*** apikey=*** apiKey=*** api key: ***"},
		{"private_key=abc privateKey=def the private key: ghi", "private_key=*** privateKey=*** the private key: ***"},
		{"credentials=abc session_id=def", "credentials=*** session_id=***"},
		{"Cookie: a=b; c=d; e=f", "Cookie: ***"},
		{"set-cookie: a=b; Secure then more", "set-cookie: *** then more"},
		{"password => hunter2", "password => ***"},
		{"password := hunter2", "password := ***"},
		{"password:", "password:"},
		{"password: ", "password: "},
		{"password=***", "password=***"},
		{"kontonummer: 123 Kontonummer=456", "kontonummer: *** Kontonummer=***"},
		{"the card no: 1234", "the card no: ***"},
		{"the card no.: 1234 THE CARD NO_ = 5", "the card no.: *** THE CARD NO_ = ***"},
		{"НОМЕР КАРТЫ: 1234", "НОМЕР КАРТЫ: ***"},
		{"im FACH \u212a: 1234", "im FACH \u212a: ***"},
		{"КЛЮЧ: 1234, мой ключ = 5", "КЛЮЧ: ***, мой ключ = ***"},
		{"GEHEIMNIS_\u212a: 1234", "GEHEIMNIS_\u212a: ***"}, // KELVIN SIGN, whose lower case is k

		{`{"user":"bob","password":"hunter2"}`, `{"user":"bob","password":"***"}`},
		{`{"password" : "hunter 2", "n": 1}`, `{"password" : "***", "n": 1}`},
		{`{"password":"hun\"ter2","n":1}`, `{"password":"***","n":1}`},
		{`{"password":"hunter2\\","n":1}`, `{"password":"***","n":1}`},
		{`"{\"password\":\"hunter2\",\"n\":1}"`, `"{\"password\":\"***\",\"n\":1}"`},
		{`"{\"password\":\"hun\\\"ter2\",\"n\":1}"`, `"{\"password\":\"***\",\"n\":1}"`},
		{`{"pin":1,"token":12345,"n":1}`, `{"pin":1,"token":***,"n":1}`},
		{`{"credentials":{"user":"bob","key":"k k"},"n":1}`, `{"credentials":{***},"n":1}`},
		{`{"credentials":{"a":{"b":"c"},"key":"k k"},"n":1}`, `{"credentials":{***},"n":1}`},
		{`token="password="hunter2" x`, `token="***" x`},
		{"token=a_secret:[x y] z", "token=***] z"},
		{"token=password: x y", "token=***: *** y"},
		{`password="never closed`, `password="***`},
		{`password='hunter 2' x`, `password='***' x`},
		{`headers["Authorization"]=abc`, `headers["Authorization"]=***`},

		{"Authorization: Bearer abc.def", "Authorization: Bearer ***"},
		{"authorization: Basic dXNlcjpwYXNz more", "authorization: Basic *** more"},
		{`"authorization":"Bearer abc"`, `"authorization":"Bearer ***"`},
		{"map[authorization:[Bearer abc] x:[1]]", "map[authorization:[Bearer ***] x:[1]]"},
		{"map[password:hunter2 user:bob]", "map[password:*** user:bob]"},
		{"header [Bearer eyJhbGciOiJIUzI1NiJ9.e30.x]", "header [Bearer ***]"},
		{"the bearer authenticates with a token", "the bearer authenticates with a token"},

		{"postgres://bob:hunter2@db:5432/x", "postgres://bob:***@db:5432/x"},
		{"redis://:hunter2@db", "redis://:***@db"},
		{"postgres://bob:hun/ter@2@db:5432/x", "postgres://bob:***@db:5432/x"},
		{"ssh://git@example.com/x", "ssh://git@example.com/x"},
		{"https://example.com:443/a?mail=b@c.d", "https://example.com:443/a?mail=b@c.d"},
		{"https://example.com/a?token=abc&n=1", "https://example.com/a?token=***&n=1"},
		{`Get "https://example.com/a?token=abc": EOF`, `Get "https://example.com/a?token=***": EOF`},
		{"https://token.example.com:443/a", "https://token.example.com:443/a"},
		{"dial token-service:50051: refused", "dial token-service:50051: refused"},
		{"http://session:8080/a", "http://session:8080/a"},
		{"my-secret:12345", "my-secret:***"},
		{"session_id:12345", "session_id:***"},

		// In doubt it hides, but only one word.
		{"invalid token: expired an hour ago", "invalid token: *** an hour ago"},
	}
	for _, test := range tests {
		if got := m.text(test.in); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.in, got, test.want)
		}
		if got := m.text(m.text(test.in)); got != test.want {
			t.Errorf("%s, twice: %s", test.in, got)
		}
	}
}

func TestMaskedParams(t *testing.T) {
	m := newMasker([]string{"iban"})
	for _, test := range []struct {
		in   map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"b": "2", "a": "1"}, "a=1 b=2"},
		{map[string]string{"userPassword": "hunter2", "IBAN": "DE1", "n": "two words", "e": ""}, `IBAN=*** e="" n="two words" userPassword=***`},
		{map[string]string{"url": "redis://a:hunter2@b"}, "url=redis://a:***@b"},
		{map[string]string{"n": "a\nb\x1b[31m"}, `n="a b[31m"`},
	} {
		if got := m.params(test.in); got != test.want {
			t.Errorf("%v is %s, want %s", test.in, got, test.want)
		}
	}
	big := map[string]string{}
	for _, r := range "abcdefghijklmnop" {
		big[string(r)] = strings.Repeat("x", 1<<20)
	}
	if n := len(m.params(big)); n > maxParams {
		t.Errorf("%d bytes", n)
	}
}

func FuzzMask(f *testing.F) {
	forms := []string{
		"password=%", "PassWd: %", `"pwd":"%"`, `'secret': '%'`, "token = %", "Authorization: Bearer %", "authorization:[Basic %]",
		`{\"api-key\":\"%\"}`, "https://bob:%@example.com/a?b=c", "x_private_key=%", "Cookie: %", "iban=%",
	}
	for i := range forms {
		f.Add("", "hunter2", " and more", uint8(i))
		f.Add("token=", "hunter2", "@x]\"'", uint8(i))
		f.Add("a://b:", "c0ffee", "/@", uint8(i))
		f.Add("password=\"", "letters", "\\\"", uint8(i))
		f.Add("cookie: a;\n", "123456", "&b=c", uint8(i))
		f.Add("http://", "secret9", "\xff\x1b[31m\u2028", uint8(i))
	}
	m := newMasker([]string{"iban"})
	f.Fuzz(func(t *testing.T, before, secret, after string, n uint8) {
		form := forms[int(n)%len(forms)]
		in := status.Display(before+strings.ReplaceAll(form, "%", secret)+after, 4<<10)
		out := m.text(in)
		if !utf8.ValidString(out) || strings.ContainsFunc(out, unicode.IsControl) {
			t.Errorf("%q", out)
		}
		if again := m.text(out); m.text(again) != again {
			t.Errorf("%q is not stable: %q", out, again)
		}
		if len(secret) < 6 || strings.Trim(secret, "0123456789abcdefghijklmnopqrstuvwxyz") != "" || strings.Count(in, secret) != 1 {
			return // none that could be told from the rest
		}
		for _, s := range schemes {
			if secret == s {
				return
			}
		}
		if strings.Contains(out, secret) {
			t.Errorf("%s\nis masked as\n%s", in, out)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	m := newMasker(nil)
	for name, s := range map[string]string{
		"plain":   "open shelf 7: dial tcp 10.0.0.1:5432: connect: connection refused",
		"masked":  "open shelf 7: dial postgres://bob:hunter2@db:5432/x: connection refused",
		"hostile": strings.Repeat("token:a://b:", 4<<10/12),
		"commas":  "token=" + strings.Repeat(",a", 2<<10),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.text(s)
			}
		})
	}
}
