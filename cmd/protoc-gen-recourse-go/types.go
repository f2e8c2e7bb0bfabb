package main

import (
	"github.com/recourse-dev/recourse/catalog"
	"google.golang.org/protobuf/compiler/protogen"
)

// Values travel as text, as protobuf's JSON writes them.

func typeOf(out *protogen.GeneratedFile, p catalog.Param) string {
	switch p.Type {
	case "INT64":
		return "int64"
	case "BOOL":
		return "bool"
	case "DOUBLE":
		return "float64"
	case "DURATION":
		return out.QualifiedGoIdent(timePackage.Ident("Duration"))
	case "TIMESTAMP":
		return out.QualifiedGoIdent(timePackage.Ident("Time"))
	}
	return "string"
}

func format(out *protogen.GeneratedFile, p catalog.Param, value string) string {
	strconv := func(f string) string { return out.QualifiedGoIdent(strconvPackage.Ident(f)) }
	switch p.Type {
	case "INT64":
		return strconv("FormatInt") + "(" + value + ", 10)"
	case "BOOL":
		return strconv("FormatBool") + "(" + value + ")"
	case "DOUBLE":
		return strconv("FormatFloat") + "(" + value + ", 'g', -1, 64)"
	case "DURATION":
		return out.QualifiedGoIdent(templatePackage.Ident("Duration")) + "(" + value + ")"
	case "TIMESTAMP":
		return out.QualifiedGoIdent(templatePackage.Ident("Timestamp")) + "(" + value + ")"
	}
	return value
}

// parse is what reads the text s.
func parse(out *protogen.GeneratedFile, p catalog.Param) string {
	strconv := func(f string) string { return out.QualifiedGoIdent(strconvPackage.Ident(f)) }
	switch p.Type {
	case "INT64":
		return strconv("ParseInt") + "(s, 10, 64)"
	case "BOOL":
		return strconv("ParseBool") + "(s)"
	case "DOUBLE":
		return strconv("ParseFloat") + "(s, 64)"
	case "DURATION":
		return out.QualifiedGoIdent(timePackage.Ident("ParseDuration")) + "(s)"
	default: // TIMESTAMP
		return out.QualifiedGoIdent(timePackage.Ident("Parse")) + "(" + out.QualifiedGoIdent(timePackage.Ident("RFC3339Nano")) + ", s)"
	}
}
