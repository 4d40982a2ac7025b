import Architectures
import Formulas
import GSL
import Quantities
import Rendering
import Scenarios
import Validation

/// The most points of a large grid that are thought of: no machine measures more of them in a day.
private let mostPlaces = 65_536

/// Draws for each point of a sample: as many as a grid needs of which constraints exclude nine tenths. Chosen.
private let mostDraws = 100

/// A workload of one model that is to be measured, and what of a scenario's grid it is.
package struct MeasuredSubject: Sendable {
  /// As it runs, in 32 bits; `index` is that of the grid's point around it.
  package let point: ScenarioPoint
  /// Whether model and workload are those of the grid's point: it then has the row with its index in a sweep.
  package let isOfGrid: Bool
  /// The value of each axis; missing where it does not apply, as a swept model's does not to one that it is compared with.
  let axes: [Cell]

  /// What runs.
  package var timed: TimedWorkload { TimedWorkload(name: point.name, model: point.model, workload: point.workload) }

  /// The grid's own point, or another model or workload beside it.
  fileprivate init(
    _ point: ScenarioPoint, _ axes: [Scenarios.Axis], model other: NamedModel? = nil, workload: Workload? = nil
  ) {
    var changed = point
    changed.name = other?.name ?? point.name
    changed.question = Question(other?.model ?? point.model, workload ?? point.workload, .float32)
    self.point = changed
    isOfGrid = other == nil && workload == nil
    self.axes = zip(axes, point.axisValues).map { axis, value in
      switch axis.path.prefix(while: \.isLetter) {
      case "model": other == nil ? axis.cell(value) : .missing
      case "workload": workload == nil ? axis.cell(value) : .missing
      // Everything runs in the same precision.
      default: .missing
      }
    }
  }
}

extension Scenarios.Axis {
  /// A label as data have it: a number or a truth value where all labels of the axis are.
  fileprivate func cell(_ label: String) -> Cell {
    guard isLiteral else { return .text(label) }
    return Int128(label).map(Cell.integer) ?? .flag(label == "true")
  }
}

extension Scenario {
  /// What is measured at some positions of the grid: the point with its own workload, or with each one of
  /// `measure.points`, and the models to compare with. Nothing comes twice.
  func measuredSubjects(at positions: some Sequence<Int>) -> [MeasuredSubject] {
    var known: Set<TimedWorkload> = []
    var subjects: [MeasuredSubject] = []
    for point in positions.lazy.compactMap({ grid.point(at: $0) }) {
      for workload in measure.points.isEmpty ? [nil] : measure.points.map(Optional.some) {
        for model in [nil] + compare.map(Optional.some) {
          let subject = MeasuredSubject(point, grid.axes, model: model, workload: workload)
          if known.insert(subject.timed).inserted { subjects.append(subject) }
        }
      }
    }
    return subjects
  }

  /// Everything to be measured, in an order of which every beginning covers the grid evenly.
  package var measuredSubjects: [MeasuredSubject] {
    measuredSubjects(at: measure.slices.map(chosenPositions) ?? firstPositions(mostPlaces))
  }

  /// The points of slices and of a sample without replacement, shuffled by the seed.
  private func chosenPositions(_ slices: MeasuredSlices) -> [Int] {
    let stream = RandomStream(seed: UInt64(measure.seed), name: "measured points")
    var positions = slices.positions(in: grid).filter { grid.point(at: $0) != nil }
    var taken = Set(positions)
    // Of a grid that constraints exclude nearly all of, a sample stays short of what was asked for.
    for _ in 0..<(mostDraws * slices.sample) where taken.count < positions.count + slices.sample {
      let position = stream.integer(in: 0..<grid.count)
      if grid.point(at: position) != nil { taken.insert(position) }
    }
    positions += taken.subtracting(positions).sorted()
    for index in positions.indices.dropLast() {
      positions.swapAt(index, stream.integer(in: index..<positions.count))
    }
    return positions
  }

  /// The grid's own point at a position.
  /// - Precondition: no constraint excludes it.
  package func measuredSubject(at position: Int) -> MeasuredSubject {
    MeasuredSubject(grid.point(at: position)!, grid.axes)
  }

  /// The positions that are visited first.
  func firstPositions(_ count: Int) -> [Int] {
    let order = CoveringOrder(grid)
    return (0..<min(count, order.count)).map(order.position)
  }
}
