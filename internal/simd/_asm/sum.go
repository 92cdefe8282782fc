package main

var sums = family{name: "sum", kernels: []kernel{
	{
		name: "sumFloat64",
		sig:  "func(acc *[32]float64, x []float64)",
		doc:  "adds x[i] to acc[i mod 32]; len(x) is a positive multiple of 32.",
		body: func(k *code) {
			acc, x, n := k.arg("acc"), k.base("x"), k.length("x")
			lanes := k.vecs(32 * 8 / k.width)
			for i, v := range lanes {
				k.VMOVUPD(at(acc, i*k.width), v)
			}
			k.loop(n, 32, func() {
				for i, v := range lanes {
					k.VADDPD(at(x, i*k.width), v, v)
				}
				k.step(x, 32*8)
			})
			for i, v := range lanes {
				k.VMOVUPD(v, at(acc, i*k.width))
			}
			k.ret()
		},
	},
}}
