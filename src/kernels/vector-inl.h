// SPDX-License-Identifier: Apache-2.0
// Norms, activations and products of codes, for any instruction set. Included by an ISA file inside
// its namespace, after its primitives.

// ---- element by element ----

// e^x by 2^n * e^r, |r| <= ln 2 / 2, with the Taylor polynomial of degree 7: relative error below
// 2e-7. Below the range of normal numbers it stays at the least of them; a NaN stays one.
inline F Exp(F x) {
  x = MaxF(SetF(-87.0F), MinF(SetF(88.0F), x));
  const I n = RoundToI(MulF(x, SetF(1.44269504F)));
  F r = FnmaF(ToF(n), SetF(0.693359375F), x);  // ln 2 in two parts, the first exact in few bits
  r = FnmaF(ToF(n), SetF(-2.12194440e-4F), r);
  F p = SetF(1.0F / 5040);
  p = FmaF(p, r, SetF(1.0F / 720));
  p = FmaF(p, r, SetF(1.0F / 120));
  p = FmaF(p, r, SetF(1.0F / 24));
  p = FmaF(p, r, SetF(1.0F / 6));
  p = FmaF(p, r, SetF(0.5F));
  p = FmaF(p, r, SetF(1.0F));
  p = FmaF(p, r, SetF(1.0F));
  return MulF(p, CastToF(ShiftLeft(AddI(n, SetI(127)), 23)));
}

inline F LoadUpTo(const float* p, int n) { return n >= 16 ? LoadF(p) : LoadPartF(p, n); }
inline void StoreUpTo(float* p, F v, int n) {
  if (n >= 16) {
    StoreF(p, v);
  } else {
    StorePartF(p, v, n);
  }
}

void RmsNorm(const float* x, const float* weight, int n, float epsilon, float* out) {
  F squares = SetF(0);
  for (int i = 0; i < n; i += 16) {
    const F v = LoadUpTo(x + i, n - i);
    squares = FmaF(v, v, squares);
  }
  const float mean = ReduceAddF(squares) / static_cast<float>(n);
  const F factor = SetF(1.0F / __builtin_sqrtf(mean + epsilon));
  for (int i = 0; i < n; i += 16) {
    const F scaled = MulF(LoadUpTo(x + i, n - i), factor);
    StoreUpTo(out + i, MulF(scaled, LoadUpTo(weight + i, n - i)), n - i);
  }
}

void LayerNorm(const float* x, const float* weight, const float* bias, int n, float epsilon,
               float* out) {
  F total = SetF(0);
  for (int i = 0; i < n; i += 16) total = AddF(total, LoadUpTo(x + i, n - i));
  const F mean = SetF(ReduceAddF(total) / static_cast<float>(n));
  for (int i = 0; i < n; i += 16) StoreUpTo(out + i, SubF(LoadUpTo(x + i, n - i), mean), n - i);
  F squares = SetF(0);
  for (int i = 0; i < n; i += 16) {
    const F v = LoadUpTo(out + i, n - i);  // lanes past the end are 0, not minus the mean
    squares = FmaF(v, v, squares);
  }
  const float variance = ReduceAddF(squares) / static_cast<float>(n);
  const F factor = SetF(1.0F / __builtin_sqrtf(variance + epsilon));
  for (int i = 0; i < n; i += 16) {
    const F scaled = MulF(LoadUpTo(out + i, n - i), factor);
    StoreUpTo(out + i, FmaF(scaled, LoadUpTo(weight + i, n - i), LoadUpTo(bias + i, n - i)), n - i);
  }
}

void Add(const float* x, int n, float* inout) {
  for (int i = 0; i < n; i += 16) {
    StoreUpTo(inout + i, AddF(LoadUpTo(inout + i, n - i), LoadUpTo(x + i, n - i)), n - i);
  }
}

void AddScaled(const float* x, float scale, int n, float* inout) {
  const F factor = SetF(scale);
  for (int i = 0; i < n; i += 16) {
    StoreUpTo(inout + i, FmaF(LoadUpTo(x + i, n - i), factor, LoadUpTo(inout + i, n - i)), n - i);
  }
}

void SiluMul(const float* up, int n, float* gate) {
  for (int i = 0; i < n; i += 16) {
    const F g = LoadUpTo(gate + i, n - i);
    const F silu = DivF(g, AddF(SetF(1), Exp(SubF(SetF(0), g))));
    StoreUpTo(gate + i, MulF(silu, LoadUpTo(up + i, n - i)), n - i);
  }
}

// (1 + tanh(u)) / 2 = 1 / (1 + e^-2u), which loses nothing where tanh is near -1.
void GeluMul(const float* up, int n, float* gate) {
  const F scale = SetF(-2 * 0.797884561F);  // sqrt(2 / pi)
  for (int i = 0; i < n; i += 16) {
    const F g = LoadUpTo(gate + i, n - i);
    const F inner = MulF(g, FmaF(MulF(g, g), SetF(0.044715F), SetF(1)));
    const F gelu = DivF(g, AddF(SetF(1), Exp(MulF(inner, scale))));
    StoreUpTo(gate + i, MulF(gelu, LoadUpTo(up + i, n - i)), n - i);
  }
}

// The error function as a ratio of two polynomials, the one of Eigen and XLA: off by 1.5e-7 at
// most. Beyond the limit it is 1 in f32.
inline F Erf(F x) {
  constexpr float kLimit = 3.7439211627767994F;
  constexpr float kAbove[] = {3.4082910107109506e-3F, 5.0955695062380861e-2F,
                              1.8520832239976145e-1F, 1.128379143519084F};
  constexpr float kBelow[] = {2.3547966471313185e-5F, 1.0179625278914885e-3F,
                              1.4070470171167667e-2F, 1.1098505178285362e-1F,
                              4.9746925110067538e-1F, 1.0F};
  x = MaxF(SetF(-kLimit), MinF(SetF(kLimit), x));
  const F square = MulF(x, x);
  F above = SetF(2.2905065861350646e-4F);
  for (const float coefficient : kAbove) above = FmaF(above, square, SetF(coefficient));
  F below = SetF(-1.1791602954361697e-7F);
  for (const float coefficient : kBelow) below = FmaF(below, square, SetF(coefficient));
  return DivF(MulF(x, above), below);
}

void Gelu(int n, float* inout) {
  for (int i = 0; i < n; i += 16) {
    const F x = LoadUpTo(inout + i, n - i);
    const F half = MulF(x, SetF(0.5F));
    StoreUpTo(inout + i, FmaF(half, Erf(MulF(x, SetF(0.707106781F))), half), n - i);
  }
}

// ---- products of codes ----

void DotCodes(const std::int8_t* query, const std::int8_t* codes, int width, int count,
              std::int32_t* out) {
  int query_sum = 0;
  for (int k = 0; k < width; ++k) query_sum += query[k];
  for (int i = 0; i < count; ++i) {
    const std::int8_t* const row = codes + static_cast<std::ptrdiff_t>(i) * width;
    I sums = SetI(0);
    for (int k = 0; k < width; k += 64) sums = AddDot(sums, LoadI(row + k), LoadI(query + k));
    out[i] = ReduceAddI(sums) - kDotOffset * query_sum;
  }
}
