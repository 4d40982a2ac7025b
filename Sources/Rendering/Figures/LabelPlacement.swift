/// Puts texts beside points so that they cover neither each other, nor a point, nor a line.
///
/// Greedy: labels are placed one after the other, each at the cheapest of 48 places around its point. That is enough for
/// the few dozen labels a figure can carry, and the result depends on nothing but the input.
struct LabelPlacement {
  struct Placed {
    var text: String
    var box: Box
    /// Where a thin line must lead from the point to the text, if the text stands apart.
    var leader: Point?
  }

  /// Labels must stay inside.
  let bounds: Box
  let fontSize: Int
  /// What labels must not cover: points and other labels.
  var obstacles: [Box] = []
  /// What they should not cover if they can help it.
  private var lines: [Box] = []

  init(bounds: Box, fontSize: Int) {
    self.bounds = bounds
    self.fontSize = fontSize
  }

  mutating func avoid(line: [Point]) { lines += boxes(along: line) }

  mutating func place(_ labels: [(text: String, at: Point)]) -> [Placed] {
    obstacles += labels.map { Box(left: $0.at.x - 5, top: $0.at.y - 5, right: $0.at.x + 5, bottom: $0.at.y + 5) }
    return labels.map { label in
      let best = candidates(label.text, label.at).min { cost($0) < cost($1) }!
      obstacles.append(best.box)
      return Placed(text: label.text, box: best.box, leader: best.distance > 12 ? label.at : nil)
    }
  }

  private typealias Candidate = (box: Box, distance: Double, order: Int)

  private func candidates(_ text: String, _ at: Point) -> [Candidate] {
    let (width, height) = (textWidth(text, size: fontSize), Double(fontSize) + 3)
    let directions: [(x: Double, y: Double)] = [
      (1, 0), (-1, 0), (0, -1), (0, 1), (0.8, -0.8), (0.8, 0.8), (-0.8, -0.8), (-0.8, 0.8),
    ]
    return [9.0, 24, 44, 68, 96, 128].enumerated().flatMap { ring, distance in
      directions.enumerated().map { index, direction in
        // The edge nearest to the point lies at the distance; a label above or below is centred.
        let centreX = at.x + direction.x * (distance + width / 2)
        let centreY = at.y + direction.y * (distance + height / 2)
        let box = Box(
          left: centreX - width / 2, top: centreY - height / 2, right: centreX + width / 2,
          bottom: centreY + height / 2)
        return (box, distance, ring * directions.count + index)
      }
    }
  }

  /// In the order of importance: inside the frame, no text or point covered, few lines crossed, near the point.
  private func cost(_ candidate: Candidate) -> Int {
    let outside = bounds.contains(candidate.box) ? 0 : 100_000
    let covered = obstacles.count { $0.intersects(candidate.box) }
    return outside + 10_000 * covered + 10 * min(90, lines.count(where: candidate.box.intersects)) + candidate.order
  }
}

extension GnuplotScript {
  /// Draws placed labels, with thin lines to those that stand apart.
  mutating func labels(_ placed: [LabelPlacement.Placed]) {
    for label in placed {
      let middle = Point(x: (label.box.left + label.box.right) / 2, y: (label.box.top + label.box.bottom) / 2)
      if let point = label.leader {
        let end = Point(
          x: min(max(point.x, label.box.left), label.box.right), y: min(max(point.y, label.box.top), label.box.bottom))
        line(from: point, to: end, colour: Colour(0xAAAAAA), width: 0.8)
      }
      self.label(label.text, at: middle.x, middle.y, .center, size: 11)
    }
  }
}

/// A line as small boxes along it.
func boxes(along line: [Point]) -> [Box] {
  zip(line, line.dropFirst()).flatMap { start, end in
    let (dx, dy) = (end.x - start.x, end.y - start.y)
    let steps = Int(max(dx.magnitude, dy.magnitude) / 6) + 1
    return (0...steps).map { step in
      let share = Double(step) / Double(steps)
      let (x, y) = (start.x + dx * share, start.y + dy * share)
      return Box(left: x - 2, top: y - 2, right: x + 2, bottom: y + 2)
    }
  }
}
