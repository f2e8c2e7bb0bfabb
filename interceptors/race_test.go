//go:build race

package interceptors_test

const raceDetector = true
