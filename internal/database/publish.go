package database

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/failpoint"
)

// Claim implements arrowstream.Publisher: the row of the sink in the table of
// epochs gets the incarnation, and keeps its epoch, which must be one that the
// state has.
func (w *Writer) Claim(ctx context.Context, p arrowstream.Publication) error {
	w.epochs, w.sink = true, p
	d, incarnation := w.client.Server.Dialect(), int64(p.Incarnation)
	return w.client.Do(ctx, "claim table "+w.Table, func(ctx context.Context, s Session) error {
		if _, _, err := s.Run(ctx, "BEGIN"); err != nil {
			return err
		}
		_, _, err := s.Run(ctx, fmt.Sprintf("UPDATE %s SET incarnation = %s WHERE job = %s AND sink = %s AND incarnation < %s",
			w.epochsTable(), d.Arg(1), d.Arg(2), d.Arg(3), d.Arg(4)),
			incarnation, p.Job, sinkName(p.Sink), incarnation)
		if err != nil {
			return err
		}
		epoch, err := w.newest(ctx, s, p)
		if err == nil && epoch > p.Epoch {
			err = arrowstream.Ahead(fmt.Sprintf("%s: table %s", d.Kind, w.Table), epoch, p.Epoch)
		}
		if err != nil {
			return err
		}
		return w.commit(ctx, s)
	})
}

// Publish implements arrowstream.Publisher: the rows of an epoch and its row in
// the table of epochs become visible together, once.
func (w *Writer) Publish(ctx context.Context, p arrowstream.Publication) error {
	w.epochs, w.sink = true, p
	return w.client.Do(ctx, fmt.Sprintf("publish epoch %d in table %s", p.Epoch, w.Table), func(ctx context.Context, s Session) error {
		if _, _, err := s.Run(ctx, "BEGIN"); err != nil {
			return err
		}
		mine, err := w.advance(ctx, s, p)
		if err != nil {
			return err
		}
		if !mine {
			_, _, err := s.Run(ctx, "ROLLBACK")
			return err
		}
		if p.Count > 0 {
			if err := w.store(ctx, s, p.Rows); err != nil {
				return err
			}
		}
		failpoint.Hit(failpoint.PublishMiddle)
		return w.commit(ctx, s)
	})
}

// commit ends a transaction. An answer that does not come is as good as a
// broken connection: what happened is found out by the next attempt.
func (w *Writer) commit(ctx context.Context, s Session) error {
	ctx, stop := context.WithTimeout(ctx, w.client.timeout())
	defer stop()
	_, _, err := s.Run(ctx, "COMMIT")
	return err
}

// advance takes the lock of the sink's row and says whether the epoch is still
// to be applied. It is the first statement of the transaction, so whoever else
// is at work on the same row has ended when it returns.
func (w *Writer) advance(ctx context.Context, s Session, p arrowstream.Publication) (bool, error) {
	d := w.client.Server.Dialect()
	epoch, incarnation := int64(p.Epoch), int64(p.Incarnation)
	_, changed, err := s.Run(ctx, fmt.Sprintf("UPDATE %s SET epoch = %s, incarnation = %s WHERE job = %s AND sink = %s AND epoch < %s AND incarnation <= %s",
		w.epochsTable(), d.Arg(1), d.Arg(2), d.Arg(3), d.Arg(4), d.Arg(5), d.Arg(6)),
		epoch, incarnation, p.Job, sinkName(p.Sink), epoch, incarnation)
	if err != nil || changed == 1 {
		return changed == 1, err
	}
	_, err = w.newest(ctx, s, p)
	return false, err
}

// newest is the epoch in the row of the sink, ErrFenced if that has a later
// incarnation than p.
func (w *Writer) newest(ctx context.Context, s Session, p arrowstream.Publication) (arrowstream.Epoch, error) {
	d := w.client.Server.Dialect()
	row, _, err := s.Run(ctx, fmt.Sprintf("SELECT epoch, incarnation FROM %s WHERE job = %s AND sink = %s FOR UPDATE",
		w.epochsTable(), d.Arg(1), d.Arg(2)), p.Job, sinkName(p.Sink))
	if err != nil {
		return 0, err
	}
	if row == nil {
		return 0, fmt.Errorf("the row of the sink has vanished from table %s", w.epochsTable())
	}
	if newest, err := strconv.ParseInt(row[1], 10, 64); err != nil || newest > int64(p.Incarnation) {
		return 0, fmt.Errorf("%s: table %s: incarnation %s is at work, this is %d: %w", d.Kind, w.Table, row[1], p.Incarnation, arrowstream.ErrFenced)
	}
	epoch, err := strconv.ParseUint(row[0], 10, 64)
	return arrowstream.Epoch(epoch), err
}

func (w *Writer) epochsTable() string {
	return w.client.Server.Dialect().Table(sibling(w.Table, EpochsTable))
}

// sinkName is the name of a sink in the table of epochs; long ones are cut and
// told apart by their hash.
func sinkName(uid string) string {
	if len(uid) <= 200 {
		return uid
	}
	sum := sha256.Sum256([]byte(uid))
	return hex.EncodeToString(sum[:])
}

// openEpochs makes the table of epochs and the row of the sink if they are
// missing.
func (w *Writer) openEpochs(ctx context.Context, s Session) error {
	d, name := w.client.Server.Dialect(), sibling(w.Table, EpochsTable)
	there, err := s.Table(ctx, name)
	if err != nil {
		return err
	}
	if there == nil {
		_, _, err := s.Run(ctx, fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (job %s NOT NULL, sink %s NOT NULL, epoch BIGINT NOT NULL, incarnation BIGINT NOT NULL, PRIMARY KEY (job, sink))%s",
			d.Table(name), d.EpochText, d.EpochText, d.Options))
		if err != nil {
			return err
		}
	}
	// Looking first takes no lock, so an older attempt that is still at work does
	// not hold up the connection.
	row, _, err := s.Run(ctx, fmt.Sprintf("SELECT epoch FROM %s WHERE job = %s AND sink = %s", d.Table(name), d.Arg(1), d.Arg(2)), w.sink.Job, sinkName(w.sink.Sink))
	if err != nil || row != nil {
		return err
	}
	_, _, err = s.Run(ctx, fmt.Sprintf("INSERT INTO %s (job, sink, epoch, incarnation) VALUES (%s, %s, 0, 0)%s",
		d.Table(name), d.Arg(1), d.Arg(2), d.Unless([]string{"job", "sink"})), w.sink.Job, sinkName(w.sink.Sink))
	return err
}
