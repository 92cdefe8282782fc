package mlkernels

import (
	"fmt"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// Loss is a loss function of a linear model. Names and formulas are those of
// scikit-learn (sklearn/linear_model/_sgd_fast.pyx.tp).
type Loss int

// The losses: the first five are for classification with labels -1 and +1, the
// others for regression.
const (
	LogLoss Loss = iota
	Hinge
	PerceptronLoss
	SquaredHinge
	ModifiedHuber
	SquaredError
	Huber
	EpsilonInsensitive
	SquaredEpsilonInsensitive
)

var lossNames = []string{
	"log_loss", "hinge", "perceptron", "squared_hinge", "modified_huber",
	"squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive",
}

// String is the name of the loss in options.
func (l Loss) String() string { return lossNames[l] }

// Classifies reports whether the loss is one of classification.
func (l Loss) Classifies() bool { return l < SquaredError }

// HasProbability reports whether margins of the loss turn into probabilities.
func (l Loss) HasProbability() bool { return l == LogLoss || l == ModifiedHuber }

// parseLoss finds the loss called name among those of the task.
func parseLoss(name string, classify bool) (Loss, error) {
	var known []string
	for i, n := range lossNames {
		if Loss(i).Classifies() != classify {
			continue
		}
		if n == name {
			return Loss(i), nil
		}
		known = append(known, n)
	}
	switch {
	case name == "squared" && !classify:
		return SquaredError, nil
	case (name == "log" || name == "logistic") && classify:
		return LogLoss, nil
	}
	return 0, &arrowstream.Error{Code: "AS1504", Msg: fmt.Sprintf("option \"loss\": %q is not a loss of this model", name), Hint: arrowstream.Suggest(name, known, "losses")}
}

// gradient is dL/dp at prediction p, for a label y that is -1 or +1 or, in
// regression, the target. epsilon is the width of the Huber and
// epsilon-insensitive losses.
func (l Loss) gradient(p, y, epsilon float64) float64 {
	switch l {
	case LogLoss:
		return -y * simd.Sigmoid(-p*y)
	case Hinge:
		if p*y <= 1 {
			return -y
		}
		return 0
	case PerceptronLoss:
		if p*y <= 0 {
			return -y
		}
		return 0
	case SquaredHinge:
		if z := 1 - float64(p*y); z > 0 {
			return -2 * y * z
		}
		return 0
	case ModifiedHuber:
		z := float64(p * y)
		switch {
		case z >= 1:
			return 0
		case z >= -1:
			return -2 * y * (1 - z)
		}
		return -4 * y
	}
	r := p - y
	switch l {
	case Huber:
		return max(-epsilon, min(epsilon, r))
	case EpsilonInsensitive:
		switch {
		case r > epsilon:
			return 1
		case r < -epsilon:
			return -1
		}
		return 0
	case SquaredEpsilonInsensitive:
		switch {
		case r > epsilon:
			return 2 * (r - epsilon)
		case r < -epsilon:
			return 2 * (r + epsilon)
		}
		return 0
	}
	return r
}

// probability is the probability of the second class at margin p.
func (l Loss) probability(p float64) float64 {
	switch l {
	case LogLoss:
		return simd.Sigmoid(p)
	case ModifiedHuber:
		return (max(-1, min(1, p)) + 1) / 2
	}
	return p
}

// clip bounds a gradient as scikit-learn and River do.
func clip(g float64) float64 { return max(-1e12, min(1e12, g)) }
