// SPDX-License-Identifier: Apache-2.0
// Norms, activations and attention, for any instruction set. Included by an ISA file inside its
// namespace, after its primitives.

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

void ToHalf(const float* x, int n, std::uint16_t* out) {
  int i = 0;
  for (; i + 16 <= n; i += 16) StoreHalf(out + i, LoadF(x + i));
  if (i == n) return;
  std::uint16_t whole[16];
  StoreHalf(whole, LoadPartF(x + i, n - i));
  for (int j = 0; i + j < n; ++j) out[i + j] = whole[j];
}

// ---- attention: a query's result depends on its own keys alone, in the order of positions ----

// Scores of 16 keys at a time; a lane adds up the dimensions in their order.
template <int kQueries>
inline void ScoreKeys(const AttendArgs& a, int keys) {
  const std::ptrdiff_t group = static_cast<std::ptrdiff_t>(a.head_dim) * kKeyLanes;
  for (std::ptrdiff_t first = 0; first < keys; first += kKeyLanes) {
    const std::uint16_t* lanes = a.keys + first / kKeyLanes * group;
    F scores[kQueries];
    for (int i = 0; i < kQueries; ++i) scores[i] = SetF(0);
    for (std::ptrdiff_t d = 0; d < a.head_dim; ++d) {
      const F key = HalfToF(lanes + d * kKeyLanes);
#pragma GCC unroll 8
      for (int i = 0; i < kQueries; ++i) {
        scores[i] = FmaF(key,
                         SetF(a.queries[static_cast<std::size_t>(i) * a.query_stride +
                                        static_cast<std::size_t>(d)]),
                         scores[i]);
      }
    }
    for (int i = 0; i < kQueries; ++i) {
      StoreF(a.scores + static_cast<std::size_t>(i) * a.score_stride + first,
             MulF(scores[i], SetF(a.scale)));
    }
  }
}

// exp(score - top) of the visible keys, 0 for the others; returns their sum.
inline float ExpScores(float* scores, KeyRange visible, int keys) {
  const int end = (keys + 15) / 16 * 16;
  for (int j = 0; j < visible.begin; ++j) scores[j] = -__builtin_inff();
  for (int j = visible.end; j < end; ++j) scores[j] = -__builtin_inff();
  F top = LoadF(scores);
  for (int j = 16; j < end; j += 16) top = MaxF(top, LoadF(scores + j));
  const F base = SetF(ReduceMaxF(top));
  F total = SetF(0);
  for (int j = 0; j < end; j += 16) {
    StoreF(scores + j, Exp(SubF(LoadF(scores + j), base)));
    for (int i = j; i < j + 16 && i < visible.begin; ++i) scores[i] = 0;
    for (int i = j > visible.end ? j : visible.end; i < j + 16; ++i) scores[i] = 0;
    total = AddF(total, LoadF(scores + j));
  }
  return ReduceAddF(total);
}

template <int kQueries>
inline void MixValues(const AttendArgs& a, int keys, const float* inverse_sums) {
  for (int d = 0; d < a.value_stride; d += 16) {
    F mixed[kQueries];
    for (int i = 0; i < kQueries; ++i) mixed[i] = SetF(0);
    const std::uint16_t* value = a.values + d;
    for (std::ptrdiff_t j = 0; j < keys; ++j, value += a.value_stride) {
      const F v = HalfToF(value);
#pragma GCC unroll 8
      for (int i = 0; i < kQueries; ++i) {
        mixed[i] = FmaF(v,
                        SetF(a.scores[static_cast<std::size_t>(i) * a.score_stride +
                                      static_cast<std::size_t>(j)]),
                        mixed[i]);
      }
    }
    for (int i = 0; i < kQueries; ++i) {
      StoreUpTo(a.out + static_cast<std::size_t>(i) * a.out_stride + d,
                MulF(mixed[i], SetF(inverse_sums[i])), a.head_dim - d);
    }
  }
}

template <int kQueries>
inline void AttendQueries(const AttendArgs& a) {
  const int keys = a.Visible(kQueries - 1).end;
  float inverse_sums[kQueries];
  ScoreKeys<kQueries>(a, keys);
  for (int i = 0; i < kQueries; ++i) {
    float* scores = a.scores + static_cast<std::size_t>(i) * a.score_stride;
    inverse_sums[i] = 1.0F / ExpScores(scores, a.Visible(i), keys);
  }
  MixValues<kQueries>(a, keys, inverse_sums);
}

void Attend(const AttendArgs& a) {
  switch (a.count) {
    case 1:
      return AttendQueries<1>(a);
    case 2:
      return AttendQueries<2>(a);
    case 3:
      return AttendQueries<3>(a);
    case 4:
      return AttendQueries<4>(a);
    case 5:
      return AttendQueries<5>(a);
    case 6:
      return AttendQueries<6>(a);
    case 7:
      return AttendQueries<7>(a);
    case 8:
      return AttendQueries<8>(a);
    default:
      __builtin_trap();  // kQueryTile
  }
}
static_assert(kQueryTile == 8);
