import Architectures
import Foundation
import Quantities
import Reference
import Tensors

/// Why a checkpoint cannot be used, with the file it is about.
public struct CheckpointError: Error, Hashable, CustomStringConvertible {
  public let description: String

  /// - Parameter description: a sentence that names the file.
  public init(_ description: String) { self.description = description }

  func at(_ path: String) -> CheckpointError { CheckpointError("\(path): \(description)") }
}

/// Where a run stands, apart from its numbers.
public struct CheckpointMetadata: Codable, Hashable, Sendable {
  /// The version of the format that is written and read.
  public static let format = "photon-checkpoint-1"

  /// Always `photon-checkpoint-1`.
  public var format = Self.format
  var model: ModelConfiguration
  /// How it is trained.
  public var training: TrainingSettings
  /// Optimiser steps taken.
  public var step: Int
  /// Sequences read: the position in the seeded order of the data.
  public var sequences: Int
  /// 16 hexadecimal digits over the data's tokens.
  public var dataFingerprint: String
  /// How the roles of its heads were learned, which the model's cache has; nil where they were not.
  public var roles: LearnedRoles?
  /// Of each file of numbers, 16 hexadecimal digits over its bytes.
  var checksums: [String: String] = [:]

  enum CodingKeys: String, CodingKey {
    case format, model, training, step, sequences, roles, checksums
    case dataFingerprint = "data_fingerprint"
  }

  /// The sequences are those read so far.
  public init(model: Model, training: TrainingSettings, step: Int, sequences: Int, dataFingerprint: String) {
    self.model = ModelConfiguration(model)
    self.training = training
    self.step = step
    self.sequences = sequences
    self.dataFingerprint = dataFingerprint
  }

  /// The same run with another cache and the roles in it.
  fileprivate func with(_ roles: LearnedRoles, in model: Model) -> CheckpointMetadata {
    var metadata = self
    (metadata.roles, metadata.model) = (roles, ModelConfiguration(model))
    return metadata
  }

  /// What no run can have written.
  fileprivate func problems(for model: Model) -> [Problem] {
    var problems = training.problems(for: model) + Objective(training).problems(for: model)
    for index in problems.indices { problems[index].key = "training." + problems[index].key }
    guard problems.isEmpty else { return problems }
    if !(0...training.steps).contains(step) {
      problems.append(Problem("step", "found \(step)", accepted: Problem.accepted(0...training.steps)))
    } else if sequences != step * training.batch {
      problems.append(
        Problem(
          "sequences", "found \(sequences)",
          accepted: "\(step * training.batch): \(step) steps of \(training.batch) sequences"))
    }
    if let roles, roles.gates.map(\.count) != Array(repeating: model.layer.keyValueHeads, count: model.layers) {
      problems.append(
        Problem(
          "roles.gates", "found \(roles.gates.count) rows",
          accepted: "\(model.layers) rows, one for each layer, of \(model.layer.keyValueHeads) gates"))
    }
    return problems
  }
}

/// Gates that were learned for a model's heads, and how.
public struct LearnedRoles: Codable, Hashable, Sendable {
  /// How.
  public var settings: RoleSettings
  /// Layer by layer, one for each key–value head: logα of PruLong, α of DuoAttention.
  public var gates: [[Double]]

  /// - Parameters:
  ///   - settings: how they were learned.
  ///   - gates: layer by layer, one behind another.
  ///   - heads: key–value heads of a layer.
  public init(_ settings: RoleSettings, gates: [Double], heads: Int) {
    self.settings = settings
    self.gates = stride(from: 0, to: gates.count, by: heads).map { Array(gates[$0..<$0 + heads]) }
  }
}

/// A trained model and all that its training needs to go on: a folder with `checkpoint.json`, `model.safetensors` and
/// `optimiser.safetensors`, as docs/checkpoint-format.md describes them.
public struct Checkpoint {
  static let configurationName = "checkpoint.json"
  static let weightsName = "model.safetensors"
  static let optimiserName = "optimiser.safetensors"

  /// Where it was read from.
  public let folder: String
  /// Its hyper-parameters.
  public let model: Model
  /// Its parameters.
  public let weights: ModelWeights
  /// Where the run stood.
  public let metadata: CheckpointMetadata

  /// Reads a checkpoint's model.
  /// - Parameter folder: a checkpoint, or the output folder of a training run, whose last checkpoint is taken.
  /// - Throws: `CheckpointError` with the file and what is wrong with it.
  public static func load(_ folder: String) throws(CheckpointError) -> Checkpoint {
    let folder = try place(folder)
    let (metadata, model) = try readMetadata(folder)
    let file = try readFile(weightsName, in: folder, metadata)
    let weights = ModelWeights(model, seed: 0, holdsNumbers: true)
    for (name, tensor) in weights.tensors { file.copy(file.entry(name)!, to: tensor.base!) }
    return Checkpoint(folder: folder, model: model, weights: weights, metadata: metadata)
  }

  /// The folder of a checkpoint.
  /// - Parameter folder: as `load` takes it.
  /// - Throws: `CheckpointError` where it cannot be read.
  public static func place(_ folder: String) throws(CheckpointError) -> String {
    guard !folder.isEmpty else { throw CheckpointError("found no name; accepted: the name of a folder") }
    return try names(in: folder).contains(configurationName) ? folder : latest(in: folder) ?? folder
  }

  /// The configuration of a checkpoint, without its numbers.
  public static func readMetadata(_ folder: String) throws(CheckpointError) -> (CheckpointMetadata, Model) {
    let path = folder + "/" + configurationName
    guard FileManager.default.fileExists(atPath: folder) else { throw CheckpointError("\(folder): no such folder") }
    guard FileManager.default.fileExists(atPath: path) else {
      throw CheckpointError("\(folder): no checkpoint; accepted: a folder with \(configurationName)")
    }
    do {
      let metadata = try JSONDecoder().decode(CheckpointMetadata.self, from: read(path))
      guard metadata.format == CheckpointMetadata.format else {
        throw CheckpointError("format: found \"\(metadata.format)\"; accepted: \(CheckpointMetadata.format)")
      }
      let model = try metadata.model.model()
      if let problem = metadata.problems(for: model).first { throw CheckpointError(problem.description) }
      return (metadata, model)
    } catch let error as CheckpointError {
      throw error.at(path)
    } catch {
      throw CheckpointError("\(path): \(Self.reason(error))")
    }
  }

  /// The optimiser's state, for its model's weights.
  /// - Throws: `CheckpointError` with the file and what is wrong with it.
  public func optimiser() throws(CheckpointError) -> AdamW {
    let training = metadata.training
    let optimiser = AdamW(
      weights,
      settings: .init(beta1: training.beta1, beta2: training.beta2, weightDecay: training.weightDecay),
      stepCount: metadata.step)
    let file = try Self.readFile(Self.optimiserName, in: folder, metadata)
    for (prefix, line) in [("first/", optimiser.firstMoments), ("second/", optimiser.secondMoments)] {
      for (name, tensor) in weights.tensors {
        file.copy(file.entry(prefix + name)!, to: line.tensor(tensor).base!)
      }
    }
    return optimiser
  }

  /// 16 hexadecimal digits over the file of parameters.
  public var weightsChecksum: String { metadata.checksums[Self.weightsName] ?? "" }

  /// The files of the same checkpoint with roles, and with the cache that has them; its numbers are copied.
  /// - Throws: `CheckpointError`
  public func files(with roles: LearnedRoles, cache: StackCache) throws -> [(name: String, content: Data)] {
    var model = model
    model.setCaches { _ in cache }
    let numbers = try [Self.weightsName, Self.optimiserName].map {
      (name: $0, content: try Self.read("\(folder)/\($0)"))
    }
    return numbers + [try Self.configuration(metadata.with(roles, in: model))]
  }

  /// The files of a checkpoint, to be written together.
  public static func files(
    _ weights: ModelWeights, optimiser: AdamW, metadata: CheckpointMetadata
  ) throws -> [(name: String, content: Data)] {
    let lines = [("first/", optimiser.firstMoments), ("second/", optimiser.secondMoments)]
    func shape(_ tensor: Tensor) -> [Int] { [tensor.rows, tensor.columns] }
    var files = [
      (
        name: weightsName,
        content: try SafeTensors.encoded(
          weights.tensors.map { (name, tensor) in (name, shape(tensor), { tensor.elements }) })
      ),
      (
        name: optimiserName,
        content: try SafeTensors.encoded(
          weights.tensors.flatMap { (name, tensor) in
            lines.map { (prefix, line) in (prefix + name, shape(tensor), { line.tensor(tensor).elements }) }
          })
      ),
    ]
    var metadata = metadata
    for file in files { metadata.checksums[file.name] = file.content.withUnsafeBytes { Fingerprint($0).text } }
    files.append(try configuration(metadata))
    return files
  }

  private static func configuration(_ metadata: CheckpointMetadata) throws -> (name: String, content: Data) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return (configurationName, try encoder.encode(metadata) + Data("\n".utf8))
  }
}

extension Checkpoint {
  /// Checkpoints of a run, oldest first; none where there is no such folder.
  /// - Throws: `CheckpointError` where there is one and it cannot be read: it may hold checkpoints.
  public static func all(in output: String) throws(CheckpointError) -> [String] {
    try names(in: output).filter(isName)
      .sorted { Int($0.dropFirst(prefix.count))! < Int($1.dropFirst(prefix.count))! }
      .map { output + "/" + $0 }
  }

  /// The last checkpoint of a run; `nil` where there is none.
  /// - Throws: `CheckpointError` where the folder cannot be read.
  public static func latest(in output: String) throws(CheckpointError) -> String? { try all(in: output).last }

  private static func names(in folder: String) throws(CheckpointError) -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else { return [] }
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw CheckpointError("\(folder): the folder cannot be read")
    }
  }

  private static let prefix = "checkpoint-"

  /// Whether a folder of that name is a checkpoint.
  public static func isName(_ name: String) -> Bool {
    name.hasPrefix(prefix) && Int(name.dropFirst(prefix.count)) != nil
  }

  /// `checkpoint-00001200`
  public static func name(step: Int) -> String {
    let digits = String(step)
    return prefix + String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }
}

extension Checkpoint {
  /// A file of numbers that has every tensor of the model in its shape, and no other.
  private static func readFile(
    _ name: String, in folder: String, _ metadata: CheckpointMetadata
  ) throws(CheckpointError) -> SafeTensors {
    let path = folder + "/" + name
    do {
      let content = try read(path)
      let file = try SafeTensors(content)
      let shapes = ModelWeights(try metadata.model.model(), seed: 0, holdsNumbers: false)
      try compare(file, shapes, prefixes: name == weightsName ? [""] : ["first/", "second/"])
      guard let expected = metadata.checksums[name], expected == content.withUnsafeBytes({ Fingerprint($0).text })
      else {
        throw CheckpointError("the numbers are not those that were written: their checksum differs")
      }
      return file
    } catch let error as CheckpointError {
      throw error.at(path)
    } catch {
      throw CheckpointError("\(path): \(Self.reason(error))")
    }
  }

  private static func compare(
    _ file: SafeTensors, _ weights: ModelWeights, prefixes: [String]
  ) throws(CheckpointError) {
    let entries = Dictionary(file.entries.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    var expected: Set<String> = []
    for prefix in prefixes {
      for (name, tensor) in weights.tensors {
        expected.insert(prefix + name)
        guard let entry = entries[prefix + name] else {
          throw CheckpointError("there is no tensor \"\(prefix + name)\"")
        }
        let shape = [tensor.rows, tensor.columns]
        guard entry.shape == shape, entry.element == .float32 else {
          throw CheckpointError(
            "\(prefix + name): found \(entry.element.rawValue) \(entry.shape); accepted: F32 \(shape), as the model has it"
          )
        }
      }
    }
    if let foreign = file.entries.first(where: { !expected.contains($0.name) }) {
      throw CheckpointError("the model has no tensor \"\(foreign.name)\"")
    }
  }

  private static func read(_ path: String) throws -> Data {
    guard FileManager.default.fileExists(atPath: path) else { throw CheckpointError("no such file") }
    do {
      // Mapped: checkpoints are large, appear whole, and are never written again. A plain path in a URL keeps `..`.
      return try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    } catch {
      throw CheckpointError("it cannot be read")
    }
  }

  /// What a decoder or the system says, in one sentence.
  private static func reason(_ error: any Error) -> String {
    switch error {
    case let error as SafeTensors.Malformed: error.description
    case DecodingError.keyNotFound(let key, _): "the key \(key.stringValue) is missing"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      "\(context.codingPath.map(\.stringValue).joined(separator: ".")): a value of another type"
    case DecodingError.dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "no JSON object"
        : "\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.debugDescription)"
    default: "it cannot be read"
    }
  }
}
