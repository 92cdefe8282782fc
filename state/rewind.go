package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// Rewind makes an earlier commit of a store, whose job is not at work, the last
// one: the job goes on from there. Later commits are forgotten with one step, the
// name of a new segment of the log, so a crash leaves the old end or the new one;
// their files are removed after it.
//
// What sinks have made visible since stays where it is, and rows that are computed
// again have the numbers of epochs that are there: the next start refuses them.
// So a commit behind which a sink has published anything is refused, unless force
// says that the output was, or will be, dealt with.
func (d Dir) Rewind(ctx context.Context, to arrowstream.Epoch, force bool) (from arrowstream.Epoch, err error) {
	d = d.withDefaults()
	err = d.locked(func(m *manifest) error {
		r, err := d.readLog(m, nil)
		if err != nil {
			return err
		}
		from = r.lastEpoch()
		if to == from {
			return nil
		}
		target := r.find(to)
		if target == nil || target.Partial {
			return fmt.Errorf("state: %s has no commit of epoch %d; it has those of epochs %s", d.Path, to, r.epochs())
		}
		i := slices.Index(r.commits, target)
		if sinks := published(r.commits[i+1:]); len(sinks) > 0 && !force {
			return &arrowstream.Error{
				Code: "AS5009", Msg: fmt.Sprintf("state: behind epoch %d of %s rows were published by %s", to, d.Path, strings.Join(sinks, ", ")),
				Hint: "they stay there, and the job would write them again: go on in another place, or remove them and add --force",
			}
		}
		for _, p := range slices.Concat(m.Stages, m.Sources, m.Sinks) {
			if p.Since > to {
				return fmt.Errorf("state: %s %s came to the job of %s after epoch %d: it cannot go back before", p.Kind, p.UID, d.Path, p.Since)
			}
		}
		r.commits, r.plans = r.commits[:i+1], nil
		if err := d.store().present(&r.index, d.at(r.name), m); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		incarnation, err := readIncarnation(d.FS, d.Path)
		if err != nil {
			return err
		}
		incarnation = max(incarnation, r.incarnation) + 1
		if err := writeIncarnation(d.FS, d.Path, incarnation); err != nil {
			return err
		}
		log := &segmentLog{dir: d, manifest: m, incarnation: incarnation, rewound: incarnation}
		if err := log.begin(r.number+1, &r.index); err != nil {
			return err
		}
		l := &epochLog{store: d.store(), frames: log, folder: &d, manifest: m, incarnation: incarnation, index: r.index}
		return errors.Join(d.sweep(l, segmentFile(log.number, incarnation)), log.log.Close())
	})
	return from, err
}

// published are the sinks that have published one of the commits.
func published(commits []*entry) (sinks []string) {
	for _, n := range commits {
		for uid := range n.Sinks {
			if !n.unpublished[uid] && !slices.Contains(sinks, uid) {
				sinks = append(sinks, uid)
			}
		}
	}
	slices.Sort(sinks)
	return sinks
}

// epochs lists the epochs to which an index can go back, for messages.
func (x *index) epochs() string {
	var names []string
	for _, n := range x.commits {
		if !n.Partial {
			names = append(names, fmt.Sprint(n.epoch))
		}
	}
	return strings.Join(names, ", ")
}
