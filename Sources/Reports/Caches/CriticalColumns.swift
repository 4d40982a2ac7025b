import Architectures
import Formulas
import Rendering

/// How a stack's cache is kept, without its numbers: what a small model and a large one can have in common.
struct CacheKind: Hashable {
  private enum Exempt { case none, heads, layers }

  private let retention: Retention.Method
  /// Settings that are no numbers, such as whose budgets.
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
      switch $0.value {
      case .word, .flag: "\($0.key) \($0.value)"
      case .integer, .fraction: nil
      }
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
    let kinds = (cacheClass == .hierarchical ? caches.dropFirst() : caches.prefix(1)).map(CacheKind.init)
    return kinds.contains { $0 != CacheKind(.full) } ? kinds : []
  }
}

extension CriticalSubject {
  /// A column for each dataset: the critical footprint of a small model of the same family whose caches are kept in the
  /// same way. Models with everything kept have their own footprint.
  /// - Parameter datasets: names; nil for all of them.
  func columns(_ datasets: [String]?) -> [TableColumn<CacheRow>] {
    shown(datasets).map { group in
      TableColumn(Column("critical_\(group.dataset)", "critical, \(group.dataset)", .right)) { row in
        cell(of: row.model, among: group.outcomes).map { Cell($0) } ?? .missing
      }
    }
  }

  private func shown(_ datasets: [String]?) -> [(dataset: String, outcomes: [CriticalOutcome])] {
    groups.filter { datasets?.contains($0.dataset) ?? true }
  }

  /// Whether no dataset has anything to say about a model kept so.
  func isUnknown(_ model: Model, _ datasets: [String]?) -> Bool {
    shown(datasets).allSatisfy { cell(of: model, among: $0.outcomes) == nil }
  }

  /// For each dataset, the least that a small Transformer can do with beside what small hierarchies hold.
  func findings(_ datasets: [String]?) -> [String] {
    shown(datasets).compactMap { group in
      let solved = group.outcomes.filter(\.isSolved)
      guard let vanilla = solved.first(where: { $0.run.model.cacheClass != .hierarchical }),
        let best = leastCritical(vanilla)
      else { return nil }
      let hierarchies = solved.filter { $0.run.model.cacheClass == .hierarchical }.map { outcome in
        let own = outcome.full.one.footprint!.footprint
        let least =
          leastCritical(outcome).map { ", and still answers at \(criticalText($0.value)) (\($0.method))" } ?? ""
        return "\(outcome.name) holds \(NumberFormat.fixed(decimals: 3).text(own)) with everything kept\(least)"
      }
      let others =
        group.outcomes.contains { $0.run.model.cacheClass == .hierarchical }
        ? "no hierarchy learnt it" : "no hierarchy was tried"
      return "On \(group.dataset) the small Transformer still answers at a footprint of \(criticalText(best.value)) "
        + "(\(best.method)); " + (hierarchies.isEmpty ? others : hierarchies.joined(separator: "; ")) + "."
    }
  }

  private func cell(of model: Model, among outcomes: [CriticalOutcome]) -> String? {
    guard let outcome = Dictionary(grouping: outcomes, by: \.run.model.family)[model.family]?.first else { return nil }
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
    let tasks = shown(datasets).map { group in
      let names = group.outcomes.map { outcome in
        "\(outcome.name) (\(significant(Double(parameters(of: outcome.run.model).total))) parameters)"
      }
      return
        "\(group.dataset) in \(number(group.outcomes[0].run.training.context)) tokens by \(names.joined(separator: ", "))"
    }
    let folder = journal.split(separator: "/").dropLast().last.map { "../\($0)/report.md" } ?? journal
    return
      "*Critical* footprints are **not of these models**: they are measured on small ones of the same architecture and "
      + "method, with a range of budgets ([report](\(folder)), \(codeSpan(command))): \(tasks.joined(separator: "; ")). It is the "
      + "smallest footprint that keeps \(wholePercent(CriticalPlan.fraction)) of the small model's own score, read from the "
      + "full cache down; `<` is below everything that was tried, `>` above everything but the full cache. A model that "
      + "keeps everything has its own footprint there."
  }
}
