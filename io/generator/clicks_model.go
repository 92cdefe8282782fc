package generator

import "math"

// run is the number of rows that share a part of their features.
const run = 64

// The features of a row are own*n + shared*g, both standard normal; g is the
// same in a run.
const own, shared = 0.8, 0.6

// weights are those before and after the drift. The second ones are the first
// ones turned by a right angle in each of six planes: orthogonal and as long.
var weights = func() (w [2][features]float64) {
	lengths := [features / 2]float64{3.2, 2.4, 1.6, 1.2, 0.8, 0.4}
	angles := [features / 2]float64{0.6, 0.8, 0.28, 0.96, 0.8, 0.6} // cosines
	for i, l := range lengths {
		c := angles[i]
		s := math.Sqrt(1 - float64(c*c))
		w[0][2*i], w[0][2*i+1] = float64(l*c), -float64(l*s)
		w[1][2*i], w[1][2*i+1] = float64(l*s), float64(l*c)
	}
	return w
}()

var words8 = [8]string{"books", "garden", "games", "music", "shoes", "sports", "tools", "toys"}

// normal is nearly a standard normal number: the sum of four uniform ones.
func normal(x uint64) float64 {
	const m = 0x0000FFFF0000FFFF
	x = x&m + x>>16&m
	sum := int64(x&0xFFFFFFFF + x>>32)
	return float64(sum-131070) * (1 / 37837.22)
}

// click is one row.
type click struct {
	micros   int64 // event time before the base is added, not below 0
	user     int64
	category uint8
	null     int8 // the feature that is NULL, -1 for none
	label    int64
	f        [features]float64
}

// clicker computes rows. It remembers the shared part of one run.
type clicker struct {
	seed       uint64
	interval   int64 // µs, of 1e-3 so that rates above 1 MHz work
	outOfOrder uint64
	driftAt    int64
	users      float64

	run    int64 // whose shared part is g; -1 for none
	common [features]float64
}

// row computes row i into c.
func (k *clicker) row(i int64, c *click) {
	if i/run != k.run {
		k.run = i / run
		r := stream(k.seed, 1<<63|uint64(k.run))
		for j := range k.common {
			k.common[j] = normal(r.next()) * shared
		}
	}
	r := stream(k.seed, uint64(i))
	u := r.float()
	c.user = int64(float64(u*u) * k.users)
	c.category = uint8(mix64(uint64(c.user)) & 7)
	odds := r.next()
	c.null = -1
	if odds&0xFF == 0 {
		c.null = int8(odds >> 8 & 0xFFFF * features >> 16)
	}
	c.micros = i * k.interval / 1000
	if odds>>32&7 == 0 && k.outOfOrder > 0 {
		c.micros = max(0, c.micros-int64(r.intn(k.outOfOrder)))
	}
	w := &weights[0]
	if i >= k.driftAt {
		w = &weights[1]
	}
	z := 0.0
	for j := range c.f {
		x := float64(normal(r.next())*own) + k.common[j]
		c.f[j] = x
		z += float64(w[j] * x)
	}
	c.label = 0
	if r.float() < logistic(z) {
		c.label = 1
	}
}
