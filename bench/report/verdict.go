package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/recourse-dev/recourse/bench/harness"
)

// Verdict says how a number stands to its limits.
type Verdict uint8

// In the order of getting worse.
const (
	AtTarget Verdict = iota
	InsideGate
	Unclear    // the interval has ends on both sides of the gate
	OverTarget // where there is no gate
	Outside
)

func (v Verdict) String() string {
	return [...]string{"at target", "inside gate", "unclear", "over target", "OUTSIDE"}[v]
}

// judge goes by the number as it is written for the target, and by its interval for the
// gate: nothing is refused, and nothing praised, for what may be noise.
func (r Row) judge(e harness.Estimate) Verdict {
	value, best, worst := r.Unit.round(e.Value), r.Unit.round(e.Lo), r.Unit.round(e.Hi)
	target, gate := r.Target, r.Gate
	if r.AtLeast {
		value, best, worst, target, gate = -value, -worst, -best, -target, -gate
	}
	gated := r.Gate != None
	switch {
	case gated && best > gate:
		return Outside
	case gated && worst > gate:
		return Unclear
	case value <= target:
		return AtTarget
	case gated:
		return InsideGate
	}
	return OverTarget
}

func (u Unit) round(v float64) float64 {
	if u == Times {
		return math.Round(v*100) / 100
	}
	if u == Nanoseconds && math.Abs(v) < 100 {
		return math.Round(v*10) / 10
	}
	return math.Round(v)
}

// text writes a number as exactly as it is known.
func (u Unit) text(v float64) string {
	switch v = u.round(v) + 0; { // not -0
	case u == Times:
		return fmt.Sprintf("%.2f", v)
	case u == Bytes:
		return fmt.Sprintf("%.0f B", v)
	case u == Nanoseconds && math.Abs(v) < 100:
		return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " ns"
	case u == Nanoseconds:
		return fmt.Sprintf("%.0f ns", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// spread writes a number with its interval, if it has one.
func (u Unit) spread(e harness.Estimate) string {
	if e.Lo == e.Hi {
		return u.text(e.Value)
	}
	bare := func(v float64) string { return strings.TrimSuffix(strings.TrimSuffix(u.text(v), " ns"), " B") }
	return fmt.Sprintf("%s (%s…%s)", u.text(e.Value), bare(e.Lo), bare(e.Hi))
}

// limit writes a target or a gate.
func (r Row) limit(v float64) string {
	switch {
	case v == None:
		return "–"
	case r.AtLeast:
		return "≥ " + r.Unit.text(v)
	}
	return "≤ " + r.Unit.text(v)
}
