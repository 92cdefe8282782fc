package state

import "runtime/debug"

// engine names the program that writes to a store.
func engine() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "arrowstream " + info.Main.Version
	}
	return "arrowstream (devel)"
}
