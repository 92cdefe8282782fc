package mlkernels

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/arrowstream/arrowstream"
)

// Type is one row of the table of model types.
type Type struct {
	// Name in OPTIONS (model_type='...').
	Name string
	// Aliases are other accepted names.
	Aliases []string
	// Task is what models of the type predict.
	Task Task
	// About is one line for SHOW MODEL TYPES.
	About string
	// Options is the options struct with its defaults, for help.
	Options any
	// alpha lists the readings of a bare option "alpha".
	alpha string
	new   func(options map[string]string) (Learner, error)
}

// Types is the table of model types.
func Types() []Type {
	return []Type{
		{
			Name: "LINEAR_REG", Aliases: []string{"LINEAR_REGRESSION", "SGD_REGRESSOR"}, Task: Regression, About: "linear regression by stochastic gradient descent",
			Options: linearDefaults("LINEAR_REG", ""), alpha: sgdAlpha, new: linear("LINEAR_REG"),
		},
		{
			Name: "LOGISTIC_REG", Aliases: []string{"LOGISTIC_REGRESSION", "SGD_CLASSIFIER"}, Task: Classification, About: "logistic regression by stochastic gradient descent, one-vs-rest for more than two classes",
			Options: linearDefaults("LOGISTIC_REG", ""), alpha: sgdAlpha, new: linear("LOGISTIC_REG"),
		},
		{
			Name: "LINEAR_SVM", Aliases: []string{"LINEAR_SVC", "SVM"}, Task: Classification, About: "linear support vector machine by stochastic gradient descent",
			Options: linearDefaults("LINEAR_SVM", ""), alpha: sgdAlpha, new: linear("LINEAR_SVM"),
		},
		{
			Name: "PERCEPTRON", Task: Classification, About: "perceptron",
			Options: linearDefaults("PERCEPTRON", ""), alpha: sgdAlpha, new: linear("PERCEPTRON"),
		},
		{
			Name: "KMEANS", Aliases: []string{"STREAMING_KMEANS", "K_MEANS"}, Task: Clustering, About: "streaming k-means with forgetting",
			Options: kmeansDefaults(), alpha: "num_clusters is k, decay_factor the forgetting", new: newKMeans,
		},
	}
}

const sgdAlpha = "the L2 strength of scikit-learn is l2_reg, the FTRL step size of Flink and River is ftrl_alpha"

func linear(name string) func(map[string]string) (Learner, error) {
	return func(options map[string]string) (Learner, error) { return newSGD(name, options) }
}

// New returns a learner of a model type; it is bound by the caller. Unknown
// types and options are errors that name the nearest ones.
func New(modelType string, options map[string]string) (Learner, error) {
	t, err := findType(modelType)
	if err != nil {
		return nil, err
	}
	plain, err := t.normalize(options)
	if err != nil {
		return nil, err
	}
	return t.new(plain)
}

// findType looks a model type up by name or alias, without case.
func findType(name string) (*Type, error) {
	var known []string
	for _, t := range Types() {
		if strings.EqualFold(t.Name, name) || slices.ContainsFunc(t.Aliases, func(a string) bool { return strings.EqualFold(a, name) }) {
			return &t, nil
		}
		known = append(known, t.Name)
	}
	return nil, &arrowstream.Error{Code: "AS7001", Msg: fmt.Sprintf("unknown model type %q", name), Hint: arrowstream.Suggest(name, known, "model types")}
}

// normalize lowers the names of options, refuses a bare alpha and tells
// learning_rate the number from learning_rate the schedule.
func (t *Type) normalize(options map[string]string) (map[string]string, error) {
	out := make(map[string]string, len(options))
	for _, key := range slices.Sorted(maps.Keys(options)) {
		name, value := strings.ToLower(key), options[key]
		switch name {
		case "alpha":
			return nil, &arrowstream.Error{Code: "AS7002", Msg: "option \"alpha\" is ambiguous", Hint: t.alpha}
		case "learning_rate", "learningrate":
			if _, err := strconv.ParseFloat(value, 64); err == nil {
				name = "learn_rate"
			} else {
				name = "learn_rate_strategy"
			}
		}
		if before, twice := out[name]; twice && before != value {
			return nil, &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("option %q is given twice: %q and %q", name, before, value)}
		}
		out[name] = value
	}
	return out, nil
}
