import CKernels
import Testing

/// One matrix product with rows that do not touch: x and y have columns of padding.
private struct Product {
  var rows: Int
  var outputs: Int
  var inputs: Int
  var x: [Float]
  var w: [Float]
  var bias: [Float]
  var residual: [Float]
  var ldx: Int { inputs + 3 }
  var ldy: Int { outputs + 2 }

  init(rows: Int, outputs: Int, inputs: Int) {
    (self.rows, self.outputs, self.inputs) = (rows, outputs, inputs)
    x = KernelTests.random(rows * (inputs + 3), "x")
    w = KernelTests.random(outputs * inputs, "w")
    bias = KernelTests.random(outputs, "bias")
    residual = KernelTests.random(rows * (outputs + 2), "residual")
  }

  typealias Kernel = (
    Int, Int, Int, UnsafePointer<Float>?, Int, UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafePointer<Float>?,
    UnsafeMutablePointer<Float>?, Int
  ) -> Void

  /// y, its padding filled with 7; `first` and `count` choose rows.
  func run(_ kernel: Kernel, threads: Int32 = 1, first: Int = 0, count: Int? = nil) -> [Float] {
    let count = count ?? rows
    var y = [Float](repeating: 7, count: count * ldy)
    KernelTests.withThreads(threads) {
      x.withUnsafeBufferPointer { x in
        residual.withUnsafeBufferPointer { residual in
          kernel(
            count, outputs, inputs, x.baseAddress! + first * ldx, ldx, w, bias,
            residual.baseAddress! + first * ldy, &y, ldy)
        }
      }
    }
    return y
  }

  /// In any order of summation n products, a bias and a residual err by less than (n + 2) roundings of the sum of
  /// magnitudes, and the last rounding.
  func largestExcess(_ y: [Float]) -> Double {
    var worst = -Double.infinity
    for row in 0..<rows {
      for output in 0..<outputs {
        var sum = Double(bias[output]) + Double(residual[row * ldy + output])
        var magnitude = abs(Double(bias[output])) + abs(Double(residual[row * ldy + output]))
        for input in 0..<inputs {
          let product = Double(w[output * inputs + input]) * Double(x[row * ldx + input])
          sum += product
          magnitude += abs(product)
        }
        let bound = Double(inputs + 3) * unitRoundoff * magnitude
        worst = max(worst, abs(Double(y[row * ldy + output]) - sum) - bound)
      }
    }
    return worst
  }
}

extension KernelTests {
  static let shapes: [(Int, Int)] = [(1, 1), (5, 15), (23, 16), (40, 33), (7, 1040), (25, 100), (3, 2100)]

  @Test(arguments: shapes)
  func `a product is within its rounding bound of the double product`(outputs: Int, inputs: Int) {
    for rows in [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 25, 33, 64, 65] {
      let product = Product(rows: rows, outputs: outputs, inputs: inputs)
      let y = product.run(ck_linear)
      #expect(product.largestExcess(y) <= 0, "\(rows) rows")
      for row in 0..<rows { #expect(y[row * product.ldy + outputs] == 7 && y[row * product.ldy + outputs + 1] == 7) }
    }
  }

  @Test(arguments: shapes)
  func `any number of threads agrees in every bit`(outputs: Int, inputs: Int) {
    for rows in [1, 2, 4, 6, 11, 33, 64] {
      let product = Product(rows: rows, outputs: outputs, inputs: inputs)
      let alone = product.run(ck_linear)
      for threads in [2, 3] as [Int32] { #expect(alone == product.run(ck_linear, threads: threads), "\(rows) rows") }
    }
  }

  /// Large enough to be cut into parts.
  @Test func `parts of a large product agree with the whole`() {
    for rows in [2, 130, 490] {
      let product = Product(rows: rows, outputs: 130, inputs: 70)
      #expect(product.run(ck_linear) == product.run(ck_linear, threads: 2), "\(rows) rows")
    }
  }

  @Test(arguments: shapes)
  func `a row does not know how many others are in the call`(outputs: Int, inputs: Int) {
    let rows = 70
    let product = Product(rows: rows, outputs: outputs, inputs: inputs)
    let whole = product.run(ck_linear)
    for count in [1, 2, 3, 5, 8, 26, 64] {
      var pieces: [Float] = []
      for first in stride(from: 0, to: rows, by: count) {
        pieces += product.run(ck_linear, first: first, count: min(count, rows - first))
      }
      #expect(pieces == whole, "\(count) rows at a time")
    }
  }

  @Test func `y may be its own residual, and both summands may be absent`() {
    let product = Product(rows: 6, outputs: 9, inputs: 2100)
    let (rows, outputs, inputs) = (product.rows, product.outputs, product.inputs)
    let expected = product.run(ck_linear)
    var y = product.residual
    y.withUnsafeMutableBufferPointer {
      ck_linear(
        rows, outputs, inputs, product.x, product.ldx, product.w, product.bias, $0.baseAddress, $0.baseAddress,
        product.ldy)
    }
    for row in 0..<rows {
      for output in 0..<outputs {
        #expect(y[row * product.ldy + output] == expected[row * product.ldy + output])
      }
    }

    var plain = [Float](repeating: 7, count: rows * outputs)
    ck_linear(rows, outputs, inputs, product.x, product.ldx, product.w, nil, nil, &plain, outputs)
    let zeros = [Float](repeating: 0, count: rows * outputs)
    var withZeros = plain
    ck_linear(rows, outputs, inputs, product.x, product.ldx, product.w, zeros, zeros, &withZeros, outputs)
    #expect(plain == withZeros)
  }
}
