import Foundation

/// A card's name in the one spelling in which names are compared.
struct CardName: Hashable {
  /// Words of vendors and series that drivers and clouds put in front.
  private static let prefixes = [
    "nvidia-", "amd-", "intel-", "apple-", "habana-", "tesla-", "geforce-", "radeon-", "instinct-", "nvidia-tesla-",
  ]

  /// Lower case, words joined by `-`, without vendor and series.
  let normalised: String

  init(_ name: String) {
    var text = name.lowercased().replacing("(tm)", with: "").replacing("(r)", with: "")
    text = text.split { " _-/".contains($0) }.joined(separator: "-")
    // `80 GB` is one word with its number.
    text = text.replacing(/([0-9])-(gb?)(-|$)/) { "\($0.output.1)\($0.output.2)\($0.output.3)" }
    while let prefix = Self.prefixes.first(where: { text.hasPrefix($0) && text.count > $0.count }) {
      text.removeFirst(prefix.count)
    }
    normalised = text
  }

  /// Clouds put the vendor in front of what others write without it, so that a spelling may stand there twice.
  private static let profiles = Dictionary(
    CardNames.spellings.flatMap { card in card.names.map { (CardName($0).normalised, card.profile) } },
    uniquingKeysWith: { first, _ in first })

  /// The shipped profile that is meant; nil where the name is none of its spellings.
  var profile: String? { Self.profiles[normalised] }

  /// Letters and the number behind them, one for each number: `h200` of `h200-sxm`, `a100` and `80` of `a100-80g`.
  private var numbers: [String] {
    normalised.matches(of: /([a-z]*)-?([0-9]+)/).map { String($0.output.1 + $0.output.2) }
  }

  /// A misspelt name for which this one may stand: a card with other numbers is another card.
  func nearMiss(among names: [String]) -> String? {
    let spellings = CardNames.spellings.filter { names.contains($0.profile) }.flatMap(\.names)
    let alike = (names + spellings).filter { CardName($0).numbers == numbers }
    return Scenarios.nearMiss(normalised, among: alike).map { CardName($0).profile ?? $0 }
  }
}

extension ScenarioFiles {
  /// The complaint that a name reaches no profile.
  func missingProfile(_ name: String, from directory: String, at position: Position, path: String) -> Diagnostic {
    let names = names(.hardware, from: directory)
    let card = CardName(name)
    if let meant = CardNames.ambiguous[card.normalised] {
      return Diagnostic(
        position, path: path, found: "more than one card is called \"\(name)\"", accepted: enumerate(meant))
    }
    let kin = CardNames.kin[card.normalised].map { ", a card unlike \($0.profile): \($0.difference)" } ?? ""
    return Diagnostic(
      position, path: path, found: "there is no hardware profile \"\(name)\"" + kin,
      accepted: names.isEmpty ? "the path of a profile's file" : enumerate(names),
      suggestion: kin.isEmpty ? card.nearMiss(among: names) : nil)
  }
}
