import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Reports
import Scenarios

/// The rows of a grid on several machines; docs/sweep-columns.md says what the columns mean.
package struct Sweep: Sendable {
  /// Points that a thread prices at a time.
  package static let chunkLength = 1024

  /// What is priced.
  package let grid: Grid
  /// On which every point is priced, in order.
  package let hardware: [HardwareProfile]
  /// The names of a row's columns.
  package let schema: RowSchema
  private let columns: [SweepColumn]
  /// For each precision of the grid one entry per profile.
  private let machines: [Precision: [SweptMachine]]

  /// - Parameters:
  ///   - grid: whose points are priced.
  ///   - hardware: on which each is.
  ///   - estimates: whether dispatched operations are priced besides the totals of phases.
  ///   - names: of the columns, in order; nil for all of them, with those of the estimates where these are asked for.
  /// - Throws: `HardwareError` where a profile cannot multiply a precision of the grid, `ScenarioError` where there is no
  ///   column of a name; nothing has been written then.
  package init(
    _ grid: Grid, hardware: [HardwareProfile], estimates: Bool = false, columns names: [String]? = nil
  ) throws {
    self.grid = grid
    self.hardware = hardware
    let columns =
      try names.map { try SweepColumn.named($0, of: grid) } ?? SweepColumn.all(of: grid, estimates: estimates)
    self.columns = columns
    let estimates = SweepNeeds(columns).estimates
    schema = RowSchema(columns.map { $0.name(grid) })
    var machines: [Precision: [SweptMachine]] = [:]
    for precision in grid.precisions where machines[precision] == nil {
      var row: [SweptMachine] = []
      for profile in hardware { row.append(try SweptMachine(profile, precision, estimates: estimates)) }
      machines[precision] = row
    }
    self.machines = machines
  }

  /// Stretches of `chunkLength` points, the last one shorter.
  package var chunkCount: Int { (grid.count + Self.chunkLength - 1) / Self.chunkLength }

  /// What one thread prices points with.
  package func worker(_ encoding: RowEncoding) -> SweepWorker {
    SweepWorker(RowBuilder(schema, encoding, capacity: 1 << 20), columns, machines)
  }

  /// Prices every chunk and hands it to the writer.
  /// - Returns: the chunks written; fewer than `chunkCount` after an interrupt.
  /// - Throws: `CountOverflow`, `FileFailure`
  package func run(
    _ encoding: RowEncoding, threads: Int, to writer: RowWriter, _ progress: ProgressBar, _ interrupt: InterruptFlag
  ) throws -> Int {
    try forEachChunk(
      count: chunkCount, threads: threads, isStopped: { interrupt.isRaised },
      worker: { worker(encoding) }
    ) { index, worker in
      let start = index * Self.chunkLength
      let end = min(start + Self.chunkLength, grid.count)
      for position in start..<end {
        guard let point = grid.point(at: position) else { continue }
        try worker.append(point)
      }
      try writer.write(worker.rows.takeChunk(), at: index)
      progress.advance(by: end - start)
    }
  }
}
