package mlkernels

import (
	"fmt"
	"strings"

	"github.com/arrowstream/arrowstream"
	"github.com/arrowstream/arrowstream/internal/simd"
)

// KMeansOptions are the options of streaming k-means.
type KMeansOptions struct {
	// K is the number of clusters; 2.
	K int `option:"num_clusters,k,n_clusters"`
	// DecayFactor is what the weights of old rows are multiplied by per time
	// unit; 1 keeps all, 0 only looks at the last group. It may exceed 1.
	DecayFactor float64 `option:"decay_factor,decayfactor,decay"`
	// HalfLife is the number of time units after which old rows count half; it
	// sets DecayFactor.
	HalfLife float64 `option:"half_life,halflife"`
	// TimeUnit is "points" or, with groups, "batches": points for per_row,
	// batches else.
	TimeUnit string `option:"time_unit,timeunit"`
	// UpdateMode is per_row, mini_batch or full_batch; the last two differ in
	// the default of BatchRows only.
	UpdateMode string `option:"update_mode"`
	// BatchRows is the number of rows of a group: 1,024.
	BatchRows int `option:"batch_rows,batch_size"`
	// Init is how centers start: first_k (the first k distinct rows), kmeans++
	// (on the first InitRows rows), random (normal numbers, Spark's generator)
	// or, when InitCenters is given, centers.
	Init string `option:"init,kmeans_init_method"`
	// InitRows is the number of rows kmeans++ looks at: the larger of 100 and
	// 10 k.
	InitRows int `option:"init_rows"`
	// InitCenters are the centers one after another, InitWeights their weights,
	// one for all or one each; 0.
	InitCenters []float64 `option:"init_centers"`
	InitWeights []float64 `option:"init_weights"`
	// Seed of random and kmeans++.
	Seed uint64 `option:"seed"`
	// Standardize scales every feature by its running mean and deviation
	// before distances are taken.
	Standardize bool `option:"standardize_features,standardize"`
}

func kmeansDefaults() KMeansOptions {
	return KMeansOptions{K: 2, DecayFactor: 1, UpdateMode: perRow, BatchRows: 1024, Init: "first_k"}
}

func decodeKMeans(options map[string]string) (KMeansOptions, error) {
	o := kmeansDefaults()
	if err := arrowstream.DecodeOptions(options, &o); err != nil {
		return o, err
	}
	o.UpdateMode, o.TimeUnit, o.Init = strings.ToLower(o.UpdateMode), strings.ToLower(o.TimeUnit), strings.ToLower(o.Init)
	if len(o.InitCenters) > 0 {
		o.Init = "centers"
	}
	if o.TimeUnit == "" {
		o.TimeUnit = "batches"
		if o.UpdateMode == perRow {
			o.TimeUnit = "points"
		}
	}
	if o.HalfLife > 0 {
		o.DecayFactor = simd.Exp(simd.Log(0.5) / o.HalfLife)
	}
	if o.InitRows == 0 {
		o.InitRows = max(100, 10*o.K)
	}
	return o, o.validate()
}

func (o *KMeansOptions) validate() error {
	if err := oneOf("update_mode", o.UpdateMode, perRow, miniBatch, fullBatch); err != nil {
		return err
	}
	if err := oneOf("time_unit", o.TimeUnit, "batches", "points"); err != nil {
		return err
	}
	if err := oneOf("init", o.Init, "first_k", "kmeans++", "random", "centers"); err != nil {
		return err
	}
	if o.TimeUnit == "batches" && o.UpdateMode == perRow {
		return &arrowstream.Error{Code: "AS7003", Msg: "option \"time_unit\": no batches with update_mode per_row", Hint: "write time_unit = 'points', or update_mode = 'full_batch' and batch_rows"}
	}
	if o.K < 1 || o.K > 1<<20 {
		return optionError("num_clusters", fmt.Sprint(o.K), "from 1 to 1048576")
	}
	if !(o.DecayFactor >= 0) || !finite(o.DecayFactor) {
		return optionError("decay_factor", fmt.Sprint(o.DecayFactor), "a number >= 0")
	}
	if !(o.HalfLife >= 0) || !finite(o.HalfLife) {
		return optionError("half_life", fmt.Sprint(o.HalfLife), "a number > 0")
	}
	if o.BatchRows < 1 {
		return optionError("batch_rows", fmt.Sprint(o.BatchRows), "at least 1")
	}
	if o.InitRows < o.K {
		return optionError("init_rows", fmt.Sprint(o.InitRows), "at least num_clusters")
	}
	if n := len(o.InitCenters); n > 0 && n%o.K != 0 {
		return optionError("init_centers", fmt.Sprintf("%d numbers for %d clusters", n, o.K), "num_clusters times the number of features")
	}
	if n := len(o.InitWeights); n > 1 && n != o.K {
		return optionError("init_weights", fmt.Sprintf("%d numbers for %d clusters", n, o.K), "one number, or one per cluster")
	}
	for _, x := range append(append([]float64{}, o.InitCenters...), o.InitWeights...) {
		if !finite(x) {
			return optionError("init_centers", fmt.Sprint(x), "finite numbers")
		}
	}
	if o.Standardize && (o.Init == "centers" || o.Init == "random") {
		return &arrowstream.Error{Code: "AS7003", Msg: "option \"standardize_features\": not with given or random centers", Hint: "use init = 'first_k' or 'kmeans++', or scale the features before"}
	}
	return nil
}
