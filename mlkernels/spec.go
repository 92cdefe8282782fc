package mlkernels

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/arrowstream/arrowstream"
)

// Spec describes a model: what CREATE MODEL ... OPTIONS (...) says. The zero
// value of every field is its default.
type Spec struct {
	// Type is the model type: LINEAR_REG, LOGISTIC_REG, LINEAR_SVM, PERCEPTRON,
	// KMEANS or an alias.
	Type string `option:"model_type,type" required:"true"`
	// Features are the feature columns; none means all but the label, the
	// weight and the event time.
	Features []string `option:"features,input_feature_cols,feature_cols"`
	// Label is the label column; clustering has none.
	Label string `option:"input_label_cols,input_label_col,label,label_col"`
	// Weight is the column of sample weights; none means 1.
	Weight string `option:"weight_col,sample_weight"`
	// Policy is what happens to a row with a NULL, NaN or infinite feature.
	Policy Policy `option:"nan_policy"`
	// Classes declares the classes. Without it a numeric or boolean label is
	// binary (0/1, -1/+1), classes of a string label are discovered.
	Classes []string `option:"classes"`
	// DiscoverClasses learns numeric classes as they appear.
	DiscoverClasses bool `option:"discover_classes"`
	// UnknownClass is what a label outside Classes is: "error" (default) or
	// "skip".
	UnknownClass string `option:"unknown_class"`
	// Encoding of string features: "one_hot" (default) or "hash".
	Encoding string `option:"category_encoding"`
	// HashBuckets is the number of weights all hashed features share; 262,144.
	HashBuckets int `option:"hash_buckets"`
	// MaxCategories bounds the categories of a one-hot feature; later ones
	// have no weight. 1,024.
	MaxCategories int `option:"max_categories"`
	// Vocabulary declares the categories of one-hot features by column.
	Vocabulary map[string][]string
	// Seed of hashing and of the learner's random choices.
	Seed uint64 `option:"seed"`
	// PublishEvery is the least event time between two publications of the
	// model on the side output "model"; 0 publishes at every Advance.
	PublishEvery time.Duration `option:"publish_every"`
	// WarmStart is a model file whose state training starts from.
	WarmStart string `option:"warm_start_from"`
	// Transform is how the features are computed of the columns that come, in the
	// language of the caller: a note, which is kept with the model.
	Transform string
	// Options are those of the learner, see [Types].
	Options map[string]string
}

// Policy is what happens to a row with a NULL, NaN or infinite feature.
type Policy string

const (
	// Skip gives no prediction and does not learn the row; it is counted.
	Skip Policy = "skip"
	// Fail ends the run with an error.
	Fail Policy = "error"
	// Zero puts 0 in place of the value.
	Zero Policy = "zero"
	// Impute puts the mean of the earlier values of the feature, 0 at first.
	Impute Policy = "impute"
)

// ParseSpec splits options into those of a Spec and those of the learner and
// checks both. Names are matched without case.
func ParseSpec(options map[string]string) (Spec, error) {
	var spec Spec
	known := optionFields(reflect.TypeFor[Spec]())
	mine := map[string]string{}
	spec.Options = map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(options)) {
		if lower := strings.ToLower(key); known[lower] {
			mine[lower] = options[key]
		} else {
			spec.Options[lower] = options[key]
		}
	}
	if err := arrowstream.DecodeOptions(mine, &spec); err != nil {
		return spec, err
	}
	if err := spec.knownOptions(); err != nil {
		return spec, err
	}
	return spec, spec.validate()
}

// knownOptions refuses options that neither the model nor its learner has.
func (s *Spec) knownOptions() error {
	t, err := findType(s.Type)
	if err != nil {
		return err
	}
	known := optionFields(reflect.TypeOf(t.Options))
	plain, err := t.normalize(s.Options)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(plain)) {
		if !known[key] {
			names, err := OptionNames(t.Name)
			if err != nil {
				return err
			}
			return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("unknown option %q of model type %s", key, t.Name), Hint: arrowstream.Suggest(key, names, "options")}
		}
	}
	return nil
}

// OptionNames lists the canonical names of all options of a model type.
func OptionNames(modelType string) ([]string, error) {
	t, err := findType(modelType)
	if err != nil {
		return nil, err
	}
	names := append(arrowstream.OptionNames(Spec{}), arrowstream.OptionNames(t.Options)...)
	sort.Strings(names)
	return slices.Compact(names), nil
}

func (s *Spec) validate() error {
	t, err := findType(s.Type)
	if err != nil {
		return err
	}
	s.Type = t.Name
	s.Policy = Policy(strings.ToLower(string(s.Policy)))
	if s.Policy == "" {
		s.Policy = Skip
	}
	if s.Encoding == "" {
		s.Encoding = "one_hot"
	}
	if s.UnknownClass == "" {
		s.UnknownClass = "error"
	}
	if s.HashBuckets == 0 {
		s.HashBuckets = 1 << 18
	}
	if s.MaxCategories == 0 {
		s.MaxCategories = 1024
	}
	if err := oneOf("nan_policy", string(s.Policy), string(Skip), string(Fail), string(Zero), string(Impute)); err != nil {
		return err
	}
	if err := oneOf("category_encoding", s.Encoding, "one_hot", "hash"); err != nil {
		return err
	}
	if err := oneOf("unknown_class", s.UnknownClass, "error", "skip"); err != nil {
		return err
	}
	if s.HashBuckets < 1 || s.HashBuckets > 1<<28 {
		return optionError("hash_buckets", fmt.Sprint(s.HashBuckets), "from 1 to 268435456")
	}
	if s.MaxCategories < 1 || s.MaxCategories > 1<<20 {
		return optionError("max_categories", fmt.Sprint(s.MaxCategories), "from 1 to 1048576")
	}
	if len(s.Classes) == 1 {
		return optionError("classes", s.Classes[0], "at least two classes")
	}
	_, err = New(s.Type, s.learnerOptions())
	return err
}

// learnerOptions are the options of the learner with the seed of the model.
func (s *Spec) learnerOptions() map[string]string {
	options := maps.Clone(s.Options)
	if s.Type == "KMEANS" && s.Seed != 0 {
		if options == nil {
			options = map[string]string{}
		}
		if _, ok := options["seed"]; !ok {
			options["seed"] = fmt.Sprint(s.Seed)
		}
	}
	return options
}

// optionFields are all option names, with aliases, of a struct type.
func optionFields(t reflect.Type) map[string]bool {
	names := map[string]bool{}
	for i := range t.NumField() {
		if tag, ok := t.Field(i).Tag.Lookup("option"); ok {
			for name := range strings.SplitSeq(tag, ",") {
				names[name] = true
			}
		}
	}
	return names
}

// oneOf checks the value of an option that is one of several words.
func oneOf(option, value string, known ...string) error {
	if slices.Contains(known, value) {
		return nil
	}
	return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("option %q: unknown value %q", option, value), Hint: arrowstream.Suggest(value, known, "values")}
}

// optionError is the error of an option whose value is out of range.
func optionError(option, value, want string) error {
	return &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("option %q: %s is out of range", option, value), Hint: "want " + want}
}
