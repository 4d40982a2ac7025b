import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

/// Which of some models decodes fastest over prompts and batches on one machine.
struct CacheMap {
  /// What wins where.
  struct Winner {
    /// The fastest of those that fit: a Transformer with any cache, and a hierarchy that keeps everything.
    let vanilla, hierarchy: (name: String, time: Seconds)?

    /// How many times as fast as the Transformer the hierarchy is, where both fit.
    var lead: Double? { hierarchy.flatMap { hierarchy in vanilla.map { $0.time.value / hierarchy.time.value } } }
  }

  let question: Question
  let profile: HardwareProfile
  private let roofline: Roofline
  private let vanilla, hierarchies: [CacheRow]

  /// - Throws: `HardwareError`
  init(_ rows: [CacheRow], _ question: Question, on profile: HardwareProfile) throws {
    (self.question, self.profile) = (question, profile)
    roofline = try Roofline(profile, question.precision)
    vanilla = rows.filter { $0.model.cacheClass != .hierarchical }
    hierarchies = rows.filter { $0.model.cacheClass == .hierarchical && $0.model.hasFullCaches }
  }

  /// - Throws: `CountOverflow`
  func winner(prompt: Int, batch: Int) throws -> Winner {
    let question = question.with(promptLength: prompt).with(batchSize: batch)
    func fastest(_ rows: [CacheRow]) throws -> (name: String, time: Seconds)? {
      try rows.compactMap { row -> (name: String, time: Seconds)? in
        let own = question.asked(of: row.model)
        guard try MemoryDemand(own, devices: profile.devices).fits(batchSize: Int128(batch), on: profile) else {
          return nil
        }
        let decode = TimedPhases(own, roofline).decode.total.time.value
        return (row.name, Seconds(decode / Double(max(1, question.workload.generatedLength))))
      }.min { $0.time < $1.time }
    }
    return Winner(vanilla: try fastest(vanilla), hierarchy: try fastest(hierarchies))
  }

  // MARK: Figure

  private static let prompts = (11...20).map { 1 << $0 }
  private static let batches = (0...9).map { 1 << $0 }

  /// A colour for each Transformer that wins anywhere, pale where a hierarchy decodes faster still.
  /// - Throws: `CountOverflow`
  func figure() throws -> RegimeMap {
    let winners = try Self.batches.map { batch in try Self.prompts.map { try winner(prompt: $0, batch: batch) } }
    let ahead = Set(winners.joined().compactMap { $0.hierarchy?.name })
    let names = vanilla.map(\.name).filter { name in winners.joined().contains { $0.vanilla?.name == name } }
    let colours = names.indices.map { Colour.areas[$0 % Colour.areas.count] }
    let regimes =
      zip(names, colours).flatMap { name, colour in
        [RegimeMap.Regime(name, colour), .init("\(name), a hierarchy faster", colour.tint(0.35))]
      } + [RegimeMap.Regime("only a hierarchy fits", Colour.areas[3].tint(0.35)), .tooLarge]
    let cells = winners.map { row in
      row.map { winner -> RegimeMap.Cell in
        guard let vanilla = winner.vanilla else {
          return .init(regimes.count - (winner.hierarchy == nil ? 1 : 2))
        }
        let place = 2 * names.firstIndex(of: vanilla.name)!
        guard let lead = winner.lead else { return .init(place) }
        return .init(place + (lead > 1 ? 1 : 0), NumberFormat.significant(2).text(lead))
      }
    }
    return RegimeMap(
      title(winners.flatMap(\.self)),
      subtitle: "colours: the Transformer that decodes fastest on \(profile.name); numbers: how many times as fast "
        + "\(hierarchies.map(\.name).filter { name in ahead.contains(name) }.joined(separator: " or ")) is",
      x: "prompt (tokens)", xValues: Self.prompts.map(Double.init), y: "batch (prompts)",
      yValues: Self.batches.map(Double.init), regimes: regimes, cells: cells, size: FigureSize(width: 980, height: 480))
  }

  private func title(_ winners: [Winner]) -> String {
    let fitting = winners.filter { $0.hierarchy != nil || $0.vanilla != nil }
    let ahead = fitting.count { $0.vanilla == nil || ($0.lead ?? 0) > 1 }
    return "A hierarchy decodes fastest at \(ahead) of the \(fitting.count) batches and prompts that fit"
  }

  // MARK: Table

  /// Prompts and batches of the table. Chosen: what one request and a busy server send.
  private static let shownPrompts = [2048, 8192, 32_768, 131_072, 524_288]
  private static let shownBatches = [1, 8, 64, 512]

  /// Some of the map in words.
  /// - Throws: `CountOverflow`
  func table() throws -> Table {
    var table = Table([Column("prompt")] + Self.shownBatches.map { .text("batch \(number($0))") })
    for prompt in Self.shownPrompts {
      let cells = try Self.shownBatches.map { batch -> Cell in
        let winner = try winner(prompt: prompt, batch: batch)
        guard let vanilla = winner.vanilla else {
          return winner.hierarchy.map { Cell("only \(codeSpan($0.name)) \(seconds($0.time))") } ?? .missing
        }
        let beside = winner.hierarchy.map { "; \(codeSpan($0.name)) \(pace($0.time, against: vanilla.time))" } ?? ""
        return Cell("\(codeSpan(vanilla.name)) \(seconds(vanilla.time))\(beside)")
      }
      table.append([Cell(number(prompt))] + cells)
    }
    return table
  }
}
