package main

import "github.com/mmcloughlin/avo/reg"

var texts = family{name: "text", kernels: []kernel{
	{
		name: "lengthsEqual",
		sig:  "func(out []byte, off []int32, n int32)",
		doc: "sets bit i of out to off[i+1]-off[i] == n. off has an offset more than out\n" +
			"// has bits; len(out) is a positive multiple of 8.",
		body: func(k *code) {
			lengths(k, equalInt32)
		},
	},
	{
		name: "lengthsAbove",
		sig:  "func(out []byte, off []int32, n int32)",
		doc: "sets bit i of out to off[i+1]-off[i] > n. off has an offset more than out\n" +
			"// has bits; len(out) is a positive multiple of 8.",
		body: func(k *code) {
			lengths(k, aboveInt32)
		},
	},
	{
		name: "pairs",
		sig:  "func(out, data, ahead []byte, a, b uint8)",
		doc: "sets bit i of out to data[i] == a && ahead[i] == b. Both have as many bytes\n" +
			"// as out has bits; len(out) is a positive multiple of 8.",
		body: func(k *code) {
			out, data, ahead, n := k.base("out"), k.base("data"), k.base("ahead"), k.length("out")
			first, second := k.spreadByte("a"), k.spreadByte("b")
			k.loop(n, 8, func() {
				for i := 0; i < 64; i += k.width {
					if k.wide() {
						x, y := k.vec(), k.vec()
						both, mask := k.K(), k.K()
						k.load(at(data, i), x)
						k.load(at(ahead, i), y)
						k.VPCMPEQB(first, x, mask)
						k.VPCMPEQB(second, y, mask, both)
						k.KMOVQ(both, at(out, i/8))
						continue
					}
					x, y, bits := k.vec(), k.vec(), k.GP64()
					k.VPCMPEQB(at(data, i), first, x)
					k.VPCMPEQB(at(ahead, i), second, y)
					k.VPAND(x, y, x)
					k.VPMOVMSKB(x, bits.As32())
					k.MOVL(bits.As32(), at(out, i/8))
				}
				k.step(data, 64)
				k.step(ahead, 64)
				k.step(out, 8)
			})
			k.ret()
		},
	},
}}

// lengths is the loop over 64 rows of the kernels that compare the lengths of
// texts with n.
func lengths(k *code, compare func(k *code, x, n reg.VecVirtual) reg.GPVirtual) {
	out, off, rows, n := k.base("out"), k.base("off"), k.length("out"), k.spreadInt32("n")
	k.loop(rows, 8, func() {
		for i := range 64 * 4 / k.width {
			length := k.vec()
			k.load(at(off, i*k.width+4), length)
			k.VPSUBD(at(off, i*k.width), length, length)
			bits := compare(k, length, n)
			if k.wide() {
				k.MOVW(bits.As16(), at(out, 2*i))
			} else {
				k.MOVB(bits.As8(), at(out, i))
			}
		}
		k.step(off, 64*4)
		k.step(out, 8)
	})
	k.ret()
}

// equalInt32 and aboveInt32 are the bits of x == n and x > n.
func equalInt32(k *code, x, n reg.VecVirtual) reg.GPVirtual {
	if k.wide() {
		mask := k.K()
		k.VPCMPEQD(n, x, mask)
		return k.maskBits(mask)
	}
	k.VPCMPEQD(n, x, x)
	return k.signs(x)
}

func aboveInt32(k *code, x, n reg.VecVirtual) reg.GPVirtual {
	if k.wide() {
		mask := k.K()
		k.VPCMPGTD(n, x, mask)
		return k.maskBits(mask)
	}
	k.VPCMPGTD(n, x, x)
	return k.signs(x)
}

func (k *code) maskBits(mask reg.Register) reg.GPVirtual {
	bits := k.GP64()
	k.KMOVW(mask, bits.As32())
	return bits
}

func (k *code) signs(x reg.VecVirtual) reg.GPVirtual {
	bits := k.GP64()
	k.VMOVMSKPS(x, bits.As32())
	return bits
}

// spreadInt32 and spreadByte are vectors of the parameter called name.
func (k *code) spreadInt32(name string) reg.VecVirtual {
	r, low, v := k.GP64(), k.XMM(), k.vec()
	k.Load(k.Param(name), r.As32())
	k.VMOVD(r.As32(), low)
	k.VPBROADCASTD(low, v)
	return v
}

func (k *code) spreadByte(name string) reg.VecVirtual {
	r, low, v := k.GP64(), k.XMM(), k.vec()
	k.Load(k.Param(name), r.As8())
	k.MOVBLZX(r.As8(), r.As32())
	k.VMOVD(r.As32(), low)
	k.VPBROADCASTB(low, v)
	return v
}
