// SPDX-License-Identifier: Apache-2.0
// Activations rounded to 8 bits, for any instruction set. Included by an ISA file inside its
// namespace, after its primitives.

inline void Quantise(const float* x, int k, const QuantisedColumns& out, int column,
                     float* residual) {
  const std::ptrdiff_t spans = k / kSpan;
  std::int8_t* codes = out.codes + column * out.stride;
  for (std::ptrdiff_t span = 0; span < spans; ++span) {
    const F first = LoadF(x + span * kSpan);
    const F second = LoadF(x + span * kSpan + 16);
    // Magnitudes compare as integers, and a NaN is greater than all numbers.
    const I magnitude = SetI(0x7fffffff);
    const int bits =
        ReduceMaxI(MaxI(AndI(CastToI(first), magnitude), AndI(CastToI(second), magnitude)));
    float largest = 0;
    __builtin_memcpy(&largest, &bits, sizeof(largest));
    const bool finite = bits < 0x7f800000;
    const bool zero = !finite || largest < kSmallestSpanMaximum;
    const float inverse = zero ? 0 : 127.0F / largest;
    const float scale = !finite ? __builtin_nanf("") : zero ? 0 : largest / 127.0F;
    const I first_codes = zero ? SetI(0) : RoundToI(MulF(first, SetF(inverse)));
    const I second_codes = zero ? SetI(0) : RoundToI(MulF(second, SetF(inverse)));
    StoreBytes(codes + span * kSpan, first_codes);
    StoreBytes(codes + span * kSpan + 16, second_codes);
    if (residual != nullptr) {
      StoreF(residual + span * kSpan, FnmaF(SetF(scale), ToF(first_codes), first));
      StoreF(residual + span * kSpan + 16, FnmaF(SetF(scale), ToF(second_codes), second));
    }
    // Both sums at once, each within 16 bits: of 16 codes they are 2032 at most.
    const int both = ReduceAddI(AddI(first_codes, ShiftLeft(second_codes, 16)));
    const int first_sum = static_cast<std::int16_t>(both);
    const int second_sum = (both - first_sum) >> 16;
    const std::ptrdiff_t at = column * spans + span;
    out.scales[at] = scale;
    out.sums[at] = scale * static_cast<float>(first_sum + second_sum);
    out.half_sums[2 * at] = scale * static_cast<float>(first_sum);
    out.half_sums[2 * at + 1] = scale * static_cast<float>(second_sum);
  }
}
