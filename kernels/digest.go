package kernels

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/zeebo/xxh3"

	"github.com/arrowstream/arrowstream/columnar"
)

func md5Hex(dst, s []byte) []byte {
	sum := md5.Sum(s)
	return hex.AppendEncode(dst, sum[:])
}

func sha1Hex(dst, s []byte) []byte {
	sum := sha1.Sum(s)
	return hex.AppendEncode(dst, sum[:])
}

func sha224Hex(dst, s []byte) []byte {
	sum := sha256.Sum224(s)
	return hex.AppendEncode(dst, sum[:])
}

func sha384Hex(dst, s []byte) []byte {
	sum := sha512.Sum384(s)
	return hex.AppendEncode(dst, sum[:])
}

func sha256Hex(dst, s []byte) []byte {
	sum := sha256.Sum256(s)
	return hex.AppendEncode(dst, sum[:])
}

func sha512Hex(dst, s []byte) []byte {
	sum := sha512.Sum512(s)
	return hex.AppendEncode(dst, sum[:])
}

// sha2 are the functions of SHA2 by their number of bits.
var sha2 = map[int64]textMap{0: sha256Hex, 224: sha224Hex, 256: sha256Hex, 384: sha384Hex, 512: sha512Hex}

// bindSHA2 resolves SHA2(x, bits) with a constant number of bits.
func bindSHA2(f *Function, args []Arg) (*Binding, error) {
	n, ok := args[1].intConst()
	h := sha2[n]
	if !ok || h == nil {
		return nil, &Error{Code: CodeFunction, Msg: f.Name + ": the number of bits must be a constant, 224, 256, 384 or 512", Hint: "usage: " + f.Usage}
	}
	return texts(textType, mapText(h), bytesType(args[0]), int64Type)(f, args)
}

func toBase64(dst, s []byte) []byte { return base64.StdEncoding.AppendEncode(dst, s) }

// upperHex writes each byte as two upper case digits.
func upperHex(dst, s []byte) []byte {
	const digits = "0123456789ABCDEF"
	for _, c := range s {
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// hexInts writes an integer as upper case digits without leading zeros,
// negative ones as 64 bits.
func hexInts(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, textType, n), nil
	}
	const digits = "0123456789ABCDEF"
	valid := strict(mem, n, args...)
	out := newText(mem, n, 16*n)
	for i, v := range columnar.Values[int64](args[0].Array) {
		if !valid.get(i) {
			out.skip(i)
			continue
		}
		dst := out.tail()
		shift := 60
		for shift > 0 && uint64(v)>>shift == 0 {
			shift -= 4
		}
		for ; shift >= 0; shift -= 4 {
			dst = append(dst, digits[uint64(v)>>shift&15])
		}
		out.put(i, dst)
	}
	return out.finish(textType, valid)
}

func bindHex(f *Function, args []Arg) (*Binding, error) {
	if isInt(Logical(args[0].Type)) {
		return scalar(textType, hexInts, int64Type)(f, args)
	}
	return texts(textType, mapText(upperHex), bytesType(args[0]))(f, args)
}

// bytesType is the type under which a text or binary argument is hashed.
func bytesType(a Arg) arrow.DataType {
	if Logical(a.Type).ID() == arrow.BINARY {
		return binaryType
	}
	return textType
}

// hashInt64 is the kernel of a hash of bytes to an int64.
func hashInt64(f func([]byte) int64) Kernel {
	return func(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
		if anyNull(args) {
			return Nulls(mem, int64Type, n), nil
		}
		s := textsOf(args[0])
		valid := strict(mem, n, args...)
		buf, out := fixed[int64](mem, n)
		for i := range out {
			if valid.get(i) {
				out[i] = f(s.at(i))
			}
		}
		return finish(int64Type, valid, buf), nil
	}
}

func crc32Of(s []byte) int64 { return int64(crc32.ChecksumIEEE(s)) }

// overBytes resolves a function of one text or binary argument.
func overBytes(out arrow.DataType, k Kernel) func(*Function, []Arg) (*Binding, error) {
	return func(f *Function, args []Arg) (*Binding, error) {
		return texts(out, k, bytesType(args[0]))(f, args)
	}
}

// featureSeed is the seed of HASH_FEATURE. Saved models depend on it.
const featureSeed = 42

// hashFeature is the bucket, 0 to n-1, of the text of a value.
func hashFeature(mem memory.Allocator, n int, args []Datum) (arrow.Array, error) {
	if anyNull(args) {
		return Nulls(mem, int64Type, n), nil
	}
	s, buckets := textsOf(args[0]), intsOf(args[1])
	valid := strict(mem, n, args...)
	buf, out := fixed[int64](mem, n)
	for i := range out {
		if !valid.get(i) {
			continue
		}
		b := buckets.at(i)
		if b <= 0 {
			giveUp(valid, buf)
			return nil, errorf(CodeValue, "hash_feature: %d buckets", b)
		}
		out[i] = int64(xxh3.HashSeed(s.at(i), featureSeed) % uint64(b))
	}
	return finish(int64Type, valid, buf), nil
}

func bindHashFeature(f *Function, args []Arg) (*Binding, error) {
	if ok, _ := CanCast(Logical(args[0].Type), textType); !ok || !accepts(args[1], int64Type) {
		return nil, f.mismatch(args)
	}
	b := &Binding{Args: []arrow.DataType{textType, int64Type}, Out: int64Type, Kernel: hashFeature, Fails: true}
	if v, ok := args[1].intConst(); ok && v > 0 {
		b.Fails = false
	}
	b.keepDictionaries(args)
	return b, nil
}
