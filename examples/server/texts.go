package main

import (
	"embed"

	"github.com/recourse-dev/recourse/catalog"
	"github.com/recourse-dev/recourse/catalog/locale"
)

//go:embed texts/*.json
var files embed.FS

// translations are what the errors of proto/assistant say in other languages.
func translations() (*locale.Texts, error) {
	return locale.Load(catalog.Linked(), files, "texts/*.json")
}
