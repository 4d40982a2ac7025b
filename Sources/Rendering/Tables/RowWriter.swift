import Foundation
import Synchronization

/// Where streamed rows go.
public enum RowDestination: Hashable, Sendable {
  /// A path, which gets its name when everything is written.
  case file(String)
  /// A pipe or a terminal, to which rows go as they come.
  case standardOutput
}

/// Writes chunks of rows in the order of their indices, whichever thread finishes first.
///
/// A file has a temporary name until `finish`. Stopping early and calling `finish` leaves a valid file that holds every
/// row of a prefix of the chunks; `finish` returns how many rows those are.
public final class RowWriter: Sendable {
  private struct State: ~Copyable {
    var file: AtomicFile?
    var nextIndex = 0
    var waiting: [Int: RowChunk] = [:]
    var rowCount = 0
    var failure: FileFailure?
  }

  private let state: Mutex<State>

  /// - Throws: `FileFailure` where the destination cannot be written; nothing is left then.
  public init(_ schema: RowSchema, _ encoding: RowEncoding, to destination: RowDestination) throws(FileFailure) {
    let header = schema.header(encoding)
    switch destination {
    case .file(let path):
      let file = try AtomicFile(path)
      try file.write(header)
      state = Mutex(State(file: file))
    case .standardOutput:
      try writeToStandardOutput(header)
      state = Mutex(State(file: nil))
    }
  }

  /// Takes chunk `index` (0, 1, 2 … each once) and writes it as soon as all before it are written.
  /// - Throws: the first failure, in this call and every later one.
  public func write(_ chunk: RowChunk, at index: Int) throws(FileFailure) {
    try state.withLock { (state: inout sending State) throws(FileFailure) in
      if let failure = state.failure { throw failure }
      precondition(index >= state.nextIndex && state.waiting[index] == nil, "chunk \(index) was written already")
      state.waiting[index] = chunk
      while let next = state.waiting.removeValue(forKey: state.nextIndex) {
        do throws(FileFailure) {
          try Self.write(next.bytes, &state)
        } catch {
          state.failure = error
          throw error
        }
        state.nextIndex += 1
        state.rowCount += next.rowCount
      }
    }
  }

  /// Gives the file its name. Chunks after a gap are dropped: a file is always a prefix of the rows.
  /// - Returns: the rows written.
  public func finish() throws(FileFailure) -> Int {
    try state.withLock { (state: inout sending State) throws(FileFailure) in
      if let failure = state.failure { throw failure }
      if let file = state.file.take() { try file.commit() }
      return state.rowCount
    }
  }

  private static func write(_ bytes: [UInt8], _ state: inout State) throws(FileFailure) {
    if state.file != nil {
      try state.file!.write(bytes)
    } else {
      try writeToStandardOutput(bytes)
    }
  }
}

/// Runs `chunk` for 0 ..< `count` on `threads` threads, each with a worker value of its own, indices handed out in
/// ascending order, until done, a failure, or `isStopped`.
///
/// - Returns: how many chunks were taken; all of them are complete, so they are a prefix.
/// - Throws: the failure of the lowest chunk that failed.
@discardableResult
public func forEachChunk<Worker>(
  count: Int, threads: Int = ProcessInfo.processInfo.activeProcessorCount,
  isStopped: @Sendable () -> Bool = { false },
  worker: @Sendable () -> Worker,
  chunk: @Sendable (Int, inout Worker) throws -> Void
) throws -> Int {
  let next = Atomic(0)
  let failed = Mutex<(index: Int, error: any Error)?>(nil)
  DispatchQueue.concurrentPerform(iterations: max(1, min(threads, count))) { _ in
    var own = worker()
    while !isStopped(), failed.withLock({ $0 == nil }) {
      let index = next.add(1, ordering: .relaxed).oldValue
      guard index < count else { return }
      do {
        try chunk(index, &own)
      } catch {
        failed.withLock { first in
          if first == nil || index < first!.index { first = (index, error) }
        }
      }
    }
  }
  if let failure = failed.withLock({ $0?.error }) { throw failure }
  return min(count, next.load(ordering: .relaxed))
}
