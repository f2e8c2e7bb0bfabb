package docs

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"regexp"
	"strings"
)

var (
	//go:embed assets/pages.html
	pagesHTML string
	//go:embed assets/style.css
	styleCSS string
	//go:embed assets/site.js
	siteJS string
)

// generator marks the pages that are ours, so that those of errors that are gone can be
// told from files of others.
const generator = "recourse docs"

// Each page has style and script inside, so that it is whole wherever it is put, and a
// policy that lets nothing else in.
var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"policy":    func() string { return policy },
	"generator": func() string { return generator },
	"style":     func() template.CSS { return template.CSS(styleCSS) },
	"script":    func() template.JS { return template.JS(siteJS) },
	"breakable": breakable,
	"count":     count,
	"https":     https,
	"golang":    golang,
	"json":      jsonText,
	"short":     func(service string) string { return service[strings.LastIndexByte(service, '.')+1:] },
}).Parse(pagesHTML))

var policy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; "+
	"img-src data:; base-uri 'none'; form-action 'none'", sum(styleCSS), sum(siteJS))

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(h[:])
}

func (s *site) html(files map[string][]byte) error {
	if err := render(files, "index.html", "index", s); err != nil {
		return err
	}
	for _, p := range s.Pages {
		if err := render(files, p.Dir+"index.html", "error", p); err != nil {
			return err
		}
	}
	for reason, of := range s.shared {
		if err := render(files, reason+"/index.html", "shared", map[string]any{"Reason": reason, "Pages": of}); err != nil {
			return err
		}
	}
	return nil
}

func render(files map[string][]byte, name, page string, data any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, page, data); err != nil {
		return err
	}
	files[name] = b.Bytes()
	return nil
}

// breakable lets a long name go over several lines, after what joins its parts.
func breakable(name string) template.HTML {
	escaped := template.HTMLEscapeString(name)
	return template.HTML(strings.NewReplacer("_", "_<wbr>", "/", "/<wbr>", ".", ".<wbr>").Replace(escaped))
}

// golang makes the comments of code quiet.
func golang(code string) template.HTML {
	return lines(code, func(line string) (before, marked, after string) {
		text := strings.TrimLeft(line, "\t ")
		if strings.HasPrefix(text, "//") {
			return line[:len(line)-len(text)], text, ""
		}
		return line, "", ""
	}, "c")
}

var jsonKey = regexp.MustCompile(`^\s*("[^"\\]*"):`)

// jsonText makes the keys of indented JSON stand out.
func jsonText(code string) template.HTML {
	return lines(code, func(line string) (before, marked, after string) {
		if at := jsonKey.FindStringSubmatchIndex(line); at != nil {
			return line[:at[2]], line[at[2]:at[3]], line[at[3]:]
		}
		return line, "", ""
	}, "k")
}

// lines escapes code, and gives a part of some lines a class.
func lines(code string, split func(line string) (before, marked, after string), class string) template.HTML {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(code, "\n") {
		text, end := strings.TrimSuffix(line, "\n"), line[len(strings.TrimSuffix(line, "\n")):]
		before, marked, after := split(text)
		b.WriteString(template.HTMLEscapeString(before))
		if marked != "" {
			b.WriteString(`<span class="` + class + `">` + template.HTMLEscapeString(marked) + `</span>`)
		}
		b.WriteString(template.HTMLEscapeString(after) + end)
	}
	return template.HTML(b.String())
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprint(n, " ", what, "s")
}
