import Architectures
import Quantities

/// The widest activation of prefill: the largest sum of what one fused operation reads and writes, over the prompt of
/// one sequence. Appended keys and values are cache, not activation.
/// - Unit: bit
/// - Throws: `CountOverflow` where a count of the point could exceed 2^126.
public func widestPrefillActivationBits(
  _ model: Model, promptLength: Int, _ precision: Precision
) throws(CountOverflow) -> Int128 {
  let workload = Workload(promptLength: promptLength, generatedLength: 0)
  var widest: Int128 = 0
  for activity in try activities(Question(model, workload)) {
    if activity.level == 0 {
      let stack = model.tokenStack
      widest = max(widest, stack.rowsInPass(of: activity.decoder.prefill.rows) * stack.widestOperation)
      continue
    }
    let level = model.level(activity.level)
    let encoder = model.encoder(at: activity.level)
    let units = encoder.rowsInPass(of: activity.encoder.prefill.rows)
    widest = max(widest, units * encoder.widestOperation)
    let inputs = Int128(level.chunkerInputs)
    if activity.level == 1 { widest = max(widest, units * inputs) }
    if level.chunker != .concatenation { widest = max(widest, units * (inputs + Int128(level.layer.width))) }

    // Chunks fed with known inputs run in one pass, others begin with the condition positions of all chunks.
    let chunks = activity.decoder.prefill.calls
    let condition = Int128(level.conditionLength)
    let rows =
      model.decoderFeedsItself(at: activity.level) ? chunks * condition : activity.decoder.prefill.rows
    widest = max(widest, rows * model.decoder(at: activity.level).widestOperation)
    widest = max(widest, chunks * (Int128(level.layer.width) + condition * Int128(level.below.width)))
  }
  return widest * Int128(precision.activations.bits)
}

extension Stack {
  /// Rows of a pass of the prompt, those that look ahead among them.
  fileprivate func rowsInPass(of rows: Int128) -> Int128 {
    guard let prefillChunk, rows > prefillChunk else { return rows }
    return Int128(prefillChunk) + min(Int128(lookahead), rows)
  }

  fileprivate var widestOperation: Int128 { runs.reduce(0) { max($0, $1.shape.widestOperation) } }
}

extension LayerShape {
  /// Features that the widest fused operation of a layer reads and writes for a row: norm + Q, K, V; attention; output
  /// product + residual; norm + gate, up; down + residual.
  fileprivate var widestOperation: Int128 {
    let width = Int128(width)
    let query = Int128(queryWidth)
    // A norm that both halves read is written beside the queries.
    let normed = style.order == .parallelOneNorm ? 2 * width + query : 0
    return max(2 * query, query + 2 * width, width + Int128(feedForward), Int128(feedForward) + 2 * width, normed)
  }
}
