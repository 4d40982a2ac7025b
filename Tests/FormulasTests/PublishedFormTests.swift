import Architectures
import Formulas
import Quantities
import TestModels
import Testing

@Suite struct PublishedFormTests {
  func forms(_ model: Model, _ prompt: Int, _ generated: Int) throws -> [PublishedForm.Identifier: PublishedForm] {
    let workload = Workload(promptLength: prompt, generatedLength: generated)
    return Dictionary(uniqueKeysWithValues: try publishedForms(Question(model, workload)).map { ($0.id, $0) })
  }

  /// L = 2, C = 4, R = 2 over T = 2176: M = 544, 136. The first version prints 680 + 2·2176 + 2·544.
  @Test func `the first version's cache exceeds vanilla's`() throws {
    let forms = try forms(PublishedSize.all[0].photon(), 2048, 128)
    let printed = try #require(forms[.v1CachePrinted])
    #expect(printed.published == 680 + 2 * 2176 + 2 * 544)
    #expect(printed.exact == 680 + 2 * 544 + 2 * 136)
    #expect(printed.note.contains("more than the T of vanilla"))
    #expect(printed.note.contains("exact is what keeping every sequence takes"))
    let retained = try #require(forms[.v1CacheRetained])
    #expect(retained.published == 544 * 3 + 136 * 3)
    #expect(retained.ratio == 1)
    let windowed = try #require(forms[.v1CacheWindowed])
    #expect(windowed.published == 680 + 12)
    #expect(windowed.exact == 680 + 10)
  }

  @Test func `retained condition vectors count the open chunk`() {
    let model = PublishedSize.all[0].photon()
    #expect(retainedVectors(model, contextLength: 32) == [16, 4])
    #expect(retainedVectors(model, contextLength: 33) == [18, 6])
    #expect(retainedVectors(PublishedSize.all[0].vanilla, contextLength: 33) == [])
  }

  /// Closed chunks of R + C − 1 = 5 positions read 15 entries; 128 tokens close 32 and 8 of them.
  @Test func `local forms stand beside exact pairs`() throws {
    let forms = try forms(PublishedSize.all[0].photon(), 2048, 128)
    #expect(forms[.v1LocalAttention]?.published == Int128(32 * 16 + 8 * 16))
    #expect(forms[.v1LocalAttention]?.exact == Int128(32 * 15 + 8 * 15))
    #expect(forms[.v2LocalCacheReads]?.published == Int128(128 * 6 + 32 * 6))
    #expect(forms[.v2LocalCacheReads]?.exact == 600)
    #expect(forms[.v2LocalCacheSize]?.published == 12)
    #expect(forms[.v2LocalCacheSize]?.exact == 10)
    #expect(forms[.v2LocalCompute]?.exact == 10)
  }

  /// A chunk counts C² = 16; exact are (R + C − 1)(R + C)/2 = 15 pairs with R = 2, and 28 with R = 4.
  @Test(arguments: [(2, "Too many"), (4, "Too few")])
  func `the note on local attention says on which side its number is`(condition: Int, words: String) throws {
    var model = PublishedSize.all[0].photon()
    for index in model.levels.indices { model.levels[index].conditionLength = condition }
    let form = try #require(try forms(model, 2048, 128)[.v1LocalAttention])
    #expect(form.note.hasPrefix("\(words) here"))
    #expect((form.published > form.exact) == (condition == 2))
  }

  @Test func `all pairs are twice the causal ones in the limit`() throws {
    let forms = try forms(PublishedSize.all[0].photon(), 1 << 20, 0)
    let ratio = try #require(forms[.v2PrefillAttention]?.ratio)
    #expect(ratio > 1.9999 && ratio < 2)
    #expect(forms[.v2PrefillAttention]?.published == Int128((1 << 36) + (1 << 32)))
    #expect(forms[.v1PrefillAttention]?.exact == forms[.v2PrefillAttention]?.exact)
  }

  @Test func `recursive generation keeps the top level alone`() throws {
    let forms = try forms(PublishedSize.all[0].photon(.cascade, .recursive), 2048, 128)
    #expect(forms[.v2GlobalCacheSize]?.published == 136)
    #expect(forms[.v2GlobalCacheSize]?.ratio == 1)
    // Units 129 … 136 read 129 + … + 136 entries.
    #expect(forms[.v2GlobalCacheReads]?.published == 64)
    #expect(forms[.v2GlobalCacheReads]?.exact == Int128(8 * (129 + 136) / 2))
  }

  @Test func `vanilla gets the rows that apply`() throws {
    let list = try publishedForms(Question(llama, Workload(promptLength: 10, generatedLength: 3)))
    #expect(list.map(\.id) == [.v2PrefillAttention, .v2GlobalCacheSize, .v2GlobalCacheReads])
    #expect(list.map(\.published) == [100, 13, 9])
    #expect(list.map(\.exact) == [55, 13, 11 + 12 + 13])
  }
}
