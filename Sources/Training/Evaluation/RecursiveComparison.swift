import Architectures
import Foundation
import Reference
import Tensors

/// Which tokens both ways of generating are given after the prompt.
public enum FollowedTokens: String, CaseIterable, Sendable {
  /// Those of the data: then the losses are likelihoods of text.
  case data
  /// Those that hierarchical generation samples.
  case hierarchical
  /// Those that recursive generation samples: then hierarchical losses say how strange its text becomes.
  case recursive
}

/// Recursive generation beside hierarchical generation of the same parameters, on the same tokens.
///
/// Both modes read the same prompt of whole meta-contexts and emit the same N tokens e, whatever they would have chosen.
/// At every position i the next-token distributions p_H(· | prompt, e_<i) and p_R(· | prompt, e_<i) are compared.
/// Hierarchical generation reads every e_<i, so p_H is the teacher-forced distribution; recursive generation reads those
/// in the open level-1 chunk, and above it only what it restored itself since the prompt ended. Units that decoders
/// l ≥ 2 restored are compared with what the encoders make of the tokens that were emitted.
///
/// The paper leaves this open (v2, limitations): its quality figures are teacher-forced.
public final class RecursiveComparison {
  /// Sums over a range of positions after the prompt's end.
  public struct Stretch: Sendable {
    /// Positions after the end of the prompt, from 0.
    public let positions: Range<Int>
    /// Positions compared, all sequences together.
    public private(set) var count = 0
    private var agreeing = 0
    private var divergence = 0.0
    private var losses = (hierarchical: 0.0, recursive: 0.0)
    /// Per level l = 2 … L.
    private var units: [Mean]
    private var chunks: [Mean]
    private var others: [Mean]

    init(_ positions: Range<Int>, levels: Int) {
      self.positions = positions
      units = Array(repeating: Mean(), count: levels)
      (chunks, others) = (units, units)
    }

    /// The share of positions at which both would choose the same token greedily.
    public var agreement: Double { Double(agreeing) / Double(count) }
    /// Mean of KL(p_H ‖ p_R).
    /// - Unit: nat
    public var divergenceNats: Double { divergence / Double(count) }
    /// Mean of −log₂ p_H(e_i).
    /// - Unit: bit per token
    public var hierarchicalBits: Double { losses.hierarchical / log(2) / Double(count) }
    /// Mean of −log₂ p_R(e_i).
    /// - Unit: bit per token
    public var recursiveBits: Double { losses.recursive / log(2) / Double(count) }
    /// Per level l = 2 … L, mean cosine between X̂^(l−1) and X^(l−1).
    public var unitCosines: [Double?] { units.map(\.value) }
    /// The same between Â^(l) and A^(l).
    public var chunkCosines: [Double?] { chunks.map(\.value) }
    /// The same between A^(l) and that of the sequence before it, at the same place: what a cosine is worth, because
    /// vectors of one level are alike whatever the text. `nil` with one sequence.
    public var unrelatedCosines: [Double?] { others.map(\.value) }

    fileprivate mutating func add(_ hierarchical: [Float], _ recursive: UnsafeBufferPointer<Float>, token: Int) {
      let (h, r) = (Distribution(hierarchical[...]), Distribution(recursive[...]))
      count += 1
      agreeing += h.likeliest == r.likeliest ? 1 : 0
      losses.hierarchical -= h.logProbability(Double(hierarchical[token]))
      losses.recursive -= r.logProbability(Double(recursive[token]))
      for index in hierarchical.indices {
        let (left, right) = (
          h.logProbability(Double(hierarchical[index])), r.logProbability(Double(recursive[index]))
        )
        if left > -.infinity { divergence += exp(left) * (left - right) }
      }
    }

    fileprivate mutating func add(unit cosine: Double, level: Int) { units[level - 2].add(cosine) }
    fileprivate mutating func add(chunk cosine: Double, level: Int) { chunks[level - 2].add(cosine) }
    fileprivate mutating func add(unrelated cosine: Double, level: Int) { others[level - 2].add(cosine) }
  }

  /// Side by side, together all N positions.
  public private(set) var stretches: [Stretch]
  private let weights: (hierarchical: ModelWeights, recursive: ModelWeights)
  private let model: Model
  private let promptLength: Int
  private let length: Int
  private let machine: Machine
  private var before: TrueUnits?

  /// - Parameters:
  ///   - weights: of a model with at least two levels.
  ///   - promptLength: a multiple of B, so that recursive generation drops the lower caches where the prompt ends.
  ///   - length: N, a multiple of B.
  ///   - machine: that both ways run on.
  public init(_ weights: ModelWeights, promptLength: Int, length: Int, machine: Machine) {
    model = weights.model
    let metaContext = model.metaContextLength
    precondition(model.levelCount >= 2, "recursive generation needs two levels")
    precondition(
      promptLength % metaContext == 0 && length % metaContext == 0 && length > 0, "lengths of whole meta-contexts")
    self.weights = (weights.generating(.hierarchical), weights.generating(.recursive))
    (self.promptLength, self.length, self.machine) = (promptLength, length, machine)
    stretches = []
    var start = 0
    while start < length {
      let end = min(max(2 * start, metaContext), length)
      stretches.append(Stretch(start..<end, levels: model.levelCount - 1))
      start = end
    }
  }

  /// Compares on one more sequence.
  /// - Parameters:
  ///   - tokens: the prompt, and if the data are followed N more.
  ///   - followed: which tokens both ways emit.
  ///   - sampling: how the followed tokens are chosen otherwise.
  public func add(_ tokens: [Int32], following followed: FollowedTokens = .data, sampling: SamplingSettings = .greedy) {
    let prompt = Array(tokens.prefix(promptLength))
    let emitted: [Int32]
    switch followed {
    case .data: emitted = Array(tokens.dropFirst(promptLength).prefix(length))
    case .hierarchical: emitted = sample(weights.hierarchical, prompt, sampling)
    case .recursive: emitted = sample(weights.recursive, prompt, sampling)
    }
    precondition(emitted.count == length, "\(tokens.count) tokens for a prompt of \(promptLength) and \(length) more")
    let known = TrueUnits(weights.hierarchical, prompt + emitted, machine: machine)
    var rows = [[Float]](repeating: [], count: length)
    run(weights.hierarchical, prompt, emitted) { logits, index in rows[index] = Array(logits) }
    run(
      weights.recursive, prompt, emitted, observe: { self.compare($0, known) },
      visit: { logits, index in
        self.stretches[self.stretch(index)].add(rows[index], logits, token: Int(emitted[index]))
      })
    before = known
  }

  private func stretch(_ index: Int) -> Int { stretches.firstIndex { $0.positions.contains(index) }! }

  private func sample(_ weights: ModelWeights, _ prompt: [Int32], _ sampling: SamplingSettings) -> [Int32] {
    let sampler = Sampler(
      sampling, vocabulary: model.vocabulary, promptLength: prompt.count, generatedLength: length)
    return machine.withTemporaryState {
      let session = HierarchySession(
        weights, workload: Workload(promptLength: prompt.count, generatedLength: length), machine: machine)
      session.prefill([prompt])
      return session.generate(choosing: sampler.choose)[0]
    }
  }

  /// Emits given tokens and shows the logits of each.
  private func run(
    _ weights: ModelWeights, _ prompt: [Int32], _ emitted: [Int32], observe: ((RestoredUnits) -> Void)? = nil,
    visit: @escaping (_ logits: UnsafeBufferPointer<Float>, _ index: Int) -> Void
  ) {
    machine.withTemporaryState {
      let session = HierarchySession(
        weights, workload: Workload(promptLength: prompt.count, generatedLength: length), machine: machine)
      session.observeRestored = observe
      session.prefill([prompt])
      _ = session.generate { logits, _, position in
        visit(logits, position - prompt.count)
        return emitted[position - prompt.count]
      }
    }
  }

  private func compare(_ restored: RestoredUnits, _ known: TrueUnits) {
    let level = restored.level
    let (span, spanBelow) = (model.level(level).span, model.level(level).spanBelow)
    let (units, chunks) = (restored.units.elements, restored.chunks.elements)
    for row in 0..<restored.units.rows {
      let unit = restored.firstUnit + row
      let cosine = cosine(units, row, known.units[level - 2], unit, width: restored.units.columns)
      stretches[stretch(unit * spanBelow - promptLength)].add(unit: cosine, level: level)
    }
    for row in 0..<restored.chunks.rows {
      let (chunk, width) = (restored.firstChunk + row, restored.chunks.columns)
      let stretch = stretch(chunk * span - promptLength)
      stretches[stretch].add(chunk: cosine(chunks, row, known.chunks[level - 2], chunk, width: width), level: level)
      if let before {
        let unrelated = cosine(before.chunks[level - 2], chunk, known.chunks[level - 2], chunk, width: width)
        stretches[stretch].add(unrelated: unrelated, level: level)
      }
    }
  }
}

/// What the encoders make of a sequence, per level l = 2 … L.
private struct TrueUnits {
  /// X^(l−1)
  let units: [[Float]]
  /// A^(l)
  let chunks: [[Float]]

  init(_ weights: ModelWeights, _ tokens: [Int32], machine: Machine) {
    let mark = machine.arena.mark
    defer { machine.arena.release(to: mark) }
    let pass = HierarchySession.teacherForced(weights, tokens: [tokens], machine: machine)
    units = pass.latents.dropLast().map { $0?.elements ?? [] }
    chunks = pass.chunks.dropFirst().map { $0?.elements ?? [] }
  }
}

private struct Mean: Sendable {
  private var sum = 0.0
  private var count = 0

  mutating func add(_ value: Double) {
    sum += value
    count += 1
  }

  var value: Double? { count > 0 ? sum / Double(count) : nil }
}

/// The normalisation of a row of logits, in double precision.
private struct Distribution {
  let likeliest: Int
  private let logSum: Double

  init(_ logits: some Collection<Float>) {
    var (best, largest) = (0, -Float.infinity)
    for (index, logit) in logits.enumerated() where logit > largest { (best, largest) = (index, logit) }
    likeliest = best
    logSum = Double(largest) + log(logits.reduce(0) { $0 + exp(Double($1) - Double(largest)) })
  }

  func logProbability(_ logit: Double) -> Double { logit - logSum }
}

private func cosine(_ a: [Float], _ row: Int, _ b: [Float], _ other: Int, width: Int) -> Double {
  var (aa, bb, ab) = (cosineEpsilon, cosineEpsilon, 0.0)
  for feature in 0..<width {
    let (x, y) = (Double(a[row * width + feature]), Double(b[other * width + feature]))
    aa += x * x
    bb += y * y
    ab += x * y
  }
  return ab / (aa * bb).squareRoot()
}
