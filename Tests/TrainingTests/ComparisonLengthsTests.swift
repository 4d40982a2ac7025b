import Testing
import Training

struct ComparisonLengthsTests {
  private func lengths(
    _ available: Int, prompt: Int, length: Int? = nil, following: FollowedTokens = .data
  ) throws(TooFewTokens) -> [Int] {
    let lengths = try ComparisonLengths(
      metaContext: 12, available: available, prompt: prompt, length: length, following: following)
    return [lengths.promptLength, lengths.length, lengths.needed]
  }

  private func complaint(
    _ available: Int, prompt: Int, length: Int? = nil, following: FollowedTokens = .data
  ) -> String? {
    do {
      _ = try lengths(available, prompt: prompt, length: length, following: following)
      return nil
    } catch {
      return error.description
    }
  }

  @Test func `prompt and length are rounded up to whole meta-contexts`() throws {
    #expect(try lengths(100, prompt: 13, length: 25) == [24, 36, 60])
    #expect(try lengths(100, prompt: 24, length: 36) == [24, 36, 60])
    #expect(try lengths(100, prompt: 0, length: 1) == [0, 12, 12])
  }

  @Test func `without a length as much is compared as the data have, and no more than 1024 tokens rounded up`() throws {
    #expect(try lengths(100, prompt: 24) == [24, 72, 96])
    #expect(try lengths(5000, prompt: 24) == [24, 1032, 1056])
  }

  @Test func `tokens behind the prompt are needed only where they are followed`() throws {
    for following in [FollowedTokens.hierarchical, .recursive] {
      #expect(try lengths(24, prompt: 24, length: 600, following: following) == [24, 600, 24])
      #expect(try lengths(24, prompt: 24, following: following) == [24, 1032, 24])
      #expect(complaint(23, prompt: 24, following: following) != nil)
    }
  }

  @Test func `the fewest tokens that are enough are taken, and one fewer is refused`() throws {
    for (prompt, length) in [(0, 1), (13, 25), (24, 12)] {
      let needed = try lengths(1000, prompt: prompt, length: length)[2]
      #expect(complaint(needed, prompt: prompt, length: length) == nil)
      #expect(complaint(needed - 1, prompt: prompt, length: length) != nil)
    }
    #expect(complaint(59, prompt: 13, length: 25) == "59 tokens are too few for a prompt of 24 and 36 more")
    #expect(complaint(35, prompt: 13) == "35 tokens are too few for a prompt of 24 and 12 more")
    #expect(complaint(5, prompt: 13) == "5 tokens are too few for a prompt of 24 and 12 more")
  }

  @Test func `sequences are spread from the beginning of the data to their end`() throws {
    let lengths = try ComparisonLengths(metaContext: 12, available: 100, prompt: 24, length: 36, following: .data)
    #expect((0..<5).map { lengths.start(of: $0, among: 5, in: 100) } == [0, 10, 20, 30, 40])
    #expect(lengths.start(of: 0, among: 1, in: 100) == 0)
  }
}
