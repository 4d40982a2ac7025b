@preconcurrency import CGSL
import Quantities

/// A named stream of random numbers: equal seed and name give equal numbers on every machine, and a consumer that draws
/// more does not change what another one sees.
///
/// The generator is GSL's `taus2` (L'Ecuyer 1999, period 2⁸⁸). Its 32-bit seed is the upper half of a 64-bit hash:
/// FNV-1a over the bytes of the name, started from the seed after one step of SplitMix64.
public final class RandomStream {
  private let generator: UnsafeMutablePointer<gsl_rng>

  /// The beginning of the stream with this seed and name.
  public init(seed: UInt64, name: String) {
    prepare()
    guard let generator = gsl_rng_alloc(gsl_rng_taus2) else { fatalError("no memory for a random generator") }
    self.generator = generator
    gsl_rng_set(generator, UInt(Self.hash(seed: seed, name: name) >> 32))
  }

  deinit { gsl_rng_free(generator) }

  /// The 64-bit hash of seed and name whose upper half seeds the generator.
  public static func hash(seed: UInt64, name: String) -> UInt64 {
    var hash = Fingerprint(start: splitMix(seed))
    for byte in name.utf8 { hash.absorb(byte) }
    return splitMix(hash.value)
  }

  /// The output function of SplitMix64 (Steele, Lea, Flood 2014) after one step from `state`.
  public static func splitMix(_ state: UInt64) -> UInt64 {
    var z = state &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A number in 0 ..< 1.
  public func uniform() -> Double { withExtendedLifetime(self) { gsl_rng_uniform(generator) } }

  /// A normally distributed number with mean 0 and standard deviation 1 (ziggurat).
  public func gaussian() -> Double { withExtendedLifetime(self) { gsl_ran_gaussian_ziggurat(generator, 1) } }

  /// An integer of `range`, each with the same probability.
  /// - Precondition: `range` has at least 1 and at most 2³² − 1 members.
  public func integer(in range: Range<Int>) -> Int {
    precondition(!range.isEmpty && range.count < 1 << 32, "a random integer needs a range of 1 to 2³² − 1 members")
    return withExtendedLifetime(self) { range.lowerBound + Int(gsl_rng_uniform_int(generator, UInt(range.count))) }
  }
}
