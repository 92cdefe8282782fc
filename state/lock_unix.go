//go:build unix && !solaris && !aix

package state

import (
	"errors"
	"os"
	"syscall"
)

// Lock implements [FS] by flock(2), which the kernel undoes when the process ends.
func (s OS) Lock(name string) (File, error) {
	f, err := s.Access.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err != syscall.EINTR {
			break
		}
	}
	if err == syscall.EWOULDBLOCK {
		err = ErrLocked
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
