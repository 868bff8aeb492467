// The Pulumi command line, pinned: `go build` here takes these versions and checks them against go.sum. docs/pulumi-cli.md says how to raise the pin.
module bulkhead.local/pulumi-cli

go 1.25.11

require github.com/pulumi/pulumi/pkg/v3 v3.259.0

// As Pulumi's own builds do: replacements in a dependency's go.mod do not count here.
replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
