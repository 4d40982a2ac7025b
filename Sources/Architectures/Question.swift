import Quantities

/// What is asked of a model.
public struct Workload: Hashable, Sendable {
  /// `P`
  public var promptLength: Int
  /// `G`
  public var generatedLength: Int
  /// Prompts that run together, each with its continuations.
  public var batchSize: Int
  /// `K`, continuations of each prompt, which share its prefill and its cache.
  public var continuations: Int

  public init(promptLength: Int, generatedLength: Int, batchSize: Int = 1, continuations: Int = 1) {
    self.promptLength = promptLength
    self.generatedLength = generatedLength
    self.batchSize = batchSize
    self.continuations = continuations
  }
}

/// What is asked: a model, a workload, and the bits of its numbers.
public struct Question: Hashable, Sendable {
  /// Of whom.
  public var model: Model
  /// What it is to do.
  public var workload: Workload
  /// Bits of weights, activations and cache entries.
  public var precision: Precision

  /// The precision is that of `Precision()` where nothing is said.
  public init(_ model: Model, _ workload: Workload, _ precision: Precision = Precision()) {
    self.model = model
    self.workload = workload
    self.precision = precision
  }
}

extension Workload {
  /// The same with another batch.
  public func with(batchSize: Int) -> Workload { changing(\.batchSize, to: batchSize) }
  /// The same after another prompt: what a context does to prefill and to decode.
  public func with(promptLength: Int) -> Workload { changing(\.promptLength, to: promptLength) }
  /// The same with another number of generated tokens.
  public func with(generatedLength: Int) -> Workload { changing(\.generatedLength, to: generatedLength) }
  /// The same with another number of continuations.
  public func with(continuations: Int) -> Workload { changing(\.continuations, to: continuations) }

  private func changing(_ length: WritableKeyPath<Workload, Int>, to value: Int) -> Workload {
    var workload = self
    workload[keyPath: length] = value
    return workload
  }
}

extension Question: ModelBearing {
  /// The same asked of another model.
  public func asked(of model: Model) -> Question { Question(model, workload, precision) }
  /// The same asked about another workload.
  public func about(_ workload: Workload) -> Question { Question(model, workload, precision) }

  /// The same with another batch.
  public func with(batchSize: Int) -> Question { about(workload.with(batchSize: batchSize)) }
  /// The same after another prompt.
  public func with(promptLength: Int) -> Question { about(workload.with(promptLength: promptLength)) }
  /// The same with another number of generated tokens.
  public func with(generatedLength: Int) -> Question { about(workload.with(generatedLength: generatedLength)) }
  /// The same with another number of continuations.
  public func with(continuations: Int) -> Question { about(workload.with(continuations: continuations)) }
}
