# Everything a developer or CI does with this repository. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Tools are modules of their own, so that the library's users never see them.
BUF ?= go tool -modfile=tools/buf/go.mod buf
STATICCHECK ?= go tool -modfile=tools/lint/go.mod staticcheck

FUZZTIME ?= 30s

# What needs more than the library does: modules of their own, on the library as it is here.
MODULES := bench telemetry/sdktest examples/observability examples/web tools/vet gateway conformance/proxies

# What has a target of its own, since it needs other programs.
APART := conformance/proxies

# The last published form of recourse.v1, as text. `make breaking` compares with it.
IMAGE := proto/recourse.v1.image.txtpb

# The errors that the example declared at its last release, beside their proto files: `make breaking` compares with them.
# The document in docs/errors is always that of now.
CATALOG := proto/assistant/catalog.json

# What is written by hand, untracked files included and deleted ones not.
GO_FILES = $(filter-out gen/% $(GUIDE)/gen/%,$(wildcard $(shell git ls-files -co --exclude-standard -- '*.go')))
LIBRARY_FILES = $(filter-out %_test.go internal/rpctest/% interceptors/misuse.go, \
	$(filter status/% interceptors/% policy/% async/% internal/%,$(GO_FILES)))

# What these errors say in other languages.
TRANSLATIONS := examples/server/texts/*.json

# The catalogue of the example, as people read it.
ERRORS_DOCS := docs/errors

# The example of docs/catalogue.md, which generates its code as a newcomer does.
GUIDE := examples/catalogue

# An open parenthesis on its own would confuse make.
PAREN := (

# modules(command) runs it in each of the modules, or of those in a second argument.
define modules
@for module in $(or $(2),$(MODULES)); do (set -x; cd "$$module"; $(1)); done
endef

# forbid(pattern, files, why) fails where a line outside a comment matches.
define forbid
if grep -nE '$(1)' /dev/null $(2) | grep -vE '^[^:]+:[0-9]+:[[:space:]]*//'; then echo '$(3)' >&2; exit 1; fi
endef

.PHONY: all
all: generate-go lint test plugin ## Generate Go, lint and test (the default)

# The race detector needs a C compiler; without one the go command turns cgo off.
.PHONY: test
test: ## Vet, and run all tests, with the race detector too where there is a C compiler
	go vet ./...
	go test ./...
	$(call modules,go vet ./...; go test ./...,$(filter-out $(APART),$(MODULES)))
	@# The go command remembers results, and does not look at files outside of a module.
	go -C examples/observability test -count=1 -run 'Document|Dashboard|Alerts' .
	go -C tools/vet test -count=1 -run Help .
	@if [ "$$(go env CGO_ENABLED)" = 1 ]; then $(MAKE) race; \
	else echo 'no C compiler found: the tests ran without the race detector'; fi

.PHONY: race
race: ## Run all tests with the race detector
	go test -race ./...
	$(call modules,go test -race ./...,$(filter-out bench tools/vet $(APART),$(MODULES)))

.PHONY: browser-test
browser-test: ## Open the pages of the errors in Chromium; SCREENSHOTS=folder leaves pictures
	@catalog/docs/browsertest/run.sh

.PHONY: web
web: ## Serve the page of examples/web to people, and all that is behind it, until it is interrupted
	@examples/web/start.sh

.PHONY: web-test
web-test: ## Open that page in Chromium; SCREENSHOTS=folder leaves pictures
	@examples/web/run.sh

.PHONY: proxies
proxies: ## Send errors through nginx and HAProxy
	@conformance/proxies/run.sh

# Apart from the other tests: they build buf, and install a protoc.
.PHONY: plugin
plugin: ## Test the plugins, through buf and protoc
	go -C tools/buf-plugin-recourse vet ./...
	go -C tools/buf-plugin-recourse test ./...
	go -C tools/protoc vet ./...
	go -C tools/protoc test -count=1 ./... # what it runs are files outside of its module

.PHONY: guide
guide: ## Do what docs/catalogue.md says, with buf, protoc and grpcurl: some minutes the first time
	go -C tools/guide vet ./...
	go -C tools/guide test -count=1 ./... # what it runs are files outside of its module

.PHONY: scenarios
scenarios: ## Show what an overload does to us and to others: about a minute
	go -C bench run ./cmd/overload
	go -C bench run ./cmd/fleet

.PHONY: demo
demo: ## Run the example server and client against each other
	@echo "building the demo; the first time takes a while"
	@go run ./examples/demo

.PHONY: observability
observability: ## Show traces, logs and metrics of calls, and serve the metrics for half a minute
	go -C examples/observability run . -for 30s

.PHONY: polyglot
polyglot: ## Hold the readers of all languages to the golden errors, and their clients to what servers say
	go run ./conformance/polyglot -check -o docs/polyglot.md

.PHONY: polyglot-docs
polyglot-docs: ## Write docs/polyglot.md from a run of all languages
	go run ./conformance/polyglot -o docs/polyglot.md

.PHONY: generate
generate: generate-go ## Write gen/ anew from proto/, in all languages: gen/README.md says what that needs
	tools/polyglot/generate.sh

.PHONY: generate-go
generate-go: ## Write gen/go anew from proto/, and that of the guide's example; this needs nothing but Go
	$(BUF) generate
	$(GUIDE)/generate.sh

.PHONY: gen-test
gen-test: ## Compile gen/ in the languages beside Go, and let each read an error: about two minutes
	tools/polyglot/check.sh

.PHONY: errors-docs
errors-docs: ## Write the pages of the example's errors anew from proto/
	@set=$$(mktemp -d)/set.binpb; trap 'rm -rf "$${set%/*}"' EXIT; \
	$(BUF) build -o "$$set"; \
	go run ./cmd/recourse docs -o $(ERRORS_DOCS) -translations '$(TRANSLATIONS)' "$$set"

.PHONY: checkgenerate
checkgenerate: ## Fail where gen/, docs/errors or go.mod is not current
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	$(BUF) generate -o "$$dir"; \
	tools/polyglot/generate.sh -o "$$dir/gen"; \
	diff -rq -x README.md "$$dir/gen" gen || { echo 'gen/ is not current: run make generate' >&2; exit 1; }; \
	$(GUIDE)/generate.sh "$$dir/guide"; \
	diff -r "$$dir/guide" $(GUIDE)/gen || { echo '$(GUIDE)/gen is not current: run make generate' >&2; exit 1; }; \
	$(BUF) build -o "$$dir/set.binpb"; \
	go run ./cmd/recourse docs -check -o $(ERRORS_DOCS) -translations '$(TRANSLATIONS)' "$$dir/set.binpb" || { echo 'run make errors-docs' >&2; exit 1; }
	go mod tidy -diff
	$(call modules,go mod tidy -diff)
	$(call modules,go mod tidy -diff,tools/buf-plugin-recourse tools/protoc tools/guide tools/vet/testdata)

.PHONY: lint
lint: ## Check format and style of Go and proto files
	@git rev-parse --git-dir >/dev/null # the files to check are those that git knows
	@files=$$(gofmt -l $(GO_FILES)); \
	if [ -n "$$files" ]; then echo "$$files"; echo 'not formatted: run make fmt' >&2; exit 1; fi
	go vet ./...
	$(STATICCHECK) ./...
	$(call modules,go tool -modfile=$(abspath tools/lint/go.mod) staticcheck ./...)
	$(call modules,go tool -modfile=$(abspath tools/lint/go.mod) staticcheck ./...,tools/buf-plugin-recourse tools/protoc tools/guide)
	go -C tools/vet build -o $(abspath bin)/recourse-vet ./cmd/recourse-vet
	go vet -vettool=$(abspath bin)/recourse-vet ./...
	go -C examples/observability vet -vettool=$(abspath bin)/recourse-vet ./...
	$(BUF) lint
	$(BUF) format -d --exit-code
	$(BUF) build proto -o - | go run ./cmd/recourse lint -warnings -root proto -translations '$(TRANSLATIONS)' -
	@$(call forbid,\btime\.After\$(PAREN),$(GO_FILES),time.After leaks its timer in a loop: use time.NewTimer)
	@$(call forbid,\binterface\{\},$(GO_FILES),say any)
	@$(call forbid,\bpanic\$(PAREN),$(LIBRARY_FILES),a library returns errors)

.PHONY: fmt
fmt: ## Format Go and proto files
	gofmt -w $(GO_FILES)
	$(BUF) format -w

.PHONY: breaking
breaking: ## Fail where recourse.v1 breaks its published form, or a declared error what clients rely on
	$(BUF) breaking --against $(IMAGE)
	@test -f $(CATALOG) || { echo '$(CATALOG) is missing, so nothing can be compared with it' >&2; exit 1; }
	$(BUF) build proto -o - | go run ./cmd/recourse breaking -against $(CATALOG) -root proto -translations '$(TRANSLATIONS)' -

.PHONY: image
image: ## Publish recourse.v1, and the errors of the example, as they are now: from here on they may only grow
	$(BUF) build --path proto/recourse --exclude-source-info -o $(IMAGE)
	$(BUF) build proto -o - | go run ./cmd/recourse docs -format json -o $(dir $(CATALOG)) -translations '$(TRANSLATIONS)' -

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s)
	@for module in . $(MODULES); do \
		for package in $$(go -C "$$module" list ./...); do \
			tests=$$(go -C "$$module" test -list '^Fuzz' "$$package"); \
			for target in $$(grep '^Fuzz' <<<"$$tests" || true); do \
				echo "$$package $$target"; \
				go -C "$$module" test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package"; \
			done; \
		done; \
	done

.PHONY: microbench
microbench: ## Run the benchmarks of go test
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: bench
bench: ## Compare with others, and write docs/performance.md: about a quarter of an hour
	go -C bench run ./cmd/compare -o ../docs/performance.md

.PHONY: bench-quick
bench-quick: ## Print what is promised and where others cost less, from fewer rounds: under two minutes
	go -C bench run ./cmd/compare -rounds 6 -slice 20ms -scenarios=false -brief

.PHONY: bench-check
bench-check: ## Fail where a cost is outside of its gate, or nobody has said why others cost less: about five minutes
	go -C bench run ./cmd/compare -rounds 12 -slice 40ms -scenarios=false -brief -check

# Client and server together: of grpc-go's part nothing can be saved here, so ours is shown by itself too.
PROFILED := -show 'recourse/(interceptors|status|policy|internal)' -ignore 'grpc[.](invoke|newClientStream)$$|_Handler[.]func1'

.PHONY: profile
profile: ## Profile calls that succeed and calls that fail, and print what is on top
	go -C bench run ./cmd/profile -o profiles
	@cd bench/profiles; top() { go tool pprof -top "$$@" 2>pprof.log | sed 1,4d || { cat pprof.log >&2; return 1; }; }; \
	for call in success failure; do \
		printf '\n== %s: CPU time, all and ours\n' "$$call"; \
		top -nodecount 30 "$$call.cpu"; \
		top -nodecount 20 -cum $(PROFILED) "$$call.cpu"; \
		printf '\n== %s: allocations, all and ours\n' "$$call"; \
		top -nodecount 30 -sample_index alloc_objects -base "$$call.base" "$$call.allocs"; \
		top -nodecount 20 -sample_index alloc_objects $(PROFILED) -base "$$call.base" "$$call.allocs"; \
	done

.PHONY: stress
stress: ## Run the tests of the engine 50 times with the race detector
	go test -race -count=50 ./interceptors/... ./async ./internal/...

.PHONY: api
api: ## Accept the exported API as it is now into api.txt
	go test . -run '^TestAPI$$' -update

.PHONY: tidy
tidy: ## Tidy the modules
	go mod tidy
	for module in $(dir $(wildcard tools/*/go.mod)) tools/vet/testdata $(filter-out tools/%,$(MODULES)); do go -C "$$module" mod tidy; done

.PHONY: clean
clean: ## Remove what was built here
	rm -rf bin
	rm -rf bench/profiles catalog/docs/browsertest/node_modules
	rm -rf {clients,examples}/*/{build,dist,node_modules,target,.venv} clients/java/errors/target {clients,examples}/typescript/gen examples/web/gen
	rm -f clients/ruby/*.gem ./*.test ./*.out ./*.prof

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 16
