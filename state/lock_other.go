//go:build !unix || solaris || aix

package state

import "errors"

// Lock implements [FS].
func (OS) Lock(string) (File, error) {
	return nil, errors.New("state folders need flock, which this system does not have")
}
