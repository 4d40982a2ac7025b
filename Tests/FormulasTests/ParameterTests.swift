import Architectures
import Formulas
import Quantities
import TestModels
import Testing

/// Expected numbers: arXiv:2512.20687v2, Tables 4–12.
@Suite struct ParameterTests {
  @Test(
    arguments: zip(
      PublishedSize.all,
      [
        (53_248_000, 504_418_304, 610_915_968), (57_344_000, 752_424_960, 867_114_752),
        (61_440_000, 1_061_775_360, 1_184_657_280),
      ]))
  func `vanilla totals are the published ones`(size: PublishedSize, published: (table: Int, stack: Int, total: Int)) {
    let inventory = parameters(of: size.vanilla)
    #expect(inventory.components.map(\.name) == ["embedding", "stack", "head"])
    // The published count of the blocks leaves out the last norm.
    #expect(
      inventory.components.map(\.count)
        == [published.table, published.stack + size.width, published.table].map { Int128($0) })
    #expect(inventory.total == Int128(published.total))
    #expect(inventory.startLatents == 0)
  }

  @Test(
    arguments: zip(
      PublishedSize.all,
      [
        (13_312_000, 252_210_816, 5_541_120, 53_248_000, 629_770_752),
        (14_336_000, 376_214_272, 6_426_112, 57_344_000, 887_878_656),
        (15_360_000, 530_889_600, 7_376_640, 61_440_000, 1_207_395_840),
      ]))
  func `block totals are the published ones`(
    size: PublishedSize, published: (encoderTable: Int, stack: Int, converter: Int, table: Int, total: Int)
  ) {
    let inventory = parameters(of: size.block)
    #expect(
      inventory.components.map(\.name) == [
        "encoder embedding", "level 1 encoder", "level 1 converter", "level 1 decoder", "decoder embedding", "head",
      ])
    #expect(
      inventory.components.map(\.count)
        == [
          published.encoderTable, published.stack, published.converter, published.stack, published.table,
          published.table,
        ].map { Int128($0) })
    #expect(inventory.total == Int128(published.total))
    #expect(inventory.startLatents == Int128(size.width))
  }

  @Test(
    arguments: zip(
      PublishedSize.all,
      [
        (13_312_000, 126_106_240, 11_083_904, 5_541_120, 53_248_000, 646_399_104),
        (14_336_000, 188_108_032, 12_854_016, 6_426_112, 57_344_000, 907_162_368),
        (15_360_000, 265_445_760, 14_755_200, 7_376_640, 61_440_000, 1_229_531_520),
      ]))
  func `photon totals are the published ones`(
    size: PublishedSize,
    published: (encoderTable: Int, stack: Int, chunker: Int, converter: Int, table: Int, total: Int)
  ) {
    for (reading, generation) in variants(levels: 2) {
      let inventory = parameters(of: size.photon(reading, generation))
      #expect(
        inventory.components.map(\.name) == [
          "encoder embedding", "level 1 encoder", "level 2 chunker", "level 2 encoder", "level 2 converter",
          "level 2 decoder", "level 1 converter", "level 1 decoder", "decoder embedding", "head",
        ])
      let (stack, converter) = (published.stack, published.converter)
      #expect(
        inventory.components.map(\.count)
          == [
            published.encoderTable, stack, published.chunker, stack, converter, stack, converter, stack,
            published.table, published.table,
          ].map { Int128($0) })
      #expect(inventory.total == Int128(published.total))
      #expect(inventory.startLatents == Int128(reading == .cascade ? size.width : 2 * size.width))
    }
  }

  @Test func `a component is used exactly if some prompt and length give it work`() throws {
    for chunks in [[1, 2], [2, 2], [3, 1, 2]] {
      for (reading, generation) in variants(levels: chunks.count) {
        let model = small(chunks: chunks, conditions: chunks, reading, generation)
        var reached = [Node: Bool]()
        for (prompt, generated) in [(40, 0), (0, 40)] {
          let workload = Workload(promptLength: prompt, generatedLength: generated)
          let cost = try price(Question(model, workload, Precision()))
          for entry in cost.prefill + cost.decode where entry.work.trafficBits > 0 { reached[entry.node] = true }
        }
        for component in parameters(of: model).components {
          #expect(component.used == (reached[node(of: component.name)] ?? false), "\(component.name) \(reading)")
        }
      }
    }
  }

  /// The node whose work shows that a component runs.
  func node(of name: String) -> Node {
    switch name {
    case "encoder embedding": return Node(0, .encoder, .embedding)
    case "decoder embedding": return Node(0, .decoder, .embedding)
    case "head": return Node(0, .decoder, .head)
    default:
      let words = name.split(separator: " ")
      let level = Int(words[1])!
      switch words[2] {
      case "chunker": return Node(level, .encoder, .chunker)
      case "converter": return Node(level, .decoder, .converter)
      default: return Node(level, words[2] == "encoder" ? .encoder : .decoder, .projections)
      }
    }
  }

  @Test func `a tied head counts its table once and is used by every reading`() throws {
    for reading in DecoderInput.allCases {
      var model = PublishedSize.all[0].photon(reading)
      let untied = parameters(of: model)
      model.tiedHead = true
      let tied = parameters(of: model)
      #expect(tied.total == untied.total - 53_248_000)
      let last = try #require(tied.components.last)
      #expect(last.name == "decoder embedding and head" && last.count == 53_248_000 && last.used)
    }
    var vanilla = PublishedSize.all[0].vanilla
    vanilla.tiedHead = true
    #expect(parameters(of: vanilla).components.map(\.name) == ["embedding and head", "stack"])
  }

  @Test func `weights in memory include start latents`() {
    let inventory = parameters(of: PublishedSize.all[0].photon(.reconstruction))
    #expect(inventory.memoryBits(Precision(weights: .int4)) == (646_399_104 + 2 * 1664) * 4)
  }
}
