package main

import (
	"strings"
	"testing"
)

func TestComplete(t *testing.T) {
	tests := []struct{ prompt, contains string }{
		{"weather: Will it rain in Oslo tomorrow?", "Oslo"},
		{"weather: Will it rain?", "your area"},
		{"order_status: Where is order 4711?", "Order 4711 "},
		{"unheard_of: the sea", "The sea: "},
		{"éclairs", "Éclairs: "},
		{"\xff", ": "},
	}
	for _, test := range tests {
		tokens, err := complete(test.prompt)
		again, _ := complete(test.prompt)
		text := strings.Join(tokens, "")
		if err != nil || !strings.Contains(text, test.contains) || strings.ContainsAny(text, "{}") {
			t.Errorf("complete(%q) = %q, %v; want %q in it", test.prompt, text, err, test.contains)
		}
		if text != strings.Join(again, "") {
			t.Errorf("complete(%q) is another text the second time", test.prompt)
		}
	}
	if _, err := complete("weather: ?"); err == nil {
		t.Error("an empty prompt was continued")
	}
}
