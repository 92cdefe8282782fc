package database

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/remote"
)

// defaultTimeout is how long a server may be out of reach.
const defaultTimeout = 30 * time.Second

// attemptTimeout bounds one attempt to connect.
const attemptTimeout = 10 * time.Second

// Client keeps a connection to a server, and does work again on another one
// when it breaks.
type Client struct {
	Server  Server
	Timeout time.Duration // how long the server may be out of reach; 0 is 30 s
	// Fresh prepares a new connection; it may be nil.
	Fresh func(ctx context.Context, s Session) error

	session Session
}

// timeout is the time the server may be out of reach.
func (c *Client) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return defaultTimeout
}

// inputError is an error of the rows that are written, which no connection
// mends.
type inputError struct{ error }

func (e inputError) Unwrap() error { return e.error }

// connectError is an error of opening a connection.
type connectError struct{ error }

func (e connectError) Unwrap() error { return e.error }

// Do runs work on a connection. After passing trouble it is called again, on a
// new connection, so it begins with its transaction; it is given up when the
// timeout has passed since the first attempt failed. what names the work for the error.
// Any error closes the connection, which takes an open transaction back.
func (c *Client) Do(ctx context.Context, what string, work func(ctx context.Context, s Session) error) error {
	try := func(limit context.Context) (again bool, err error) {
		if err = c.connect(limit); err == nil {
			err = work(ctx, c.session)
		}
		if err == nil {
			return false, nil
		}
		c.Close()
		var in inputError
		return !errors.As(err, &in) && c.Server.Judge(err) == Passing, err
	}
	// Connecting comes first, so that the time of the first attempt at the work
	// counts for nothing.
	err := remote.Retry(ctx, c.timeout(), func(limit context.Context) (bool, error) {
		err := c.connect(limit)
		return err != nil && c.Server.Judge(err) == Passing, err
	})
	if err == nil {
		var again bool
		if again, err = try(ctx); again {
			err = remote.Retry(ctx, c.timeout(), try)
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return c.fail(what, err)
}

// connect opens a connection and prepares it.
func (c *Client) connect(ctx context.Context) error {
	if c.session != nil {
		return nil
	}
	one, stop := context.WithTimeout(ctx, attemptTimeout)
	defer stop()
	s, err := c.Server.Connect(one)
	if err != nil {
		return connectError{err}
	}
	if c.Fresh != nil {
		if err := c.Fresh(one, s); err != nil {
			s.Close()
			return err
		}
	}
	c.session = s
	return nil
}

// Close ends the connection.
func (c *Client) Close() {
	if c.session != nil {
		c.session.Close()
		c.session = nil
	}
}

// fail makes an error of the engine of one of the server.
func (c *Client) fail(what string, err error) error {
	var known *arrowstream.Error
	var data *arrowstream.DataError
	kind := c.Server.Dialect().Kind
	if errors.As(err, &known) || errors.As(err, &data) {
		return err
	}
	e := &arrowstream.Error{Code: "AS3004", Msg: fmt.Sprintf("%s: %s at %s", kind, what, c.Server.Address()), Err: err}
	var gaveUp *remote.GaveUpError
	var connect connectError
	switch {
	case errors.As(err, &gaveUp):
		e.Code, e.Err, e.Hint = "AS3001", gaveUp.Err, gaveUp.Hint()
	case errors.As(err, &connect):
		e.Code = "AS3001"
	case c.Server.Judge(err) == BadValue:
		e.Code = "AS4151"
	}
	return e
}
