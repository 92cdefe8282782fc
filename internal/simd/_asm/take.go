package main

var takes = family{name: "take", kernels: []kernel{
	{
		name: "outside",
		sig:  "func(idx []int32, n int32) uint32",
		doc: "has the sign bit set if an element of idx is negative or not below n, which\n" +
			"// is positive; len(idx) is a positive multiple of 32.",
		body: func(k *code) {
			idx, rows := k.base("idx"), k.length("idx")
			last := k.GP64()
			k.Load(k.Param("n"), last.As32())
			k.DECL(last.As32())
			limit, low := k.vec(), k.XMM()
			k.VMOVD(last.As32(), low)
			k.VPBROADCASTD(low, limit)
			acc := k.vecs(2)
			for _, v := range acc {
				k.xor(v, v, v)
			}
			k.loop(rows, 32, func() {
				for i := range 32 * 4 / k.width {
					x, left := k.vec(), k.vec()
					k.load(at(idx, i*k.width), x)
					k.VPSUBD(x, limit, left)
					k.or(x, acc[0], acc[0])
					k.or(left, acc[1], acc[1])
				}
				k.step(idx, 32*4)
			})
			k.or(acc[1], acc[0], acc[0])
			out := k.GP64()
			if k.wide() {
				mask := k.K()
				k.VPMOVD2M(acc[0], mask)
				k.KMOVW(mask, out.As32())
			} else {
				k.VMOVMSKPS(acc[0], out.As32())
			}
			k.NEGL(out.As32()) // the sign bit is set unless it was 0
			k.Store(out.As32(), k.ReturnIndex(0))
			k.ret()
		},
	},
}}
