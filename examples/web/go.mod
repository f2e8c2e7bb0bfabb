module github.com/recourse-dev/recourse/examples/web

go 1.26.0

replace (
	github.com/recourse-dev/recourse => ../..
	github.com/recourse-dev/recourse/gateway => ../../gateway
)

require (
	connectrpc.com/connect v1.21.1
	github.com/recourse-dev/recourse v0.0.0
	github.com/recourse-dev/recourse/gateway v0.0.0
	google.golang.org/grpc v1.85.0
)

require (
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/net v0.61.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20261005182115-fad411399dd8 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
