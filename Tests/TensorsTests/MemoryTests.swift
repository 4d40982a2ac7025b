import CKernels
import Testing

@Suite struct MemoryTests {
  @Test func `memory above the limit ends the process with a word, and not by a signal`() async throws {
    let outcome = try await #require(
      processExitsWith: .exitCode(1), observing: [\.standardErrorContent]
    ) {
      ck_limit_memory(64 << 20)
      // Given back, it does not count.
      for _ in 0..<9 { ck_free(ck_allocate(8 << 20)) }
      _ = ck_allocate(8 << 20)
      _ = ck_allocate(16 << 20)
    }
    #expect(
      String(decoding: outcome.standardErrorContent, as: UTF8.self).contains(
        "error: no memory: 64 MiB more than the "))
  }

  @Test func `memory that the system does not have ends the process with a word`() async {
    await #expect(processExitsWith: .exitCode(1)) { _ = ck_allocate(1 << 60) }
  }
}
