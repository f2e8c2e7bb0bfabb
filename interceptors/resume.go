package interceptors

import (
	"errors"

	"github.com/recourse-dev/recourse/status"
	"google.golang.org/protobuf/proto"
)

// Resume lets a client go on with a server stream that broke in the middle. For
// each reply, before the application has it, cursor returns its place in the
// stream; when the stream breaks, from turns a copy of the request into one for
// what follows the reply of that cursor. The server must then send everything
// after it, once and in order. The application notices nothing, except that the
// trailers are those of the last attempt.
//
// A stream is resumed after failures that any call is repeated for: a server that
// says AFTER_ACTION or NEVER means it.
//
// A stream that makes progress may be resumed any number of times: attempts count
// from the last reply, and the budget is charged only for those that bring nothing.
// The method may be repeated, since it has been said how.
func Resume[Req, Res proto.Message, C any](method string, cursor func(reply Res) C, from func(req Req, last C) Req) DialOption {
	md := mustDescribe(method)
	switch {
	case md.IsStreamingClient() || !md.IsStreamingServer():
		misuse("Resume(%q): only a method with one request and a stream of replies can be resumed", method)
	case nameOf[Req]() != md.Input().FullName() || nameOf[Res]() != md.Output().FullName():
		misuse("Resume(%q): the functions are for %s and %s, the method has %s and %s",
			method, nameOf[Req](), nameOf[Res](), md.Input().FullName(), md.Output().FullName())
	}
	r := &resumption{start: func() progress { return &place[Req, Res, C]{cursor: cursor, from: from} }}
	return dialOption(func(c *client) {
		if c.resumes == nil {
			c.resumes = map[string]*resumption{}
		}
		c.resumes[method] = r
	})
}

// resumption is what Resume knows of a method.
type resumption struct{ start func() progress }

// progress is how far one stream has come.
type progress interface {
	reached(reply any)
	rest(req any) (any, error)
}

type place[Req, Res proto.Message, C any] struct {
	cursor func(Res) C
	from   func(Req, C) Req
	last   C
	lost   error // the last reply's place is not known
}

var errNoPlace = errors.New("the stream cannot be resumed: its place is not known")

func (p *place[Req, Res, C]) reached(reply any) {
	p.lost = errNoPlace
	defer recovered(&p.lost)
	if r, ok := reply.(Res); ok {
		p.last = p.cursor(r)
		p.lost = nil
	}
}

func (p *place[Req, Res, C]) rest(req any) (next any, err error) {
	if p.lost != nil {
		return nil, p.lost
	}
	r, ok := req.(Req)
	if !ok {
		return nil, errNoPlace
	}
	defer recovered(&err)
	made := p.from(proto.CloneOf(r), p.last)
	if isNothing(made) {
		return nil, status.Classify(errNoPlace)
	}
	return made, nil
}
