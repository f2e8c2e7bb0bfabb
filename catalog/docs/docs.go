// Package docs writes a catalogue for people: as a static site with one page an error, as
// one Markdown file, and as the JSON that programs read. The same catalogue makes the same
// bytes.
//
// The page of an error is the file REASON/index.html, so that the link in every error, which
// is doc_base_url and the error code, leads to it on any static host: all of them answer for
// a folder with its index.html. Links within the site name the files and are relative, so
// that it also works from a disk. Where domains share an error code, its page lists them, and
// theirs are domain/REASON/index.html.
//
// Whatever comes from the catalogue is text: it is escaped, and links lead to https only.
package docs

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
)

// Format is a way of writing a catalogue.
type Format string

// The formats, and what they write.
const (
	JSON     Format = "json"     // catalog.json
	Markdown Format = "markdown" // README.md
	HTML     Format = "html"     // index.html, and index.html in a folder for each error
)

// Files renders a catalogue, in all formats if none is named. The keys are paths with
// slashes, relative to where the documentation is. It fails where an error's code or domain
// is no name for a file.
func Files(c *catalog.Catalog, formats ...Format) (map[string][]byte, error) {
	if len(formats) == 0 {
		formats = []Format{JSON, Markdown, HTML}
	}
	s, err := newSite(c)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, f := range formats {
		switch f {
		case JSON:
			var b bytes.Buffer
			if err := c.Write(&b); err != nil {
				return nil, err
			}
			files["catalog.json"] = b.Bytes()
			s.JSON = "catalog.json"
		case Markdown, HTML:
		default:
			return nil, fmt.Errorf("there is no format %q: json, markdown and html are", f)
		}
	}
	for _, f := range formats { // once it is known whether there is something to link to
		switch f {
		case Markdown:
			files["README.md"] = s.markdown()
		case HTML:
			if err := s.html(files); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// site is a catalogue as its pages show it.
type site struct {
	Domains []*domain
	Pages   []*page // in the order of the domains
	Filters filters
	JSON    string // where the catalogue itself is, empty if nowhere
	shared  map[string][]*page
}

// Only is the domain where there is no other.
func (s *site) Only() *domain {
	if len(s.Domains) == 1 {
		return s.Domains[0]
	}
	return nil
}

// domain is the errors of one domain.
type domain struct {
	Name, Version string
	Pages         []*page
}

// filters are what the list can be narrowed to.
type filters struct {
	Services []service
	Codes    []string
}

type service struct {
	Name    string // in full
	Methods []method
}

// method is one that declares an error.
type method struct {
	Full    string // pkg.Service/Method
	Service string // pkg.Service
	Name    string // Method
}

func newMethod(full string) method {
	s, name, _ := strings.Cut(full, "/")
	return method{full, s, name}
}

func newSite(c *catalog.Catalog) (*site, error) {
	s := &site{shared: map[string][]*page{}}
	for _, e := range c.Errors {
		if !fileName(e.Reason) || !fileName(e.Domain) {
			return nil, fmt.Errorf("%s: no file can have the name of this error: "+
				"error codes and domains have letters, digits, dots, hyphens and underscores", e.Key())
		}
		s.add(newPage(e))
	}
	for reason, pages := range s.shared {
		if len(pages) == 1 {
			delete(s.shared, reason)
			continue
		}
		for _, p := range pages {
			p.Dir = p.Error.Domain + "/" + p.Error.Reason + "/"
			p.Root = "../../"
		}
	}
	if err := s.distinct(); err != nil {
		return nil, err
	}
	s.link()
	for _, m := range c.Methods {
		s.Filters.add(newMethod(clean(m.Name)))
	}
	for _, code := range codeNames() {
		for _, p := range s.Pages {
			if p.Error.Code == code {
				s.Filters.Codes = append(s.Filters.Codes, code)
				break
			}
		}
	}
	return s, nil
}

func (s *site) add(p *page) {
	if n := len(s.Domains); n == 0 || s.Domains[n-1].Name != p.Error.Domain {
		s.Domains = append(s.Domains, &domain{Name: p.Error.Domain})
	}
	d := s.Domains[len(s.Domains)-1]
	d.Version = max(d.Version, p.Error.Version)
	d.Pages = append(d.Pages, p)
	s.Pages = append(s.Pages, p)
	s.shared[p.Error.Reason] = append(s.shared[p.Error.Reason], p)
}

// distinct fails where two pages would be one file, on disks that know no capitals as well.
func (s *site) distinct() error {
	taken := map[string]string{}
	claim := func(dir, by string) error {
		dir = strings.ToLower(dir)
		if other, ok := taken[dir]; ok {
			return fmt.Errorf("%s and %s would have the same file: names must differ in more than capitals", other, by)
		}
		taken[dir] = by
		return nil
	}
	for _, p := range s.Pages {
		if err := claim(p.Dir, p.Error.Key()); err != nil {
			return err
		}
	}
	for reason := range s.shared {
		if err := claim(reason+"/", reason); err != nil {
			return err
		}
	}
	return nil
}

// link tells the pages of each other.
func (s *site) link() {
	for i, p := range s.Pages {
		if i > 0 {
			p.Before = s.Pages[i-1]
		}
		if i+1 < len(s.Pages) {
			p.After = s.Pages[i+1]
		}
		for _, other := range s.Pages {
			if other.Error.Domain == p.Error.Domain && other.Error.Reason == p.Error.ReplacedBy {
				p.Instead = other
			}
		}
	}
}

func (f *filters) add(m method) {
	for i := range f.Services {
		if f.Services[i].Name == m.Service {
			f.Services[i].Methods = append(f.Services[i].Methods, m)
			return
		}
	}
	f.Services = append(f.Services, service{m.Service, []method{m}})
}

// fileName tells whether a folder can have a name, and whether the name is harmless in a path.
func fileName(name string) bool {
	if name == "" || len(name) > 253 || name[0] == '.' || name[len(name)-1] == '.' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return false
		}
	}
	return true
}
