@preconcurrency import CGSL
import Quantities

/// A named stream of samples of distributions, for simulations that others repeat with GSL itself.
///
/// The generator is GSL's `mt19937` (Matsumoto and Nishimura 1998). Its seed are the low 32 bits of h xor (h >> 32), h the
/// 64-bit FNV-1a hash of the text `seed/replication/name`.
public final class SampleStream {
  private let generator: UnsafeMutablePointer<gsl_rng>

  /// The beginning of a stream.
  /// - Parameters:
  ///   - seed: of the simulation.
  ///   - replication: which of several runs with this seed it is, from 0.
  ///   - name: of the stream's use.
  public init(seed: Int, replication: Int, name: String) {
    prepare()
    guard let generator = gsl_rng_alloc(gsl_rng_mt19937) else { fatalError("no memory for a random generator") }
    self.generator = generator
    gsl_rng_set(generator, UInt(Self.generatorSeed(seed: seed, replication: replication, name: name)))
  }

  deinit { gsl_rng_free(generator) }

  /// The 32 bits that the generator is seeded with.
  public static func generatorSeed(seed: Int, replication: Int, name: String) -> UInt32 {
    let hash = Fingerprint("\(seed)/\(replication)/\(name)".utf8).value
    return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
  }

  /// Exponentially distributed.
  public func exponential(mean: Double) -> Double {
    withExtendedLifetime(self) { gsl_ran_exponential(generator, mean) }
  }

  /// Gamma distributed, with mean shape · scale.
  public func gamma(shape: Double, scale: Double) -> Double {
    withExtendedLifetime(self) { gsl_ran_gamma(generator, shape, scale) }
  }

  /// The exponential of a normally distributed number with this mean and deviation.
  public func logNormal(mean: Double, deviation: Double) -> Double {
    withExtendedLifetime(self) { gsl_ran_lognormal(generator, mean, deviation) }
  }

  /// An integer of 0 ..< count, each with the same probability.
  /// - Precondition: `count` is 1 to 2³² − 1.
  public func integer(below count: Int) -> Int {
    precondition(count >= 1 && count < 1 << 32, "a random integer needs a range of 1 to 2³² − 1 members")
    return withExtendedLifetime(self) { Int(gsl_rng_uniform_int(generator, UInt(count))) }
  }
}
