// Package golden reads the golden errors, replays them on the wire, and says in their terms what package status reads.
package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Case is one golden file.
type Case struct {
	Name string `json:"-"` // of the file, without its ending

	// What the case is about, for whoever sees it fail.
	About string `json:"about"`

	// Why the case cannot cross a connection with every client; empty for most.
	FileOnly string `json:"fileOnly,omitempty"`

	Call   Call   `json:"call"`
	Report Report `json:"report"`
}

// Call is what a gRPC library hands to a reader once the call has ended.
type Call struct {
	Code    uint32 `json:"code"`
	Message string `json:"message,omitempty"`

	// The value of grpc-status-details-bin, decoded from base64.
	Status []byte `json:"status,omitempty"`

	// Other metadata. Values of keys that end in -bin stand here in base64.
	Headers  map[string]string `json:"headers,omitempty"`
	Trailers map[string]string `json:"trailers,omitempty"`
}

// Report is what a reader must say of a call. What is empty, zero or not said is left out.
type Report struct {
	Code           string            `json:"code"` // as google.rpc.Code spells it
	ErrorCode      string            `json:"errorCode,omitempty"`
	Domain         string            `json:"domain,omitempty"`
	Message        string            `json:"message,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
	Suggestion     string            `json:"suggestion,omitempty"`
	Actions        []Action          `json:"actions,omitempty"`
	ActionRequired bool              `json:"actionRequired,omitempty"`
	Verdict        string            `json:"verdict,omitempty"` // without its prefix, as all names of enums
	Why            string            `json:"why,omitempty"`
	Attempts       uint32            `json:"attempts,omitempty"`
	Outcome        string            `json:"outcome,omitempty"`
	RetryDelayMs   *int64            `json:"retryDelayMs,omitempty"`
	RequestID      string            `json:"requestId,omitempty"`
	Operation      string            `json:"operation,omitempty"`
	Degraded       *Degraded         `json:"degraded,omitempty"`
}

// Action is a recovery action.
type Action struct {
	Type      string `json:"type,omitempty"` // the field of the oneof
	Actor     string `json:"actor,omitempty"`
	Label     string `json:"label,omitempty"`
	ThenRetry bool   `json:"thenRetry,omitempty"`
	Required  bool   `json:"required,omitempty"`

	// The typed part in proto's JSON form, with the names of the proto file. Of a custom action only the type.
	Body json.RawMessage `json:"body,omitempty"`
}

// Degraded is the mark of an answer that is not the real one.
type Degraded struct {
	Kind       string   `json:"kind,omitempty"`
	ErrorCode  string   `json:"errorCode,omitempty"`
	Domain     string   `json:"domain,omitempty"`
	Suggestion string   `json:"suggestion,omitempty"`
	Actions    []Action `json:"actions,omitempty"`
	AgeMs      *int64   `json:"ageMs,omitempty"`
	Source     string   `json:"source,omitempty"`
}

// Load reads the golden files of a folder, in the order of their names.
func Load(folder string) ([]Case, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no golden files in %s", folder)
	}
	slices.Sort(names)
	cases := make([]Case, len(names))
	for i, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(bytes.NewReader(b))
		d.DisallowUnknownFields()
		if err := d.Decode(&cases[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		cases[i].Name = strings.TrimSuffix(filepath.Base(name), ".json")
	}
	return cases, nil
}

// Text is the form in which a golden file stands in the repository.
func (c Case) Text() ([]byte, error) { return text(c) }

func text(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
