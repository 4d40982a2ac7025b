import Architectures
import Formulas
import Quantities
import TestModels
import Testing

@Suite struct ExplanationTests {
  @Test func `the numbers put into a formula evaluate to the priced figure`() throws {
    for chunks in [[3], [4, 4], [1, 3], [2, 3, 2]] {
      for (reading, generation) in variants(levels: chunks.count) {
        let model = small(chunks: chunks, conditions: chunks.map { 1 + $0 % 2 }, reading, generation)
        for (prompt, generated) in [(0, 0), (0, 30), (7, 1), (16, 16), (13, 41), (24, 12)] {
          try check(model, prompt, generated)
        }
      }
    }
    try check(PublishedSize.all[0].photon(), 2048, 128)
    try check(llama, 2048, 128)
  }

  func check(_ model: Model, _ prompt: Int, _ generated: Int) throws {
    let workload = Workload(promptLength: prompt, generatedLength: generated, batchSize: 3, continuations: 2)
    for precision in [
      Precision(weights: .int4, activations: .fp16, cache: .int8),
      Precision(
        weights: .int4, activations: .fp16, cache: .int8, embedding: .fp8, head: .bf16, norms: .fp32,
        groups: WeightGroups(size: 7, hasZeroPoints: true)),
    ] {
      try check(Question(model, workload, precision))
    }
  }

  func check(_ question: Question) throws {
    let (model, workload) = (question.model, question.workload)
    let (prompt, generated) = (workload.promptLength, workload.generatedLength)
    let cost = try price(question)
    for phase in Phase.allCases {
      for node in model.nodes {
        let explained = try explain(node, in: phase, question)
        for (name, value) in cost.work(at: node, in: phase).figures where name != "traffic_bytes" {
          let context = Comment(
            "\(node) \(phase) \(name) \(model.decoderInput) \(model.generation) \(prompt) \(generated)")
          let formula = explained.first { $0.quantity == name }
          #expect((formula?.value ?? 0) == value, context)
          if let formula {
            var reader = FormulaReader(formula.numbers)
            #expect(reader.read() == value, "\(formula.numbers)")
          }
        }
      }
    }
  }

  @Test func `a formula is shown in the paper's symbols and with numbers`() throws {
    let model = PublishedSize.all[0].photon()
    let workload = Workload(promptLength: 2048, generatedLength: 128)
    let node = try #require(Node("level1/encoder/projections"))
    let passes = try explain(node, in: .decode, Question(model, workload, Precision())).first {
      $0.quantity == "sequential_passes"
    }
    #expect(passes?.symbolic == "⌊T/C_{≤1}⌋ − ⌊P/C_{≤1}⌋")
    #expect(passes?.numbers == "⌊2176/4⌋ − ⌊2048/4⌋")
    #expect(passes?.value == 32)
    let prefill = try explain(node, in: .prefill, Question(model, workload, Precision())).first {
      $0.quantity == "matmul_flops"
    }
    #expect(prefill?.symbolic == "batch·⌊P/C_{≤1}⌋·layers·2·2·D_1·(D_q + D_kv)")
    #expect(prefill?.numbers == "1·⌊2048/4⌋·4·2·2·1664·(1664 + 1664)")
  }
}

/// Evaluates a printed formula: + − · / ⌊⌋ ⌈⌉ min and brackets over integers.
private struct FormulaReader {
  private var text: [Character]
  private var position = 0

  init(_ text: String) { self.text = text.filter { $0 != " " } }

  private var next: Character? { position < text.count ? text[position] : nil }

  private mutating func accept(_ character: Character) -> Bool {
    if next == character {
      position += 1
      return true
    }
    return false
  }

  /// The whole text; nil unless it is a formula to the end.
  mutating func read() -> Int128? {
    let value = sum()
    return position == text.count ? value : nil
  }

  private mutating func sum() -> Int128 {
    var value = product().value
    while true {
      if accept("+") {
        value += product().value
      } else if accept("−") {
        value -= product().value
      } else {
        return value
      }
    }
  }

  /// A product, or a quotient as numerator and denominator, which the brackets around it round.
  private mutating func product() -> (numerator: Int128, denominator: Int128, value: Int128) {
    var numerator = operand()
    var denominator: Int128 = 1
    while true {
      if accept("·") {
        numerator *= operand()
      } else if accept("/") {
        denominator = operand()
      } else {
        return (numerator, denominator, numerator / denominator)
      }
    }
  }

  private mutating func operand() -> Int128 {
    if accept("(") {
      defer { position += 1 }
      return sum()
    }
    if accept("⌊") {
      defer { position += 1 }
      return product().value
    }
    if accept("⌈") {
      defer { position += 1 }
      let quotient = product()
      return (quotient.numerator + quotient.denominator - 1) / quotient.denominator
    }
    if accept("m") {
      position += 3
      let left = sum()
      position += 1
      let right = sum()
      position += 1
      return min(left, right)
    }
    var digits = ""
    while let digit = next, digit.isNumber || (digits.isEmpty && digit == "-") {
      digits.append(digit)
      position += 1
    }
    return Int128(digits) ?? .min
  }
}
