import Architectures
import Foundation
import Reference
import Tensors

/// A stack over tokens in doubles, written from the equations of its families with no kernel, cache or operation of the
/// program: logits of every position from the named tensors alone.
struct StyleOracle {
  let model: Model
  let tensors: [String: [Double]]

  init(_ weights: ModelWeights) {
    model = weights.model
    tensors = Dictionary(
      uniqueKeysWithValues: weights.tensors.map { ($0.name, $0.tensor.elements.map(Double.init)) })
  }

  typealias Rows = [[Double]]

  private func matrix(_ name: String) -> [Double] { tensors[name]! }

  /// w · x + b, of a weight whose rows are as long as x.
  private func map(_ x: [Double], _ name: String) -> [Double] {
    let (weight, bias) = (matrix(name), tensors[name + " bias"])
    return (0..<weight.count / x.count).map { output -> Double in
      var sum = bias?[output] ?? 0
      for input in x.indices { sum += weight[output * x.count + input] * x[input] }
      return sum
    }
  }

  private func norm(_ x: [Double], _ name: String) -> [Double] {
    let (weight, bias) = (matrix(name), tensors[name + " bias"])
    let mean = bias == nil ? 0 : x.reduce(0, +) / Double(x.count)
    let centred = x.map { $0 - mean }
    let squares = centred.reduce(0) { $0 + $1 * $1 }
    let deviation = (squares / Double(x.count) + 1e-5).squareRoot()
    return x.indices.map { index -> Double in
      let scaled = centred[index] / deviation * weight[index]
      return scaled + (bias?[index] ?? 0)
    }
  }

  private func capped(_ value: Double, _ cap: Double) -> Double { cap == 0 ? value : cap * tanh(value / cap) }

  /// A head with its first features rotated: pairs half of them apart.
  private func rotated(_ x: [Double], position: Int, width: Int) -> [Double] {
    var result = x
    for index in 0..<width / 2 {
      let angle = Double(position) * pow(10_000, -2 * Double(index) / Double(width))
      let (a, b) = (x[index], x[index + width / 2])
      result[index] = a * cos(angle) - b * sin(angle)
      result[index + width / 2] = b * cos(angle) + a * sin(angle)
    }
    return result
  }

  /// Queries, keys and values of a position, head by head.
  private func heads(_ x: [Double], _ name: String, layer: Int, position: Int) -> (q: Rows, k: Rows, v: Rows) {
    let (shape, style) = (model.layer, model.layer.style)
    let joint = map(x, "\(name) query key value")
    var (q, k) = (Array(joint[..<shape.queryWidth]), Array(joint[shape.queryWidth...].prefix(shape.keyValueWidth)))
    func cut(_ row: some Collection<Double>) -> Rows {
      let row = Array(row)
      return stride(from: 0, to: row.count, by: shape.headWidth).map { Array(row[$0..<$0 + shape.headWidth]) }
    }
    if style.headNorms == .allHeads { (q, k) = (norm(q, "\(name) query norm"), norm(k, "\(name) key norm")) }
    var (queries, keys) = (cut(q), cut(k))
    if style.headNorms == .eachHead {
      queries = queries.map { norm($0, "\(name) query norm") }
      keys = keys.map { norm($0, "\(name) key norm") }
    }
    let isRotated = style.unrotatedEvery == 0 || (layer + 1) % style.unrotatedEvery != 0
    let width = isRotated ? style.rotatedWidth ?? shape.headWidth : 0
    return (
      queries.map { rotated($0, position: position, width: width) },
      keys.map { rotated($0, position: position, width: width) },
      cut(joint[(shape.queryWidth + shape.keyValueWidth)...])
    )
  }

  private func attention(_ input: Rows, _ name: String, layer: Int) -> Rows {
    let (shape, style) = (model.layer, model.layer.style)
    let all = input.enumerated().map { heads($0.element, name, layer: layer, position: $0.offset) }
    return all.indices.map { position in
      let attended = (0..<shape.heads).flatMap { head -> [Double] in
        let shared = head * shape.keyValueHeads / shape.heads
        let query = all[position].q[head]
        let slope = style.alibi ? pow(2, -8 * Double(head + 1) / Double(shape.heads)) : 0
        let scores = (0...position).map { key -> Double in
          var product = 0.0
          for (a, b) in zip(query, all[key].k[shared]) { product += a * b }
          let scaled = product / Double(shape.headWidth).squareRoot()
          return capped(scaled - slope * Double(position - key), style.scoreCap)
        }
        let weights = scores.map { exp($0 - scores.max()!) }
        let total = weights.reduce(0, +)
        return (0..<shape.headWidth).map { feature -> Double in
          var sum = 0.0
          for key in 0...position { sum += weights[key] / total * all[key].v[shared][feature] }
          return sum
        }
      }
      return map(attended, "\(name) output")
    }
  }

  private func activated(_ x: Double) -> Double {
    switch model.layer.style.activation ?? (model.layer.feedForwardKind == .gated ? .silu : .gelu) {
    case .silu: x / (1 + exp(-x))
    case .gelu:
      x / 2 * (1 + tanh(0.797_884_560_802_865_4 * (x + 0.044715 * x * x * x)))
    case .relu: max(x, 0)
    }
  }

  private func feedForward(_ x: [Double], _ name: String) -> [Double] {
    let (hidden, width) = (map(x, "\(name) gate up"), model.layer.feedForward)
    let isGated = model.layer.feedForwardKind == .gated
    let active = (0..<width).map { index -> Double in
      let value = activated(hidden[index])
      return isGated ? value * hidden[width + index] : value
    }
    return map(active, "\(name) down")
  }

  /// Logits of every position.
  func logits(_ tokens: [Int32]) -> Rows {
    let (style, ends, width) = (model.layer.style, model.ends, model.layer.width)
    let table = matrix("embedding")
    var x: Rows = tokens.enumerated().map { position, token in
      let features = model.tableWidth
      let own = Array(table[Int(token) * features..<(Int(token) + 1) * features])
      let row = ends.embeddingWidth == 0 ? own : map(own, "projection in")
      return (0..<width).map { feature -> Double in
        let scaled = row[feature] * ends.embeddingScale
        return ends.learnedPositions == 0 ? scaled : scaled + matrix("positions")[position * width + feature]
      }
    }
    func added(_ half: Rows, to residual: Rows, _ end: String?) -> Rows {
      zip(half, residual).map { half, residual in
        let inner = style.norms == .behind ? nil : end
        let result = inner.map { norm(half, $0) } ?? half
        let sum = zip(result, residual).map { $0 * style.residualScale + $1 }
        return style.norms == .behind ? norm(sum, end!) : sum
      }
    }
    for layer in 0..<model.layers {
      let name = "stack \(layer)"
      let first = "\(name) attention norm"
      let second = style.order == .parallelOneNorm ? first : "\(name) feed-forward norm"
      func end(_ half: String) -> String? {
        switch style.norms {
        case .before: nil
        case .after, .behind: "\(name) \(half) norm"
        case .around: "\(name) \(half) end norm"
        }
      }
      let isBefore = style.norms == .before || style.norms == .around
      let attended = added(
        attention(isBefore ? x.map { norm($0, first) } : x, name, layer: layer), to: x, end("attention"))
      let read = style.order == .sequential ? attended : x
      x = added(
        read.map { feedForward(isBefore ? norm($0, second) : $0, name) }, to: attended, end("feed-forward"))
    }
    return x.map { row in
      let normed = style.norms == .behind ? row : norm(row, "stack last norm")
      let last = ends.embeddingWidth == 0 ? normed : map(normed, "projection out")
      let head = model.tiedHead ? table : matrix("head")
      return (0..<model.vocabulary).map { token -> Double in
        var logit = 0.0
        for index in last.indices { logit += head[token * last.count + index] * last[index] }
        return capped(logit / ends.logitScale, ends.logitCap)
      }
    }
  }
}
