import CKernels
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension KernelTests {
  static let widths = [1, 3, 15, 16, 17, 52, 130]

  /// The mean of n squares errs by n + 1 roundings, its root by half of that; then 1/√, two products.
  @Test(arguments: widths)
  func `RMSNorm is within its rounding bound`(width: Int) {
    let (rows, epsilon) = (5, Float(1e-5))
    let x = Self.random(rows * (width + 1), "norm x")
    let weight = Self.random(width, "norm weight")
    var y = [Float](repeating: 7, count: rows * (width + 2))
    ck_rms_norm(rows, width, x, width + 1, weight, epsilon, &y, width + 2)
    for row in 0..<rows {
      let values = (0..<width).map { Double(x[row * (width + 1) + $0]) }
      let root = (values.reduce(0) { $0 + $1 * $1 } / Double(width) + Double(epsilon)).squareRoot()
      for column in 0..<width {
        let exact = values[column] / root * Double(weight[column])
        let error = abs(Double(y[row * (width + 2) + column]) - exact)
        #expect(error <= (Double(width) / 2 + 6) * unitRoundoff * abs(exact))
      }
      #expect(y[row * (width + 2) + width] == 7)
    }
  }

  /// exp within 2 ulp (4 roundings), a sum, a quotient and a product.
  @Test(arguments: widths)
  func `the gate is within its rounding bound`(width: Int) {
    let rows = 3
    let gate = Self.random(rows * width, "gate").map { $0 * 20 }
    let up = Self.random(rows * width, "up")
    var y = [Float](repeating: 0, count: rows * width)
    ck_silu_gate(rows, width, gate, width, up, width, &y, width)
    for index in 0..<rows * width {
      let exact = Double(gate[index]) / (1 + exp(-Double(gate[index]))) * Double(up[index])
      #expect(abs(Double(y[index]) - exact) <= 8 * unitRoundoff * abs(exact))
    }
  }

  /// The logistic form equals x/2·(1 + tanh(√(2/π)(x + 0.044715x³))). Six roundings of the exponent's argument a become
  /// a relative error of 6·|a| roundings of the exponential.
  @Test(arguments: widths)
  func `GELU is its tanh form within its rounding bound`(width: Int) {
    let x = Self.random(width, "gelu").map { $0 * 5 }
    var y = [Float](repeating: 0, count: width)
    ck_gelu(1, width, x, width, &y, width)
    for index in 0..<width {
      let value = Double(x[index])
      let inner = (2 / Double.pi).squareRoot() * (value + 0.044715 * value * value * value)
      // 1 + tanh(a) = 2 / (1 + exp(−2a)) without the cancellation for negative a.
      let exact = value / (1 + exp(-2 * inner))
      #expect(abs(exact - value / 2 * (1 + tanh(inner))) < 1e-14)
      #expect(abs(Double(y[index]) - exact) <= (8 + 12 * abs(inner)) * unitRoundoff * abs(exact))
    }
  }

  @Test func `exp is within two units in the last place over its whole range`() {
    let x = (0..<40_000).map { Float($0) * (191.0 / 40_000) - 103 }
    var y = [Float](repeating: 0, count: x.count)
    ck_exp(x.count, x, &y)
    for (x, y) in zip(x, y) {
      let exact = exp(Double(x))
      if exact > Double(Float.greatestFiniteMagnitude) {
        #expect(y == .infinity)
      } else {
        #expect(abs(Double(y) - exact) <= 2 * Double(Float(exact).ulp), "exp(\(x))")
      }
    }
  }

  @Test func `exp has its limits, and a number that is none stays one`() {
    let x: [Float] = [-.infinity, -1000, 0, 1000, .infinity, .nan]
    var y = [Float](repeating: 7, count: x.count)
    ck_exp(x.count, x, &y)
    #expect(Array(y.prefix(5)) == [0, 0, 1, .infinity, .infinity])
    #expect(y[5].isNaN)
  }

  @Test(arguments: widths)
  func `addition is exact, also in place`(width: Int) {
    let (a, b) = (Self.random(2 * width, "a"), Self.random(2 * width, "b"))
    var y = a
    y.withUnsafeMutableBufferPointer { ck_add(2, width, $0.baseAddress, width, b, width, $0.baseAddress, width) }
    #expect(y == zip(a, b).map { $0 + $1 })
  }

  /// Two products and a sum.
  @Test(arguments: [1, 3, 13, 52, 64])
  func `rotation turns the pairs of each head by the angle of its position`(headWidth: Int) {
    let (rows, heads, half) = (7, 3, headWidth / 2)
    let width = heads * headWidth
    let angles = (0..<20 * half).map { Double($0 / max(half, 1)) * pow(10000, -Double($0 % max(half, 1)) / 9) }
    let (cosines, sines) = (angles.map { Float(cos($0)) }, angles.map { Float(sin($0)) })
    let x = Self.random(rows * width, "rotate")
    let positions: [Int32] = [4, 0, 19, 3, 3, 7, 11]
    var listed = x
    ck_rotate(rows, heads, headWidth, &listed, width, cosines, sines, positions, 0, 0)
    var periodic = x
    ck_rotate(rows, heads, headWidth, &periodic, width, cosines, sines, nil, 5, 3)
    for (y, position) in [(listed, { Int(positions[$0]) }), (periodic, { 5 + $0 % 3 })] {
      for row in 0..<rows {
        for head in 0..<heads {
          let base = row * width + head * headWidth
          for i in 0..<half {
            let (c, s) = (Double(cosines[position(row) * half + i]), Double(sines[position(row) * half + i]))
            let (u, v) = (Double(x[base + i]), Double(x[base + i + half]))
            let bound = 2 * unitRoundoff * (abs(u) + abs(v))
            #expect(abs(Double(y[base + i]) - (u * c - v * s)) <= bound)
            #expect(abs(Double(y[base + i + half]) - (v * c + u * s)) <= bound)
          }
          if headWidth % 2 == 1 { #expect(y[base + headWidth - 1] == x[base + headWidth - 1]) }
        }
      }
    }
  }

  /// Against the loop that defines it, with ties, zeros of both signs and what is not a number.
  @Test(arguments: widths)
  func `the first of the largest is found`(width: Int) {
    for seed in 0..<20 {
      var x = Self.random(width, "largest \(seed)").map { ($0 * 4).rounded() / 4 }
      if seed % 3 == 1 { x[seed % width] = .nan }
      if seed % 5 == 2 { x = x.map { $0 > 0 ? -0.0 : 0 * $0 } }
      var expected = 0
      for index in x.indices where x[index] > x[expected] { expected = index }
      #expect(ck_largest(width, x) == expected)
    }
  }

  @Test func `element-wise kernels do not depend on the number of threads`() {
    let (rows, width) = (300, 130)
    let (x, u) = (Self.random(rows * width, "x"), Self.random(rows * width, "u"))
    func run(_ threads: Int32) -> [[Float]] {
      var y = [[Float]](repeating: [Float](repeating: 0, count: rows * width), count: 4)
      Self.withThreads(threads) {
        ck_rms_norm(rows, width, x, width, u, 1e-5, &y[0], width)
        ck_silu_gate(rows, width, x, width, u, width, &y[1], width)
        ck_gelu(rows, width, x, width, &y[2], width)
        ck_add(rows, width, x, width, u, width, &y[3], width)
      }
      return y
    }
    #expect(run(1) == run(2))
  }
}
