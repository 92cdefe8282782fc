package mlkernels

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/arrowstream/arrowstream"
)

var timeUTC = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// WeightsSchema is that of a published linear model: one row per class and
// feature, the intercept as feature __INTERCEPT__. class is NULL in
// regression; time is the event time of the publication.
var WeightsSchema = arrow.NewSchema([]arrow.Field{
	{Name: "time", Type: timeUTC, Nullable: true},
	{Name: "model_version", Type: arrow.PrimitiveTypes.Int64},
	{Name: "class", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "feature", Type: arrow.BinaryTypes.String},
	{Name: "weight", Type: arrow.PrimitiveTypes.Float64},
}, nil)

// CentroidsSchema is that of a published clustering: one row per center and
// feature; centroid_id counts from 1, weight is the weight of the cluster.
var CentroidsSchema = arrow.NewSchema([]arrow.Field{
	{Name: "time", Type: timeUTC, Nullable: true},
	{Name: "model_version", Type: arrow.PrimitiveTypes.Int64},
	{Name: "centroid_id", Type: arrow.PrimitiveTypes.Int64},
	{Name: "feature", Type: arrow.BinaryTypes.String},
	{Name: "value", Type: arrow.PrimitiveTypes.Float64},
	{Name: "weight", Type: arrow.PrimitiveTypes.Float64},
}, nil)

// PublishSchema is the schema of [Model.Published].
func (m *Model) PublishSchema() *arrow.Schema {
	if m.kind.Task == Clustering {
		return CentroidsSchema
	}
	return WeightsSchema
}

// Published is what the model has learned as rows, owned: the rows of
// ML_WEIGHTS or ML_CENTROIDS. at is their time, arrowstream.NoEventTime for
// NULL. Weights of categories that are 0 are left out.
func (m *Model) Published(mem memory.Allocator, at int64) arrow.Record {
	if m.published == nil || m.publishedIn != mem {
		m.published, m.publishedIn = array.NewRecordBuilder(mem, m.PublishSchema()), mem
	}
	rb := m.published // without memory between publications
	version := m.learner.Progress().Version
	var weights []Weight
	if m.bound {
		weights = m.learner.Weights()
	}
	rb.Reserve(len(weights))
	for _, w := range weights {
		time := rb.Field(0).(*array.TimestampBuilder)
		if at == arrowstream.NoEventTime {
			time.AppendNull()
		} else {
			time.Append(arrow.Timestamp(at))
		}
		rb.Field(1).(*array.Int64Builder).Append(version)
		rb.Field(3).(*array.StringBuilder).Append(m.enc.name(w))
		rb.Field(4).(*array.Float64Builder).Append(w.Value)
		if m.kind.Task == Clustering {
			rb.Field(2).(*array.Int64Builder).Append(int64(w.Class) + 1)
			rb.Field(5).(*array.Float64Builder).Append(w.Mass)
			continue
		}
		class := rb.Field(2).(*array.StringBuilder)
		switch {
		case w.Class < 0:
			class.AppendNull()
		case m.labels.binary:
			class.Append(m.labels.show(w.Class))
		case m.labels.classes() == 2:
			class.Append(m.labels.show(m.labels.order2(w.Class)))
		default:
			class.Append(m.labels.show(w.Class))
		}
	}
	return rb.NewRecord()
}
