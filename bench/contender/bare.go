package contender

var _ = add(Contender{
	Name: BareName, About: "gRPC by itself", Kind: Bare, OutsideChain: true,
	New: installed(nil),
})
