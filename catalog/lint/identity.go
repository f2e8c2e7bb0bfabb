package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/recourse-dev/recourse/catalog"
	recoursev1 "github.com/recourse-dev/recourse/gen/go/recourse/v1"
	"github.com/recourse-dev/recourse/status"
	"google.golang.org/grpc/codes"
)

const (
	maxReason = 63 // AIP-193
	maxDomain = 253
	maxWords  = 4 // of an error code
)

// What says no more than that there is an error.
var generic = []string{
	"BAD_REQUEST", "ERROR", "EXCEPTION", "FAILED", "FAILURE", "GENERAL_ERROR", "INTERNAL", "INTERNAL_ERROR", "OTHER", "UNKNOWN", "UNKNOWN_ERROR",
}

var (
	dnsName      = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)
	reasonFormat = regexp.MustCompile(`^[A-Z][A-Z0-9_]+[A-Z0-9]$`)
)

// Domains of which nobody but their owner makes errors.
var reserved = []string{"googleapis.com", "google.com", "grpc.io"}

// identities checks what tells errors apart.
func (l *linter) identities() {
	owner := map[string]*catalog.Enum{}
	for _, e := range l.catalog.Enums {
		l.catalogue(e, owner)
	}
	byKey := map[string]*subject{}
	type number struct {
		enum   string
		number int32
	}
	byNumber := map[number]*subject{}
	for _, s := range l.subjects {
		l.reason(s)
		if first := byKey[s.Key()]; first != nil {
			l.fail(s, "CAT_REASON_UNIQUE",
				"%s has the error code %s, as %s has: a caller cannot tell them apart, give it another", s.Value, s.Reason, first.Value)
		} else {
			byKey[s.Key()] = s
		}
		n := number{s.Enum, s.Number}
		if first := byNumber[n]; first != nil {
			l.fail(s, "CAT_REASON_UNIQUE", "%s has the number %d, as %s has: give it one of its own", s.Value, s.Number, first.Value)
		} else {
			byNumber[n] = s
		}
		if s.Number == 0 {
			l.fail(s, "CAT_ZERO_UNSPECIFIED",
				"%s is the value 0, which stands for what is not set: take the option out, and declare the error with another "+
					"number", s.Value)
		}
		l.fixes(s)
		l.code(s)
		l.comment(s)
		if by := s.ReplacedBy; by != "" && l.catalog.Find(s.Domain+"/"+by) == nil {
			l.fail(s, "CAT_REPLACED_BY",
				"%s is replaced by %q, which %s does not declare: write the error code of one that it does", s.Value, by, s.Domain)
		}
	}
}

// catalogue checks what the errors of an enum have in common.
func (l *linter) catalogue(e *catalog.Enum, owner map[string]*catalog.Enum) {
	about := l.of[e.Name]
	fail := func(rule, format string, args ...any) {
		l.report(catalog.Failure, rule, e.At(), about, format, args...)
	}
	name := e.Descriptor().Name()
	first, taken := owner[e.Domain]
	owner[e.Domain] = e
	switch {
	case e.Domain == "":
		fail("CAT_DOMAIN_REQUIRED", "%s has no domain: give it the DNS name of the service", name)
	case len(e.Domain) > maxDomain || !dnsName.MatchString(e.Domain):
		fail("CAT_DOMAIN_REQUIRED",
			"the domain %q of %s is no DNS name: write one such as shop.example.com, in small letters", e.Domain, name)
	case slices.ContainsFunc(reserved, func(r string) bool { return e.Domain == r || strings.HasSuffix(e.Domain, "."+r) }):
		fail("CAT_DOMAIN_RESERVED", "the domain %s of %s is somebody else's: use a name of your own", e.Domain, name)
	case taken:
		about = slices.Concat(about, l.of[first.Name])
		fail("CAT_DOMAIN_ONE_PER_ENUM",
			"%s has the domain %s, as %s has, and nothing keeps their error codes apart: put the errors into one enum, or "+
				"choose another domain",
			name, e.Domain, first.Descriptor().Name())
	}
	if len(e.Version) > maxVersion {
		fail("CAT_BUDGET", "the version of %s has %d bytes, and is cut off after %d: shorten it", name, len(e.Version), maxVersion)
	}
	for _, s := range about {
		if s.Page != "" && !https(s.Page) {
			fail("CAT_LINK_HTTPS", "the pages of %s are at %q: give doc_base_url as an absolute https URL, with its slash", name, s.Page)
			break
		}
	}
}

// reason checks the error code. What [status.New] takes as it is can be sent.
func (l *linter) reason(s *subject) {
	switch {
	case len(s.Reason) > maxReason:
		l.fail(s, "CAT_REASON_LENGTH", "the error code %s has %d bytes: at most %d can be sent", s.Reason, len(s.Reason), maxReason)
	case !reasonFormat.MatchString(s.Reason) || status.New(codes.Internal, s.Reason, "").ErrorCode() != s.Reason:
		l.fail(s, "CAT_REASON_FORMAT",
			"the error code %q is not in the form OUT_OF_STOCK: at least 3 capital letters, digits and underscores, a letter "+
				"first and no underscore last",
			s.Reason)
	case slices.Contains(generic, s.Reason):
		l.fail(s, "CAT_REASON_GENERIC",
			"the error code %s says nothing: name what went wrong, so that a program can do something about it", s.Reason)
	case strings.Count(s.Reason, "_") >= maxWords:
		l.warn(s, "CAT_REASON_LENGTH", "the error code %s has more than %d words: find a shorter name", s.Reason, maxWords)
	}
}

// fixes checks the names for what is wrong with a field, which are as error codes are.
func (l *linter) fixes(s *subject) {
	for _, a := range s.opts.GetActions() {
		for _, fix := range a.GetFixFields().GetFixes() {
			if r := fix.GetReason(); r != "" && (len(r) > maxReason || !reasonFormat.MatchString(r)) {
				l.fail(s, "CAT_REASON_FORMAT",
					"the reason %q of a field to fix in %s is not in the form TOO_LARGE, as error codes are", r, s.Value)
			}
		}
	}
}

func (l *linter) code(s *subject) {
	code := s.opts.GetCode()
	switch code {
	case recoursev1.ErrorOptions_CODE_CANCELLED, recoursev1.ErrorOptions_CODE_UNKNOWN, recoursev1.ErrorOptions_CODE_DEADLINE_EXCEEDED:
		l.fail(s, "CAT_CODE_REQUIRED",
			"%s has the code %s, with which gRPC itself ends calls: choose another, or say why in an exception", s.Value, s.Code)
	default:
		if _, known := recoursev1.ErrorOptions_Code_name[int32(code)]; !known || code == recoursev1.ErrorOptions_CODE_UNSPECIFIED {
			l.fail(s, "CAT_CODE_REQUIRED", "%s has no gRPC code: set code", s.Value)
		}
	}
}

func (l *linter) comment(s *subject) {
	if s.Description != "" {
		return
	}
	if s.Descriptor().ParentFile().SourceLocations().Len() == 0 {
		l.report(catalog.Warning, "CAT_COMMENT", catalog.Position{File: s.At().File}, l.of[s.Enum],
			"the descriptors were made without comments: use `buf build`, or protoc with --include_source_info")
		return
	}
	l.fail(s, "CAT_COMMENT", "%s has no comment: explain above it when it happens, for the documentation", s.Value)
}
