import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

/// Key–value entries in the memory of the host, and what crosses the link to it, of the whole batch.
public enum HostFigure: CaseIterable, Sendable {
  /// What crosses the link, in either direction.
  case prefillLink, decodeLink
  /// What lies there.
  case afterPrefill, atEnd, peak

  var names: FigureNames {
    switch self {
    case .prefillLink: link(.prefill)
    case .decodeLink: link(.decode)
    case .afterPrefill: held("after prefill", "after_prefill", key: "host_bytes_after_prefill")
    case .atEnd: held("at the end", "at_end", key: "host_bytes_at_end")
    case .peak: held("peak", "peak", key: "host_peak_bytes")
    }
  }

  private func link(_ phase: Phase) -> FigureNames {
    FigureNames(
      "\(phase.rawValue) link traffic", .bytes, column: "\(phase.rawValue)_link_bytes",
      json: .point("\(phase.rawValue).link_bytes"), isObjective: true, sense: .minimise,
      terminal: "link, \(phase.rawValue)")
  }

  private func held(_ state: String, _ column: String, key: String) -> FigureNames {
    FigureNames(
      "cache in the host's memory, \(state)", .bytes, column: "host_cache_\(column)_bytes",
      json: .point("cache.\(key)"), isObjective: true, sense: .minimise, terminal: "held, \(state)")
  }

  /// What `photon explain` calls it.
  public var terminalHeading: String { names.terminal.text }

  /// - Unit: byte
  public func value(_ prefill: Work<Int128>, _ decode: Work<Int128>, _ cache: CacheFigures) -> Int128 {
    switch self {
    case .prefillLink: bytes(prefill.hostBits)
    case .decodeLink: bytes(decode.hostBits)
    case .afterPrefill: cache.hostBytesAfterPrefill
    case .atEnd: cache.hostBytesAtEnd
    case .peak: cache.hostPeakBytes
    }
  }

  /// The same of totals.
  public func value(of totals: PriceTotals) -> Int128 { value(totals.prefill, totals.decode, totals.cache) }
}
