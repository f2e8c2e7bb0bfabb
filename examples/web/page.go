package main

import (
	"html/template"
	"net/http"
	"path/filepath"
)

// page serves the built page, and tells it where to make its calls. The browser holds it to that: whatever came in an
// error, it loads nothing from elsewhere and runs no script but the page's own.
func page(folder, api string) (http.Handler, error) {
	index, err := template.ParseFiles(filepath.Join(folder, "index.html"))
	if err != nil {
		return nil, err
	}
	policy := "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; img-src data:; " +
		"script-src 'self'; style-src 'self'; connect-src " + api
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServer(http.Dir(folder)))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = index.Execute(w, api) // else the browser has gone
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", policy)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	}), nil
}
