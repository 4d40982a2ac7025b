import Architectures
import Foundation
import Reference
import Tensors
import TestFolders
import Testing
import Training

struct CheckpointTests {
  /// A checkpoint of a model that has taken some steps, in a folder of its own.
  final class Stored {
    let folder = TestFolders.newPath()
    let weights: ModelWeights
    let optimiser: AdamW
    let metadata: CheckpointMetadata

    /// A context of whole meta-contexts of every subject.
    static let training = {
      var settings = TrainingSettings()
      settings.data.zipfMarkov = ZipfMarkovTask(symbols: 11, successors: 3)
      settings.context = 240
      return settings
    }()

    init(_ subject: Subject = Subject.all[2]) throws {
      weights = ModelWeights.untrained(subject.model, seed: 3)
      optimiser = AdamW(weights)
      for step in 0..<3 { optimiser.step(AdamWTests.gradients(weights, step: step), learningRate: 0.01) }
      metadata = CheckpointMetadata(
        model: subject.model, training: Self.training, step: 3, sequences: 24, dataFingerprint: "0123456789abcdef")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for file in try Checkpoint.files(weights, optimiser: optimiser, metadata: metadata) {
        try file.content.write(to: URL(filePath: folder + "/" + file.name))
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func change(_ name: String, _ body: (inout Data) -> Void) throws {
      let file = URL(filePath: folder + "/" + name)
      var content = try Data(contentsOf: file)
      body(&content)
      try content.write(to: file)
    }

    /// What loading all of it complains about, without the folder.
    func complaint() -> String {
      do {
        _ = try Checkpoint.load(folder).optimiser()
        return "no complaint"
      } catch {
        return error.description.replacing(folder + "/", with: "").replacing(folder, with: "FOLDER")
      }
    }
  }

  @Test(arguments: Subject.all)
  func `what is written is read in every bit, model and optimiser and place`(_ subject: Subject) throws {
    let stored = try Stored(subject)
    let read = try Checkpoint.load(stored.folder)
    #expect(read.model == subject.model)
    #expect(read.metadata.step == 3 && read.metadata.sequences == 24)
    #expect(read.metadata.training == Stored.training)
    let optimiser = try read.optimiser()
    #expect(optimiser.stepCount == 3)
    for (own, other) in zip(stored.weights.tensors, read.weights.tensors) {
      #expect(own.tensor.elements.map(\.bitPattern) == other.tensor.elements.map(\.bitPattern), "\(own.name)")
    }
    for path in [\AdamW.firstMoments, \.secondMoments] {
      let (own, other) = (stored.optimiser[keyPath: path], optimiser[keyPath: path])
      #expect(own.count == other.count && memcmp(own.base, other.base, own.count * 4) == 0)
    }
  }

  @Test func `the output folder of a run stands for its last checkpoint`() throws {
    let stored = try Stored()
    let output = stored.folder + "-run"
    defer { try? FileManager.default.removeItem(atPath: output) }
    for step in [900, 1000, 20] {
      let folder = output + "/" + Checkpoint.name(step: step)
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: stored.folder, toPath: folder)
    }
    #expect(try Checkpoint.load(output).folder == output + "/checkpoint-00001000")
  }

  @Test func `truncated, corrupt and foreign files are refused, each by its name`() throws {
    var stored = try Stored()
    try stored.change("model.safetensors") { $0.removeLast(100) }
    #expect(stored.complaint().hasPrefix("model.safetensors: "))
    stored = try Stored()
    try stored.change("model.safetensors") { $0[$0.count - 3] ^= 1 }
    #expect(
      stored.complaint() == "model.safetensors: the numbers are not those that were written: their checksum differs")
    stored = try Stored()
    try stored.change("optimiser.safetensors") { $0 = Data() }
    #expect(stored.complaint() == "optimiser.safetensors: a file of 0 bytes has no header")
    stored = try Stored()
    try FileManager.default.removeItem(atPath: stored.folder + "/optimiser.safetensors")
    #expect(stored.complaint() == "optimiser.safetensors: no such file")
    stored = try Stored()
    var foreign = SafeTensors()
    foreign.append("transformer.wte.weight", shape: [2], [1, 2] as [Float])
    let content = try foreign.encoded()
    try stored.change("model.safetensors") { $0 = content }
    #expect(stored.complaint() == "model.safetensors: there is no tensor \"encoder embedding\"")
  }

  /// What is said to an edited configuration.
  private func changed(_ old: String, _ new: String) throws -> String {
    let stored = try Stored()
    try stored.change("checkpoint.json") { content in
      let text = String(decoding: content, as: UTF8.self)
      #expect(text.contains(old))
      content = Data(text.replacing(old, with: new, maxReplacements: 1).utf8)
    }
    return stored.complaint()
  }

  @Test func `a configuration that is none, of another version or of another model is refused`() throws {
    #expect(try changed("{", "") == "checkpoint.json: no JSON object")
    #expect(
      try changed("photon-checkpoint-1", "nano-2")
        == "checkpoint.json: format: found \"nano-2\"; accepted: photon-checkpoint-1")
    #expect(try changed("\"vocabulary\"", "\"words\"") == "checkpoint.json: the key vocabulary is missing")
    #expect(
      try changed("\"vocabulary\" : 11", "\"vocabulary\" : 12")
        == "model.safetensors: encoder embedding: found F32 [11, 4]; accepted: F32 [12, 4], as the model has it")
    #expect(
      try changed("\"heads\" : 2", "\"heads\" : \"two\"").hasSuffix("heads: a value of another type"))
    #expect(try changed("\"cascade\"", "\"waterfall\"").hasPrefix("checkpoint.json: model.decoder_input: found"))
    #expect(try changed("\"chunk\" : 2", "\"chunk\" : 0").hasPrefix("checkpoint.json: model.levels[1].chunk: found 0"))
  }

  @Test(arguments: [
    ("context", "240", "0", "found 0; accepted: an integer from 2 to 1048576"),
    ("context", "240", "9223372036854775807", "found 9223372036854775807; accepted: an integer from 2 to 1048576"),
    ("context", "240", "241", "241 tokens are no whole number of meta-contexts of 6; accepted: a multiple of 6"),
    ("evaluation_sequences", "32", "-1", "found -1; accepted: an integer from 1 to 65536"),
    ("seed", "1", "-1", "found -1; accepted: an integer from 0 to 2147483647"),
    ("batch", "8", "-8", "found -8; accepted: an integer from 1 to 65536"),
    ("micro_batches", "1", "0", "found 0; accepted: an integer from 1 to 65536"),
    ("micro_batches", "1", "3", "3 parts do not divide a batch of 8; accepted: a divisor of 8"),
    ("steps", "1000", "0", "found 0; accepted: an integer from 1 to 100000000"),
    ("clip", "1", "0", "found 0.0; accepted: a number from 1e-06 to 1000000000.0"),
    ("warmup", "100", "1000", "1000 steps of 1000; accepted: fewer than the 1000 steps of the run"),
    ("reconstruction_weight", "0", "-1", "found -1.0; accepted: a number from 0 to 1000000"),
    ("data.evaluation_share", "0.05", "1", "found 1.0; accepted: a number from 0 to 0.9"),
    ("data.zipf_markov.symbols", "11", "0", "found 0; accepted: an integer from 1 to 65536"),
    (
      "data.zipf_markov.successors", "3", "200",
      "200 successors among 11 symbols; accepted: at most as many successors as symbols"
    ),
  ])
  func `training settings that no scenario can have are refused`(
    path: String, old: String, new: String, complaint: String
  ) throws {
    let key = path.split(separator: ".").last!
    let said = try changed("\"\(key)\" : \(old)", "\"\(key)\" : \(new)")
    #expect(said == "checkpoint.json: training.\(path): \(complaint)")
  }

  @Test func `a checkpoint of no source of data, or of one without files, is refused`() throws {
    let sources = "; accepted: one of text, tokens, recall, passkey, zipf_markov"
    #expect(
      try changed("\"zipf_markov\"", "\"markov\"") == "checkpoint.json: training.data: no source of data" + sources)
    #expect(
      try changed("\"zipf_markov\"", "\"recall\" : {\"keys\" : 2, \"pairs\" : 2, \"values\" : 2}, \"zipf_markov\"")
        == "checkpoint.json: training.data: recall and zipf_markov are several sources" + sources)
    #expect(
      try changed("\"zipf_markov\"", "\"tokens\" : [], \"markov\"")
        == "checkpoint.json: training.data.tokens: found an empty list; accepted: at least one file")
  }

  @Test func `a place that no run can have reached is refused`() throws {
    #expect(try changed("\"step\" : 3", "\"step\" : -5").hasPrefix("checkpoint.json: step: found -5; accepted: an int"))
    #expect(
      try changed("\"step\" : 3", "\"step\" : 1001")
        == "checkpoint.json: step: found 1001; accepted: an integer from 0 to 1000")
    #expect(
      try changed("\"sequences\" : 24", "\"sequences\" : -24")
        == "checkpoint.json: sequences: found -24; accepted: 24: 3 steps of 8 sequences")
  }

  @Test func `a folder that is none or holds no checkpoint is said to be so`() throws {
    let stored = try Stored()
    try FileManager.default.removeItem(atPath: stored.folder + "/checkpoint.json")
    #expect(stored.complaint() == "FOLDER: no checkpoint; accepted: a folder with checkpoint.json")
    try FileManager.default.removeItem(atPath: stored.folder)
    #expect(stored.complaint() == "FOLDER: no such folder")
  }
}
