package main

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode"

	assistantv1 "github.com/recourse-dev/recourse/gen/go/assistant/v1"
)

// enough is how sure the classifier has to be before anybody acts on it.
const enough = 0.5

// intents are the words that speak for each intent. A word that speaks for several counts less for each of them.
var intents = map[string][]string{
	"weather":      words("weather forecast rain sun sunny snow storm wind cloud temperature degree umbrella cold warm hot tomorrow"),
	"order_status": words("order parcel package delivery deliver arrive arrived ship shipped track tracking"),
	"refund":       words("refund return money back broken damaged wrong cancel complaint reimburse"),
	"book_flight":  words("book flight fly plane ticket airport seat travel trip tomorrow"),
	"greeting":     words("hello hi hey greetings morning evening thanks thank"),
}

// weights is what each word is worth: 1, shared among the intents that it speaks for.
var weights = func() map[string]float64 {
	shared := map[string]float64{}
	for _, ws := range intents {
		for _, w := range ws {
			shared[w]++
		}
	}
	for w, n := range shared {
		shared[w] = 1 / n
	}
	return shared
}()

// doubt keeps a single word from being taken for certainty.
const doubt = 0.4

// classify finds the intents that the words of a query speak for, the most likely first. Without any it is "none".
func classify(query string) *assistantv1.ClassifyIntentResponse {
	said := words(strings.ToLower(query))
	slices.Sort(said)
	said = slices.Compact(said)

	var readings []*assistantv1.ClassifyIntentResponse_Alternative
	total := doubt
	for intent, known := range intents {
		score := 0.0
		for _, w := range said {
			if slices.Contains(known, w) {
				score += weights[w]
			}
		}
		if score > 0 {
			total += score
			readings = append(readings, &assistantv1.ClassifyIntentResponse_Alternative{Intent: intent, Confidence: score})
		}
	}
	if len(readings) == 0 {
		return &assistantv1.ClassifyIntentResponse{Intent: "none"}
	}
	for _, r := range readings {
		r.Confidence = math.Round(r.Confidence/total*100) / 100
	}
	slices.SortFunc(readings, func(a, b *assistantv1.ClassifyIntentResponse_Alternative) int {
		return cmp.Or(cmp.Compare(b.GetConfidence(), a.GetConfidence()), strings.Compare(a.GetIntent(), b.GetIntent()))
	})
	best := readings[0]
	return &assistantv1.ClassifyIntentResponse{Intent: best.GetIntent(), Confidence: best.GetConfidence(), Alternatives: readings[1:]}
}

// words cuts a text into words without their plural.
func words(text string) []string {
	ws := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
	for i, w := range ws {
		if len(w) > 3 && !strings.HasSuffix(w, "ss") {
			ws[i] = strings.TrimSuffix(w, "s")
		}
	}
	return ws
}
