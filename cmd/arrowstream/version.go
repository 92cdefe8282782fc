package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// versionInfo is what `version --json` prints.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	CPU      string `json:"cpu"`
	SIMD     string `json:"simd"` // the level of the vector kernels in use
	Arrow    string `json:"arrow"`
}

func newVersion(stdio arrowstream.Stdio) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, the platform and the processor",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			v := readVersion()
			if asJSON {
				return json.NewEncoder(stdio.Out).Encode(v)
			}
			_, err := fmt.Fprintf(stdio.Out, "arrowstream %s (%s, %s, arrow %s)\ncpu %s, vector kernels %s\n", v.Version, v.Go, v.Platform, v.Arrow, v.CPU, v.SIMD)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func readVersion() versionInfo {
	v := versionInfo{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, CPU: cpuid.CPU.BrandName, SIMD: simd.Active().String()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	for _, d := range info.Deps {
		if d.Path == "github.com/apache/arrow/go/v17" {
			v.Arrow = d.Version
		}
	}
	return v
}
