import CKernels
import Reference
import Tensors

/// One number for every parameter of a model, on the line on which its tensors have their places: gradients, or the
/// state of an optimiser. The gaps between tensors stay zero.
public final class ParameterLine {
  /// Numbers, the gaps between tensors included.
  public let count: Int
  /// The first number; valid as long as the line.
  public let base: UnsafeMutablePointer<Float>

  /// Zero for every parameter of the weights.
  public init(for weights: ModelWeights) {
    count = weights.lineCount
    base = ck_allocate(count)
    base.initialize(repeating: 0, count: count)
  }

  deinit { ck_free(base) }

  /// What belongs to a tensor of the model, in its shape.
  public func tensor(_ parameter: Tensor) -> Tensor {
    precondition(parameter.place.line == .parameters, "a parameter of no model")
    return Tensor(
      rows: parameter.rows, columns: parameter.columns, base: base + parameter.place.offset, place: parameter.place)
  }

  /// Sets every number to 0.
  public func clear() { base.update(repeating: 0, count: count) }

  /// √Σx², added up in double precision.
  public var norm: Double {
    var sums = (0.0, 0.0, 0.0, 0.0)
    var index = 0
    while index + 4 <= count {
      sums.0 += Double(base[index]) * Double(base[index])
      sums.1 += Double(base[index + 1]) * Double(base[index + 1])
      sums.2 += Double(base[index + 2]) * Double(base[index + 2])
      sums.3 += Double(base[index + 3]) * Double(base[index + 3])
      index += 4
    }
    // Every tensor ends on a multiple of 16 elements.
    return (sums.0 + sums.1 + sums.2 + sums.3).squareRoot()
  }
}
