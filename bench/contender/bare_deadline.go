package contender

var _ = add(Contender{
	Name: DeadlineName, About: "gRPC by itself, each call with a deadline of its caller", Kind: Bare,
	CallerDeadline: true, Bounds: true, BoundsStreams: true, OutsideChain: true,
	New: installed(nil),
})
