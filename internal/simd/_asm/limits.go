package main

const simdPackage = "github.com/arrowstream/arrowstream/internal/simd"

// bandwidth are loops of package bench/limits that move memory as fast as the
// machine can, whatever the level in use.
var bandwidth = family{
	name: "bandwidth", pkg: "limits", dir: "../../bench/limits", imports: []string{simdPackage},
	level: func(name string) string { return "best >= simd." + name },
	kernels: []kernel{
		{
			name: "read", sig: "func(x []float64)",
			doc: "loads every element; len(x) is a positive multiple of 64.",
			body: func(k *code) {
				x, n, v := k.base("x"), k.length("x"), k.vecs(8)
				k.loop(n, 64, func() {
					for i := range 64 * 8 / k.width {
						k.VMOVUPD(at(x, i*k.width), v[i%8])
					}
					k.step(x, 64*8)
				})
				k.ret()
			},
		},
		{
			name: "copyAll", sig: "func(dst, x []float64)",
			doc: "copies every element; len(x) is a positive multiple of 64.",
			body: func(k *code) {
				dst, x, n, v := k.base("dst"), k.base("x"), k.length("x"), k.vecs(8)
				k.loop(n, 64, func() {
					for i := range 64 * 8 / k.width {
						k.VMOVUPD(at(x, i*k.width), v[i%8])
						k.VMOVUPD(v[i%8], at(dst, i*k.width))
					}
					k.step(x, 64*8)
					k.step(dst, 64*8)
				})
				k.ret()
			},
		},
		{
			name: "triad", sig: "func(dst, a, b, c []float64)",
			doc: "stores a*b+c, fused; len(a) is a positive multiple of 64.",
			body: func(k *code) {
				dst, a, b, c, n, v := k.base("dst"), k.base("a"), k.base("b"), k.base("c"), k.length("a"), k.vecs(8)
				k.loop(n, 64, func() {
					for i := range 64 * 8 / k.width {
						r := v[i%8]
						k.VMOVUPD(at(a, i*k.width), r)
						k.VMOVUPD(at(c, i*k.width), v[(i+4)%8])
						k.VFMADD132PD(at(b, i*k.width), v[(i+4)%8], r)
						k.VMOVUPD(r, at(dst, i*k.width))
					}
					k.step(dst, 64*8)
					k.step(a, 64*8)
					k.step(b, 64*8)
					k.step(c, 64*8)
				})
				k.ret()
			},
		},
	},
}

// peak is the arithmetic the level in use can do.
var peak = family{
	name: "peak", pkg: "limits", dir: "../../bench/limits", imports: []string{simdPackage},
	level: func(name string) string { return "simd.Active() >= simd." + name },
	kernels: []kernel{
		{
			name: "fma", sig: "func(n int)",
			doc: "does n multiplications with additions; n is a positive multiple of 96.",
			body: func(k *code) {
				n, v, one := k.arg("n"), k.vecs(12), k.vec()
				for _, r := range append(v, one) {
					k.VXORPD(r.AsY(), r.AsY(), r.AsY())
				}
				k.loop(n, 96, func() {
					for i := range 96 * 8 / k.width {
						k.VFMADD231PD(one, one, v[i%12])
					}
				})
				k.ret()
			},
		},
	},
}
