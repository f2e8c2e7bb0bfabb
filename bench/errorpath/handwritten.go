package errorpath

import (
	"encoding/base64"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// wireError is the floor: the bytes of the google.rpc.Status and nothing else. A
// server would send them as a trailer, and could not read them itself.
type wireError struct{ status []byte }

func (*wireError) Error() string { return message }

func encodeHandwritten(err error) string {
	return base64.RawStdEncoding.EncodeToString(err.(*wireError).status)
}

// handwritten assembles the bytes of each error anew, in one array whose size is
// known.
func handwritten(n int) func() error {
	size := len(appendStatus(nil, n, newID()))
	return func() error {
		return &wireError{appendStatus(make([]byte, 0, size), n, newID())}
	}
}

func appendStatus(b []byte, n int, id string) []byte {
	b = protowire.AppendTag(b, 1, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(code))
	b = appendText(b, 2, message)
	for i, d := range details[:n] {
		value := d.size
		if i == 0 {
			value += sizeText(idKey) + sizeText(id)
		}
		b = appendOpen(b, 3, sizeText(d.url)+1+protowire.SizeBytes(value))
		b = appendText(b, 1, d.url)
		b = appendOpen(b, 2, value)
		b = d.append(b, id)
	}
	return b
}

// details know their sizes, so that nothing is moved once it is written. That of
// the ErrorInfo lacks the entry with the id.
var details = [...]struct {
	url    string
	size   int
	append func(b []byte, id string) []byte
}{
	{prefix + "google.rpc.ErrorInfo", sizeText(reason) + sizeText(domain) + 2, func(b []byte, id string) []byte {
		b = appendText(b, 1, reason)
		b = appendText(b, 2, domain)
		b = appendOpen(b, 3, sizeText(idKey)+sizeText(id))
		b = appendText(b, 1, idKey)
		return appendText(b, 2, id)
	}},
	{prefix + "google.rpc.RetryInfo", 4, func(b []byte, _ string) []byte {
		b = appendOpen(b, 1, 2)
		b = protowire.AppendTag(b, 1, protowire.VarintType)
		return protowire.AppendVarint(b, uint64(delay/time.Second))
	}},
	{prefix + "google.rpc.LocalizedMessage", sizeText(locale) + sizeText(text), func(b []byte, _ string) []byte {
		return appendText(appendText(b, 1, locale), 2, text)
	}},
	{prefix + "google.rpc.Help", 2 + sizeText(linkText) + sizeText(link), func(b []byte, _ string) []byte {
		b = appendOpen(b, 1, sizeText(linkText)+sizeText(link))
		return appendText(appendText(b, 1, linkText), 2, link)
	}},
	{prefix + "google.rpc.BadRequest", sizeViolation(field1, reason1, text1) + sizeViolation(field2, reason2, text2),
		func(b []byte, _ string) []byte {
			return appendViolation(appendViolation(b, field1, reason1, text1), field2, reason2, text2)
		}},
}

const prefix = "type.googleapis.com/"

func appendOpen(b []byte, field protowire.Number, size int) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(size))
}

func appendText(b []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendViolation(b []byte, field, reason, text string) []byte {
	b = appendOpen(b, 1, sizeText(field)+sizeText(text)+sizeText(reason))
	return appendText(appendText(appendText(b, 1, field), 2, text), 3, reason)
}

func sizeViolation(field, reason, text string) int {
	return 1 + protowire.SizeBytes(sizeText(field)+sizeText(text)+sizeText(reason))
}

func sizeText(s string) int { return 1 + protowire.SizeBytes(len(s)) }

// appendDetail appends m as a detail of a google.rpc.Status.
func appendDetail(b []byte, m proto.Message) []byte {
	value, err := proto.Marshal(m)
	if err != nil {
		return b
	}
	url := prefix + string(m.ProtoReflect().Descriptor().FullName())
	b = appendOpen(b, 3, sizeText(url)+1+protowire.SizeBytes(len(value)))
	b = appendText(b, 1, url)
	return protowire.AppendBytes(protowire.AppendTag(b, 2, protowire.BytesType), value)
}
