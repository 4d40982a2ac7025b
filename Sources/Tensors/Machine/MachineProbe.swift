import Architectures
import CKernels

/// What of a run is left out, so that its time says what the rest takes. Results are of no use then, and dispatches are
/// the same.
public enum Probe: String, CaseIterable, Sendable {
  /// Weights and entries are read from a place that stays in the second-level cache: arithmetic is left.
  ///
  /// A product of at most `Machine.streamedRows` rows takes the weights of its first outputs for all of them, attention the
  /// entries of the first head of the first sequence for all heads. Products of more rows run as they are, because each
  /// weight is used so often that where it came from does not count.
  case cached
  /// Weights and entries are read and nothing is computed with them: traffic is left.
  case reading
}

extension Machine {
  /// A product of which something is left out.
  func probe(
    _ probe: Probe, _ x: Tensor, _ map: Linear, input: UnsafePointer<Float>, weight: UnsafePointer<Float>,
    into result: UnsafeMutablePointer<Float>
  ) {
    switch probe {
    case .reading: _ = ck_read(weight, 4 * map.inputs * map.outputs, 1)
    case .cached: ck_linear_cached(x.rows, map.outputs, map.inputs, input, map.inputs, weight, result, map.outputs)
    }
  }

  /// Reads what an attention reads.
  func readEntries(_ shape: AttentionShape, segments: UnsafeBufferPointer<Segment<Float>>) {
    let reading = EntryReading(shape: shape, segments: segments)
    Cut.run(reading, count: shape.groups * shape.layer.keyValueHeads, grain: 1) { part, context in
      let (reading, heads) = Cut<EntryReading>.part(part, of: context)
      reading.run(heads)
    }
  }
}

/// The entries of a range of (group, key–value head) pairs.
private struct EntryReading {
  let shape: AttentionShape
  let segments: UnsafeBufferPointer<Segment<Float>>

  func run(_ heads: Range<Int>) {
    let (count, width) = (shape.layer.keyValueHeads, shape.layer.headWidth)
    for head in heads {
      for segment in segments {
        _ = ck_sum(segment.count * width, segment.keys(group: head / count, head: head % count))
        _ = ck_sum(segment.count * width, segment.values(group: head / count, head: head % count))
      }
    }
  }
}
