package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/format"

	"github.com/arrowstream/arrowstream/columnar"
)

// dense decodes the values of one page, nulls left out, in whatever encoding
// they are.
type dense struct {
	c        *chunk
	mode     mode
	data     []byte // plain: what is left; split: all
	at       int    // plain booleans, split: next value
	count    int    // split: values
	index    hybrid // dictionary indices, run-length booleans
	ints     []int64
	offsets  []int64 // delta strings: len+1 offsets into data
	deltaBuf []int64
}

type mode int

const (
	plain mode = iota
	dictionaryIndex
	runLength
	split
	deltaInts
	deltaTexts
)

// begin starts on the data of a page.
func (d *dense) begin(c *chunk, h pageHeader, data []byte) error {
	d.c, d.data, d.at = c, data, 0
	typ := c.leaf.elem.Type.V
	width := physicalWidth(c.leaf.elem)
	switch {
	case h.encoding == format.Plain:
		d.mode = plain
		return nil
	case h.encoding == plainDictionary || h.encoding == format.RLEDictionary:
		if c.dict == nil {
			return errors.New("page refers to a dictionary that is not there")
		}
		d.mode = dictionaryIndex
		if len(data) == 0 {
			return d.index.reset(nil, 0)
		}
		return d.index.reset(data[1:], int(data[0]))
	case h.encoding == format.RLE && typ == format.Boolean:
		d.mode = runLength
		if len(data) < 4 {
			return d.index.reset(nil, 1)
		}
		n := int64(binary.LittleEndian.Uint32(data))
		if n > int64(len(data)-4) {
			return errFewValues
		}
		return d.index.reset(data[4:4+n], 1)
	case h.encoding == format.ByteStreamSplit && width > 0:
		d.mode, d.count = split, len(data)/width
		return nil
	case h.values > maxDeltaValues:
		return fmt.Errorf("%d values are too many for one page in encoding %s", h.values, h.encoding)
	case h.encoding == format.DeltaBinaryPacked && (typ == format.Int32 || typ == format.Int64):
		d.mode = deltaInts
		if len(data) == 0 {
			d.ints = nil
			return nil
		}
		var err error
		d.ints, _, err = decodeDelta(d.deltaBuf, data, int(h.values), width)
		d.deltaBuf = d.ints
		return err
	case h.encoding == format.DeltaLengthByteArray && typ == format.ByteArray:
		d.mode = deltaTexts
		if len(data) == 0 {
			d.offsets = []int64{0}
			return nil
		}
		var err error
		d.offsets, d.data, err = decodeDeltaLengths(data, int(h.values))
		return err
	case h.encoding == format.DeltaByteArray && (typ == format.ByteArray || typ == format.FixedLenByteArray):
		d.mode = deltaTexts
		if len(data) == 0 {
			d.offsets = []int64{0}
			return nil
		}
		var err error
		d.offsets, d.data, err = decodeDeltaStrings(data, int(h.values), int64(c.maxPage))
		return err
	}
	return fmt.Errorf("encoding %s of type %s is not supported", h.encoding, typ)
}

// skip passes over n values. What they are is not checked.
func (d *dense) skip(n int) error {
	switch d.mode {
	case plain:
		return d.skipPlain(n)
	case dictionaryIndex, runLength:
		return d.index.skip(n)
	case split:
		if n > d.count-d.at {
			return errFewValues
		}
		d.at += n
	case deltaInts:
		if n > len(d.ints) {
			return errFewValues
		}
		d.ints = d.ints[n:]
	case deltaTexts:
		if n > len(d.offsets)-1 {
			return errFewValues
		}
		d.offsets = d.offsets[n:]
	}
	return nil
}

func (d *dense) skipPlain(n int) error {
	e := d.c.leaf.elem
	if e.Type.V == format.Boolean {
		if d.at+n > 8*len(d.data) {
			return errFewValues
		}
		d.at += n
		return nil
	}
	if width := physicalWidth(e); width > 0 {
		if n*width > len(d.data) {
			return errFewValues
		}
		d.data = d.data[n*width:]
		return nil
	}
	at := 0
	for range n {
		if len(d.data)-at < 4 {
			return errFewValues
		}
		k := binary.LittleEndian.Uint32(d.data[at:])
		if int64(k) > int64(len(d.data)-at-4) {
			return fmt.Errorf("string of %d bytes does not fit its page", k)
		}
		at += 4 + int(k)
	}
	d.data = d.data[at:]
	return nil
}

// fixed decodes n values of the physical width of the column into dst.
func (d *dense) fixed(dst []byte, n int) error {
	width := physicalWidth(d.c.leaf.elem)
	size := n * width
	switch d.mode {
	case plain:
		if size > len(d.data) {
			return errFewValues
		}
		copy(dst[:size], d.data)
		d.data = d.data[size:]
	case dictionaryIndex:
		idx, err := d.indices(n)
		if err != nil {
			return err
		}
		gather(dst[:size], d.c.dict.fixed.mine, idx, width)
	case split:
		if n > d.count-d.at {
			return errFewValues
		}
		for b := range width {
			stream := d.data[b*d.count+d.at:]
			for i := range n {
				dst[i*width+b] = stream[i]
			}
		}
		d.at += n
	case deltaInts:
		if n > len(d.ints) {
			return errFewValues
		}
		if width == 4 {
			out := columnar.AsValues[int32](dst[:size])
			for i, x := range d.ints[:n] {
				out[i] = int32(x)
			}
		} else {
			copy(columnar.AsValues[int64](dst[:size]), d.ints)
		}
		d.ints = d.ints[n:]
	case deltaTexts:
		if n > len(d.offsets)-1 {
			return errFewValues
		}
		for i := range n {
			v := d.data[d.offsets[i]:d.offsets[i+1]]
			if len(v) != width {
				return fmt.Errorf("value of %d bytes in a column of %d", len(v), width)
			}
			copy(dst[i*width:], v)
		}
		d.offsets = d.offsets[n:]
	default:
		return errors.New("encoding does not fit the type")
	}
	return nil
}

// indices decodes n dictionary indices into scratch memory of the chunk and
// checks them.
func (d *dense) indices(n int) ([]int32, error) {
	d.c.idx = resize(d.c.idx, n)
	return d.c.idx, d.indicesInto(d.c.idx)
}

func (d *dense) indicesInto(dst []int32) error {
	const block = 4096 // still in the cache when it is checked
	for len(dst) > 0 {
		part := dst[:min(block, len(dst))]
		dst = dst[len(part):]
		if err := d.index.ints(part); err != nil {
			return err
		}
		if err := d.checkIndices(part); err != nil {
			return err
		}
	}
	return nil
}

// checkIndices makes sure that indices are in range, in 0.25 ns each; not at all
// where their width does that.
func (d *dense) checkIndices(idx []int32) error {
	if d.index.width < 31 && d.c.dict.n >= 1<<d.index.width {
		return nil
	}
	var top [4]uint32
	for i := range len(idx) / 4 {
		x := (*[4]int32)(idx[4*i:])
		top[0], top[1] = max(top[0], uint32(x[0])), max(top[1], uint32(x[1]))
		top[2], top[3] = max(top[2], uint32(x[2])), max(top[3], uint32(x[3]))
	}
	for _, x := range idx[len(idx)&^3:] {
		top[0] = max(top[0], uint32(x))
	}
	if top := max(top[0], top[1], top[2], top[3]); int64(top) >= int64(d.c.dict.n) {
		return fmt.Errorf("dictionary index %d is out of range: the dictionary has %d values", top, d.c.dict.n)
	}
	return nil
}

// gather copies the values at idx, which are in range, one after the other.
func gather(dst, values []byte, idx []int32, width int) {
	switch width {
	case 4:
		take(columnar.AsValues[uint32](dst), columnar.AsValues[uint32](values), idx)
	case 8:
		take(columnar.AsValues[uint64](dst), columnar.AsValues[uint64](values), idx)
	default:
		for i, x := range idx {
			copy(dst[i*width:(i+1)*width], values[int(x)*width:])
		}
	}
}

func take[T columnar.Fixed](dst, values []T, idx []int32) {
	dst = dst[:len(idx)]
	for i, x := range idx {
		dst[i] = values[x]
	}
}

// bools decodes n booleans into bits [0, n) of dst, which is clear and has 16
// spare bytes.
func (d *dense) bools(dst []byte, n int) error {
	switch d.mode {
	case plain:
		if d.at+n > 8*len(d.data) {
			return errFewValues
		}
		copyBits(dst, 0, columnar.Bitmap{Bits: d.data, Offset: d.at, N: n})
		d.at += n
		return nil
	case runLength:
		_, err := d.index.bits(dst, 0, n)
		return err
	}
	return errors.New("encoding does not fit the type")
}

// texts decodes n byte arrays: it appends their bytes to out and stores their
// lengths.
func (d *dense) texts(lengths []int32, out *byteBuffer) error {
	if width := physicalWidth(d.c.leaf.elem); width > 0 {
		for i := range lengths {
			lengths[i] = int32(width)
		}
		return d.fixed(out.extend(len(lengths)*width), len(lengths))
	}
	switch d.mode {
	case plain:
		return d.plainTexts(lengths, out)
	case dictionaryIndex:
		idx, err := d.indices(len(lengths))
		if err != nil {
			return err
		}
		total := 0
		for i, x := range idx {
			n := len(d.c.dict.view.Bytes(int(x)))
			lengths[i] = int32(n)
			total += n
		}
		if err := out.check(total); err != nil {
			return err
		}
		dst := out.extend(total)
		for _, x := range idx {
			dst = dst[copy(dst, d.c.dict.view.Bytes(int(x))):]
		}
		return nil
	case deltaTexts:
		n := len(lengths)
		if n > len(d.offsets)-1 {
			return errFewValues
		}
		for i := range lengths {
			lengths[i] = int32(d.offsets[i+1] - d.offsets[i])
		}
		b := d.data[d.offsets[0]:d.offsets[n]]
		if err := out.check(len(b)); err != nil {
			return err
		}
		copy(out.extend(len(b)), b)
		d.offsets = d.offsets[n:]
		return nil
	}
	return errors.New("encoding does not fit the type")
}

func (d *dense) plainTexts(lengths []int32, out *byteBuffer) error {
	at, total := 0, 0
	for i := range lengths {
		if len(d.data)-at < 4 {
			return errFewValues
		}
		k := binary.LittleEndian.Uint32(d.data[at:])
		if int64(k) > int64(len(d.data)-at-4) {
			return fmt.Errorf("string of %d bytes does not fit its page", k)
		}
		lengths[i] = int32(k)
		total += int(k)
		at += 4 + int(k)
	}
	if err := out.check(total); err != nil {
		return err
	}
	dst := out.extend(total)
	b := d.data
	for _, k := range lengths {
		n := copy(dst, b[4:4+k])
		dst, b = dst[n:], b[4+k:]
	}
	d.data = d.data[at:]
	return nil
}
