import Architectures
import Rendering
import Scenarios
import Training

/// The learned roles of a checkpoint: a row for each layer, and the cache that a scenario can have.
struct RolesText {
  let checkpoint: Checkpoint
  let roles: LearnedRoles

  var text: String {
    guard case .roles(let rows) = checkpoint.model.cache(at: 0).exempt else { return "" }
    let format = NumberFormat.significant(3)
    var table = Table(
      title: "Gates of key–value heads (\(roles.settings.method == .pruLong ? "logα" : "α")), ● full, ○ streaming",
      [Column("layer")] + rows[0].indices.enumerated().map { Column("head_\($0.offset)", "head \($0.offset)") })
    for (layer, row) in rows.enumerated() {
      table.append(
        [Cell(layer)]
          + zip(row, roles.gates[layer]).map { Cell(($0 == "1" ? "● " : "○ ") + format.text($1)) })
    }
    return table.text(as: .table) + "\n" + (ModelText.caches(of: checkpoint.model) ?? "") + "\n"
  }
}
