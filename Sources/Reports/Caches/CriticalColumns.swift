import Architectures
import Formulas
import Rendering

/// How a stack's cache is kept, without its numbers: what a small model and a large one can have in common.
struct CacheKind: Hashable {
  private enum Exempt { case none, heads, layers }

  private let retention: Retention.Method
  /// Settings that are words, such as whose budgets.
  private let words: [String]
  private let exempt: Exempt
  private let lookup: Lookup.Method
  private let entry: EntryForm.Method
  private let placement: Placement.Method

  init(_ cache: StackCache) {
    retention = cache.plan.retention.method
    (lookup, entry) = (cache.plan.lookup.method, cache.plan.entry.method)
    placement = cache.plan.placement.method
    words = cache.plan.retention.settings.compactMap {
      if case .word(let word) = $0.value { word } else { nil }
    }
    exempt =
      switch cache.exempt {
      case .none: .none
      case .heads, .roles: .heads
      case .firstLayers, .everyLayer: .layers
      }
  }
}

extension Model {
  /// Of the stack over the tokens, or of every encoder; empty where everything is kept.
  var cacheKinds: [CacheKind] {
    let kinds = (structure == .stack ? caches.prefix(1) : caches.dropFirst()).map(CacheKind.init)
    return kinds.contains { $0 != CacheKind(.full) } ? kinds : []
  }
}

extension CriticalSubject {
  /// A column for each dataset: the critical footprint of a small model of the same family whose caches are kept in the
  /// same way. Models with everything kept have their own footprint.
  /// - Parameter datasets: names; nil for all of them.
  func columns(_ datasets: [String]?) -> [TableColumn<CacheRow>] {
    (datasets ?? groups.map(\.dataset)).compactMap { name in
      groups.first { $0.dataset == name }.map { group in
        TableColumn(Column("critical_\(name)", "critical, \(name)", .right)) { row in
          cell(of: row.model, among: group.outcomes).map { Cell($0) } ?? .missing
        }
      }
    }
  }

  private func cell(of model: Model, among outcomes: [CriticalOutcome]) -> String? {
    guard let outcome = outcomes.first(where: { $0.run.model.family == model.family }) else { return nil }
    let kinds = model.cacheKinds
    guard !kinds.isEmpty else {
      guard outcome.isSolved else { return "not solved" }
      return outcome.full.one.footprint.map { NumberFormat.fixed(decimals: 3).text($0.footprint) }
    }
    let tried = methods.first { method in
      outcome.budgets(of: method).first.map { row in
        var own = outcome.run.model
        own.setCaches { _ in row.one.cache }
        return own.cacheKinds == kinds
      } ?? false
    }
    guard let tried else { return nil }
    return outcome.isSolved ? outcome.critical(tried, .contiguousFromFull).map(criticalText) : "not solved"
  }

  /// What the columns are about, for the paragraph above the table.
  func columnText(_ datasets: [String]?) -> String {
    let shown = groups.filter { datasets?.contains($0.dataset) ?? true }
    let tasks = shown.map { group in
      let names = group.outcomes.map { outcome in
        "\(outcome.name) (\(significant(Double(parameters(of: outcome.run.model).total))) parameters)"
      }
      return
        "\(group.dataset) in \(number(group.outcomes[0].run.training.context)) tokens by \(names.joined(separator: ", "))"
    }
    let folder = journal.split(separator: "/").dropLast().last.map { "../\($0)/report.md" } ?? journal
    return
      "*Critical* footprints are **not of these models**: they are measured on small ones of the same architecture and "
      + "method, with a range of budgets ([report](\(folder)), `\(command)`): \(tasks.joined(separator: "; ")). It is the "
      + "smallest footprint that keeps \(wholePercent(CriticalPlan.fraction)) of the small model's own score, read from the "
      + "full cache down; `<` is below everything that was tried, `>` above everything but the full cache. A model that "
      + "keeps everything has its own footprint there."
  }
}
