package mlkernels

import (
	"fmt"
	"slices"

	"github.com/arrowstream/arrowstream"
)

// WarmStart returns a model described by spec that starts from what the model
// file spec.WarmStart holds: weights, classes, categories, the position of
// schedules. Options that do not change what the state consists of, such as
// step sizes, may differ from those of the file.
func WarmStart(access *arrowstream.Access, spec Spec) (*Model, error) {
	from, err := Load(access, spec.WarmStart)
	if err != nil {
		return nil, err
	}
	if spec.Label == "" {
		spec.Label = from.spec.Label
	}
	if len(spec.Features) == 0 {
		spec.Features = from.spec.Features
	}
	m, err := NewModel(spec)
	if err != nil {
		return nil, err
	}
	a, b := &m.spec, &from.spec
	for _, c := range []struct {
		what string
		same bool
	}{
		{"model_type", a.Type == b.Type},
		{"input_label_cols", a.Label == b.Label},
		{"features", slices.Equal(a.Features, b.Features)},
		{"classes", len(a.Classes) == 0 || slices.Equal(a.Classes, b.Classes)},
		{"category_encoding", a.Encoding == b.Encoding},
		{"hash_buckets", a.Encoding != "hash" || a.HashBuckets == b.HashBuckets && a.Seed == b.Seed},
		{"max_categories", a.Encoding == "hash" || a.MaxCategories == b.MaxCategories},
	} {
		if !c.same {
			return nil, &arrowstream.Error{Code: "AS7018", Msg: fmt.Sprintf("option %q differs from that of the model %q", c.what, spec.WarmStart), Hint: "start without warm_start_from, or leave the option as it was"}
		}
	}
	m.labels, m.enc = from.labels, from.enc
	if m.labels != nil {
		m.labels.skip = m.spec.UnknownClass == "skip"
	}
	m.enc.policy = m.spec.Policy
	m.enc.layout()
	if !from.bound {
		return m, nil
	}
	state, err := from.learner.MarshalBinary()
	if err != nil {
		return nil, err
	}
	if err := m.bindLearner(); err != nil {
		return nil, err
	}
	if err := m.learner.UnmarshalBinary(state); err != nil {
		return nil, &arrowstream.Error{Code: "AS7018", Msg: fmt.Sprintf("the options do not go with the state in the model %q", spec.WarmStart), Hint: "keep update_mode, average, l1_reg, standardize_features and num_clusters as they were", Err: err}
	}
	return m, nil
}
