// SPDX-License-Identifier: Apache-2.0
// How each packed type turns into unsigned bytes and scales: weight = scale * code - minimum. A
// type gives, of its block: the spans in it, how many of them are unrolled together, the halves of
// a span with scales of their own, and
//   ReadHead(block)                        what all of its spans share
//   ReadScales(block, head, span, h, ...)  scale and minimum of 16 rows, of half h of a span
//   ReadQuad(block, span, q)               one of the span's eight quads
// Included by an ISA file inside its namespace, after its primitives (F, I, LoadF, ...).

constexpr int kSpanQuads = kSpan / 4;

inline I LowNibbles(I v) { return AndI(v, SetI(0x0f0f0f0f)); }
inline I HighNibbles(I v) { return AndI(ShiftRight(v, 4), SetI(0x0f0f0f0f)); }

// Quad q in the low halves, quad q + 4 in the high ones.
inline I ReadNibbles(const std::uint8_t (*nibbles)[64], int q) {
  return q < 4 ? LowNibbles(LoadI(nibbles[q])) : HighNibbles(LoadI(nibbles[q - 4]));
}

// Bit `from` of each byte becomes bit `to`; the others become 0.
inline I MoveBit(I bytes, int from, int to) {
  const I moved = from < to ? ShiftLeft(bytes, to - from) : ShiftRight(bytes, from - to);
  return AndI(moved, SetI(0x01010101 << to));
}

// The same for a bit that is known only at run time.
inline I PickBit(I bytes, int from, int to) {
  return ShiftLeft(AndI(ShiftRight(bytes, from), SetI(0x01010101)), to);
}

struct NoHead {};
struct HeadF {
  F d;
};
struct HeadFF {
  F d, dmin;
};

// ---- types of 32 ----

struct TypeQ4_0 {
  using Block = PanelQ4_0;
  static constexpr int kSpans = 1;
  static constexpr int kUnrolled = 1;  // no shift depends on the place among more
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 15;  // codes are at most so great
  static NoHead ReadHead(const Block&) { return {}; }
  static void ReadScales(const Block& b, NoHead, int, int, F& scale, F& minimum) {
    scale = HalfToF(b.d);
    minimum = MulF(scale, SetF(8));
  }
  static I ReadQuad(const Block& b, int, int q) { return ReadNibbles(b.nibbles, q); }
};

struct TypeQ4_1 {
  using Block = PanelQ4_1;
  static constexpr int kSpans = 1;
  static constexpr int kUnrolled = 1;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 15;
  static NoHead ReadHead(const Block&) { return {}; }
  static void ReadScales(const Block& b, NoHead, int, int, F& scale, F& minimum) {
    scale = HalfToF(b.d);
    minimum = SubF(SetF(0), HalfToF(b.m));
  }
  static I ReadQuad(const Block& b, int, int q) { return ReadNibbles(b.nibbles, q); }
};

struct TypeQ5_0 {
  using Block = PanelQ5_0;
  static constexpr int kSpans = 1;
  static constexpr int kUnrolled = 1;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 31;
  static NoHead ReadHead(const Block&) { return {}; }
  static void ReadScales(const Block& b, NoHead, int, int, F& scale, F& minimum) {
    scale = HalfToF(b.d);
    minimum = MulF(scale, SetF(16));
  }
  static I ReadQuad(const Block& b, int, int q) {
    return OrI(ReadNibbles(b.nibbles, q), MoveBit(LoadI(b.high), q, 4));
  }
};

struct TypeQ5_1 {
  using Block = PanelQ5_1;
  static constexpr int kSpans = 1;
  static constexpr int kUnrolled = 1;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 31;
  static NoHead ReadHead(const Block&) { return {}; }
  static void ReadScales(const Block& b, NoHead, int, int, F& scale, F& minimum) {
    scale = HalfToF(b.d);
    minimum = SubF(SetF(0), HalfToF(b.m));
  }
  static I ReadQuad(const Block& b, int, int q) {
    return OrI(ReadNibbles(b.nibbles, q), MoveBit(LoadI(b.high), q, 4));
  }
};

struct TypeQ8_0 {
  using Block = PanelQ8_0;
  static constexpr int kSpans = 1;
  static constexpr int kUnrolled = 1;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 255;
  static NoHead ReadHead(const Block&) { return {}; }
  static void ReadScales(const Block& b, NoHead, int, int, F& scale, F& minimum) {
    scale = HalfToF(b.d);
    minimum = MulF(scale, SetF(128));
  }
  static I ReadQuad(const Block& b, int, int q) { return LoadI(b.codes[q]); }
};

// Nibbles are indices into a table of values, here 128 more than the format has them.
constexpr std::uint8_t kCodesIQ4NL[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                          129, 141, 153, 166, 181, 197, 217, 241};

struct TypeIQ4_NL {
  using Block = PanelQ4_0;
  static constexpr int kSpans = 1;
  static constexpr int kUnrolled = 1;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 255;
  static NoHead ReadHead(const Block&) { return {}; }
  static void ReadScales(const Block& b, NoHead, int, int, F& scale, F& minimum) {
    scale = HalfToF(b.d);
    minimum = MulF(scale, SetF(128));
  }
  static I ReadQuad(const Block& b, int, int q) {
    return LookUp(kCodesIQ4NL, ReadNibbles(b.nibbles, q));
  }
};

// Twice the values of e2m1, and 12 more; the scale is half of 2^(e - 127).
constexpr std::uint8_t kCodesMXFP4[16] = {12, 13, 14, 15, 16, 18, 20, 24,
                                          12, 11, 10, 9,  8,  6,  4,  0};

struct TypeMXFP4 {
  using Block = PanelMXFP4;
  static constexpr int kSpans = 1;
  static constexpr int kUnrolled = 1;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 24;
  static NoHead ReadHead(const Block&) { return {}; }
  static void ReadScales(const Block& b, NoHead, int, int, F& scale, F& minimum) {
    scale = MulF(CastToF(ShiftLeft(LoadUnsignedBytes(b.e), 23)), SetF(0.5F));
    minimum = MulF(scale, SetF(12));
  }
  static I ReadQuad(const Block& b, int, int q) {
    return LookUp(kCodesMXFP4, ReadNibbles(b.nibbles, q));
  }
};

// ---- types of 256 ----

// Scales and minima of all spans as bytes, taken apart 64 at a time.
struct HeadK {
  F d, dmin;
  alignas(64) std::uint8_t scales[8][kPanelRows];
  alignas(64) std::uint8_t minima[8][kPanelRows];
};

inline HeadK ReadHeadK(const PanelScalesK& k) {
  HeadK head = {HalfToF(k.d), HalfToF(k.dmin)};
  const I high = LoadI(k.high);
  const I top = SetI(0x30303030);
  const I first = LoadI(k.low[0]);
  const I second = LoadI(k.low[4]);
  StoreI(head.scales[0], OrI(LowNibbles(first), AndI(ShiftLeft(high, 4), top)));
  StoreI(head.minima[0], OrI(HighNibbles(first), AndI(ShiftLeft(high, 2), top)));
  StoreI(head.scales[4], OrI(LowNibbles(second), AndI(high, top)));
  StoreI(head.minima[4], OrI(HighNibbles(second), AndI(ShiftRight(high, 2), top)));
  return head;
}

inline void ReadScalesK(const HeadK& head, int span, F& scale, F& minimum) {
  scale = MulF(head.d, ToF(LoadUnsignedBytes(head.scales[span])));
  minimum = MulF(head.dmin, ToF(LoadUnsignedBytes(head.minima[span])));
}

struct TypeQ4_K {
  using Block = PanelQ4_K;
  static constexpr int kSpans = 8;
  static constexpr int kUnrolled = 2;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 15;
  static HeadK ReadHead(const Block& b) { return ReadHeadK(b.scales); }
  static void ReadScales(const Block&, const HeadK& head, int span, int, F& scale, F& minimum) {
    ReadScalesK(head, span, scale, minimum);
  }
  static I ReadQuad(const Block& b, int span, int q) {
    const I packed = LoadI(b.nibbles[span / 2][q]);
    return span % 2 == 0 ? LowNibbles(packed) : HighNibbles(packed);
  }
};

struct TypeQ5_K {
  using Block = PanelQ5_K;
  static constexpr int kSpans = 8;
  static constexpr int kUnrolled = 2;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 31;
  static HeadK ReadHead(const Block& b) { return ReadHeadK(b.scales); }
  static void ReadScales(const Block&, const HeadK& head, int span, int, F& scale, F& minimum) {
    ReadScalesK(head, span, scale, minimum);
  }
  static I ReadQuad(const Block& b, int span, int q) {
    const I packed = LoadI(b.nibbles[span / 2][q]);
    return OrI(span % 2 == 0 ? LowNibbles(packed) : HighNibbles(packed),
               PickBit(LoadI(b.high[q]), span, 4));
  }
};

// A signed byte a half of a span, times d.
template <int kOffset>
inline void ReadSignedScale(const std::int8_t* scales, HeadF head, F& scale, F& minimum) {
  scale = MulF(head.d, ToF(LoadSignedBytes(scales)));
  minimum = MulF(scale, SetF(kOffset));
}

struct TypeQ6_K {
  using Block = PanelQ6_K;
  static constexpr int kSpans = 8;
  static constexpr int kUnrolled = 4;
  static constexpr int kHalves = 2;
  static constexpr int kMaxCode = 63;
  static HeadF ReadHead(const Block& b) { return {HalfToF(b.d)}; }
  static void ReadScales(const Block& b, HeadF head, int span, int h, F& scale, F& minimum) {
    ReadSignedScale<32>(b.scales[2 * span + h], head, scale, minimum);
  }
  static I ReadQuad(const Block& b, int span, int q) {
    const int quarter = span % 4;
    const I packed = LoadI(b.low[span / 4][quarter % 2][q]);
    const I high = LoadI(b.high[span / 4][q]);
    const I moved =
        quarter < 2 ? ShiftLeft(high, 4 - 2 * quarter) : ShiftRight(high, 2 * quarter - 4);
    return OrI(quarter < 2 ? LowNibbles(packed) : HighNibbles(packed),
               AndI(moved, SetI(0x30303030)));
  }
};

struct TypeQ2_K {
  using Block = PanelQ2_K;
  static constexpr int kSpans = 8;
  static constexpr int kUnrolled = 4;
  static constexpr int kHalves = 2;
  static constexpr int kMaxCode = 3;
  static HeadFF ReadHead(const Block& b) { return {HalfToF(b.d), HalfToF(b.dmin)}; }
  static void ReadScales(const Block& b, HeadFF head, int span, int h, F& scale, F& minimum) {
    const I packed = LoadUnsignedBytes(b.scales[2 * span + h]);
    scale = MulF(head.d, ToF(AndI(packed, SetI(15))));
    minimum = MulF(head.dmin, ToF(ShiftRight(packed, 4)));
  }
  static I ReadQuad(const Block& b, int span, int q) {
    return AndI(ShiftRight(LoadI(b.codes[span / 4][q]), 2 * (span % 4)), SetI(0x03030303));
  }
};

struct TypeQ3_K {
  using Block = PanelQ3_K;
  static constexpr int kSpans = 8;
  static constexpr int kUnrolled = 4;
  static constexpr int kHalves = 2;
  static constexpr int kMaxCode = 7;
  static HeadF ReadHead(const Block& b) { return {HalfToF(b.d)}; }
  static void ReadScales(const Block& b, HeadF head, int span, int h, F& scale, F& minimum) {
    ReadSignedScale<4>(b.scales[2 * span + h], head, scale, minimum);
  }
  static I ReadQuad(const Block& b, int span, int q) {
    const I low = ShiftRight(LoadI(b.low[span / 4][q]), 2 * (span % 4));
    return OrI(AndI(low, SetI(0x03030303)), PickBit(LoadI(b.high[q]), span, 2));
  }
};

struct TypeIQ4_XS {
  using Block = PanelIQ4_XS;
  static constexpr int kSpans = 8;
  static constexpr int kUnrolled = 1;
  static constexpr int kHalves = 1;
  static constexpr int kMaxCode = 255;
  static HeadF ReadHead(const Block& b) { return {HalfToF(b.d)}; }
  static void ReadScales(const Block& b, HeadF head, int span, int, F& scale, F& minimum) {
    ReadSignedScale<128>(b.scales[span], head, scale, minimum);
  }
  static I ReadQuad(const Block& b, int span, int q) {
    return LookUp(kCodesIQ4NL, ReadNibbles(b.nibbles[span], q));
  }
};

// Calls work(Type()) for the type of that name.
template <typename Work>
inline void WithPanelType(DType dtype, Work&& work) {
  switch (dtype) {
    case DType::kQ4_0:
      return work(TypeQ4_0());
    case DType::kQ4_1:
      return work(TypeQ4_1());
    case DType::kQ5_0:
      return work(TypeQ5_0());
    case DType::kQ5_1:
      return work(TypeQ5_1());
    case DType::kQ8_0:
      return work(TypeQ8_0());
    case DType::kQ2_K:
      return work(TypeQ2_K());
    case DType::kQ3_K:
      return work(TypeQ3_K());
    case DType::kQ4_K:
      return work(TypeQ4_K());
    case DType::kQ5_K:
      return work(TypeQ5_K());
    case DType::kQ6_K:
      return work(TypeQ6_K());
    case DType::kIQ4_NL:
      return work(TypeIQ4_NL());
    case DType::kIQ4_XS:
      return work(TypeIQ4_XS());
    case DType::kMXFP4:
      return work(TypeMXFP4());
    default:
      __builtin_trap();  // IsQuantised() was not asked
  }
}
