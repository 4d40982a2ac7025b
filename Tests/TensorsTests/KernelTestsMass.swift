import CKernels
import Testing

/// What the weights of each entry add up to.
extension KernelTests {
  static func masses(_ attention: AttentionCase) -> [Float] {
    random(attention.groups * attention.keyValueHeads * attention.massColumns, "mass").map { $0 + 2 }
  }

  @Test(arguments: windows + masked)
  func `asking for the mass changes no bit of the result`(attention: AttentionCase) {
    let numbers = attention.numbers()
    #expect(attention.runWithMass(numbers, mass: Self.masses(attention)).y == attention.run(numbers))
  }

  /// Each row of a query adds weights that sum to 1, so what is added for a head is its number of rows; a weight errs as
  /// `attention is within its rounding bound` says, and each addition rounds once.
  @Test(arguments: windows + masked)
  func `the masses of a head add up to its rows and grow only for entries that are seen`(attention: AttentionCase) {
    let numbers = attention.numbers()
    let zero = [Float](repeating: 0, count: Self.masses(attention).count)
    let mass = attention.runWithMass(numbers, mass: zero).mass
    let rows = attention.queries * attention.heads / attention.keyValueHeads
    for head in 0..<attention.groups * attention.keyValueHeads {
      let own = mass[head * attention.massColumns..<(head + 1) * attention.massColumns]
      #expect(own.last == 0, "nothing is added behind the last entry")
      let masked = own.prefix(attention.seen(by: 0).lowerBound)
      #expect(masked.allSatisfy { $0 == 0 }, "nothing is added before the first entry that a query sees")
      #expect(own.allSatisfy { $0 >= 0 })
      let roundings = Double(rows + attention.positions + 6 * (attention.positions / 64 + 1) + 12)
      let sum = own.reduce(0) { $0 + Double($1) }
      #expect(abs(sum - Double(rows)) <= roundings * unitRoundoff * Double(rows))
    }
  }

  @Test(arguments: windows + masked)
  func `the mass does not depend on threads, nor on the segments that entries come in`(attention: AttentionCase) {
    let (numbers, before) = (attention.numbers(), Self.masses(attention))
    let whole = attention.runWithMass(numbers, mass: before)
    #expect(whole == attention.runWithMass(numbers, threads: 2, mass: before))
    for length in [1, 5, 64] {
      #expect(whole == attention.runWithMass(numbers, mass: before, segmentLength: length))
    }
  }
}
