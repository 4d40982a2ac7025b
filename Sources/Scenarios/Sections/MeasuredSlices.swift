/// Which points of a large grid a report measures: slices through one point, and a sample of everything. The first value
/// of every axis makes the point in the middle.
public struct MeasuredSlices: Hashable, Sendable {
  /// All points that differ from the one in the middle in some axes alone.
  public struct Slice: Hashable, Sendable {
    /// Axes of the grid, by their places, that take all their values.
    var vary: [Int]
    /// Places of values that stand in for the first one, by axis.
    var at: [Int: Int]
  }

  /// The most points that are measured: of all slices together, and of the sample.
  static let pointLimit = 1_000_000

  /// In the order of the text.
  public var slices: [Slice]
  /// Points of the whole grid besides.
  public var sample: Int

  /// The positions of the slices' points in a grid, each once, those included that constraints exclude.
  public func positions(in grid: Grid) -> [Int] {
    let strides = grid.axes.indices.map { axis in grid.axes[(axis + 1)...].reduce(1) { $0 * $1.labels.count } }
    var seen: Set<Int> = []
    return slices.flatMap { slice in
      let middle = slice.at.reduce(0) { $0 + $1.value * strides[$1.key] }
      return slice.vary.reduce([middle]) { positions, axis in
        positions.flatMap { position in grid.axes[axis].labels.indices.map { position + $0 * strides[axis] } }
      }
    }.filter { seen.insert($0).inserted }
  }

  /// - Parameter section: `measure`, whose keys `slices` and `sample` are read.
  static func read(_ section: FieldReader, _ grid: Grid) -> MeasuredSlices? {
    guard section.has("slices") || section.has("sample") else { return nil }
    let slices = (section.list("slices") ?? []).enumerated().compactMap { index, value in
      slice(FieldReader(value, path: "measure.slices[\(index + 1)]", collector: section.collector), grid)
    }
    let points = slices.reduce(0) { sum, slice in
      sum + slice.vary.reduce(1) { $0 * Double(grid.axes[$1].labels.count) }
    }
    if points > Double(pointLimit) {
      section.report("slices", "slices of \(Int128(points)) points", accepted: "at most \(pointLimit) together")
    }
    return MeasuredSlices(slices: slices, sample: section.integer("sample", default: 0, in: 0...pointLimit) ?? 0)
  }

  private static func slice(_ reader: FieldReader, _ grid: Grid) -> Slice? {
    var slice = Slice(vary: [], at: [:])
    func axis(_ path: String, _ key: String, _ value: PositionedValue) -> Int? {
      let axis = grid.axes.firstIndex { $0.path == path }
      if let axis, !slice.vary.contains(axis) { return axis }
      reader.collector.add(
        Diagnostic(
          value.position, path: reader.path(of: key),
          found: axis == nil ? "found \"\(path)\"" : "\(path), which varies already",
          accepted: "an axis of the grid: " + enumerate(grid.axes.map(\.path))))
      return nil
    }
    reader.require("vary", accepted: "a list of axes, for example [workload.prompt, workload.batch]")
    for value in reader.list("vary") ?? [] {
      if let axis = axis(value.scalar ?? value.flow, "vary", value) { slice.vary.append(axis) }
    }
    if let at = reader.mapping("at"), let entries = reader.value("at")?.entries {
      for entry in entries {
        guard let axis = axis(entry.key, "at", entry.value) else { continue }
        let (label, labels) = (entry.value.scalar ?? entry.value.flow, grid.axes[axis].labels)
        if let place = labels.firstIndex(of: label) {
          slice.at[axis] = place
        } else {
          reader.collector.add(
            Diagnostic(
              entry.value.position, path: at.path(of: entry.key), found: "found \(label)",
              accepted: "one of " + enumerate(labels)))
        }
      }
    }
    reader.finish()
    return slice
  }
}
