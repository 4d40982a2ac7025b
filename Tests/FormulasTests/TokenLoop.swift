import Architectures
import Formulas

/// Counts by committing tokens one after another: the slow re-derivation that closed forms are compared with.
///
/// Nothing here is summed in closed form; every position, key, pass and call is counted as it happens.
struct TokenLoop {
  struct Counters: Equatable {
    var encoder: [StackActivity<Int128>]
    var decoder: [StackActivity<Int128>]
    var fed: [Int128]
    var headDispatches: Int128 = 0
  }

  let model: Model
  let prompt: Int
  /// Tokens under one unit of level 0 … L.
  let spans: [Int]
  let drop: Int
  /// Inside a meta-context that runs chunk-parallel, passes are counted once for all its chunks.
  let parallelUntil: Int
  private(set) var tokens = 0
  private(set) var state: Counters
  /// Positions in the open window of each decoder, 0 if none is open.
  private(set) var windows: [Int128]

  init(_ model: Model, prompt: Int, generated: Int) {
    self.model = model
    self.prompt = prompt
    spans = model.levels.reduce(into: [1]) { $0.append($0.last! * $1.chunkLength) }
    let meta = spans.last!
    drop = (prompt + meta - 1) / meta * meta
    let side = model.decoderInput.feedsReconstructions || model.generation == .recursive
    parallelUntil = side ? (prompt + generated) / meta * meta : 0
    let empty = Array(repeating: StackActivity<Int128>(), count: model.levelCount)
    state = Counters(encoder: empty, decoder: empty, fed: Array(repeating: 0, count: model.levelCount))
    windows = Array(repeating: 0, count: model.levelCount)
  }

  func decoderRuns(_ level: Int) -> Bool {
    if level == 1 || model.decoderInput != .encoderState { return true }
    return model.generation == .recursive && tokens >= drop
  }

  mutating func commit() {
    let parallel = tokens >= drop && tokens < parallelUntil
    let opensMeta = tokens % spans.last! == 0
    for level in 1...model.levelCount where decoderRuns(level) {
      let index = level - 1
      let length = model.levels[level].chunkLength
      if parallel && opensMeta {
        state.decoder[index].passes += Int128(length)
        state.decoder[index].callDispatches += 1
        if level == 1 { state.headDispatches += Int128(length) }
      }
      if tokens % spans[level] == 0 {
        windows[index] = 0
        state.decoder[index].calls += 1
        for _ in 0..<model.levels[level].conditionLength { runPosition(index) }
        if !parallel {
          state.decoder[index].passes += 1
          state.decoder[index].callDispatches += 1
        }
      }
    }
    if !parallel { state.headDispatches += 1 }
    for level in 1...model.levelCount where decoderRuns(level) {
      let closesUnit = (tokens + 1) % spans[level - 1] == 0
      let closesChunk = (tokens + 1) % spans[level] == 0
      if closesUnit && !closesChunk {
        state.fed[level - 1] += 1
        runPosition(level - 1)
        if !parallel { state.decoder[level - 1].passes += 1 }
      }
      if closesChunk { windows[level - 1] = 0 }
    }
    tokens += 1
    for level in 1...model.levelCount where tokens % spans[level] == 0 {
      if model.generation == .recursive && level < model.levelCount && tokens > drop { continue }
      let index = level - 1
      state.encoder[index].rows += 1
      state.encoder[index].calls += 1
      state.encoder[index].normRows += 1
      state.encoder[index].pairs += state.encoder[index].rows
      state.encoder[index].cacheReads += state.encoder[index].rows
      if parallel && tokens % spans.last! != 0 { continue }
      state.encoder[index].passes += 1
      state.encoder[index].callDispatches += 1
      state.encoder[index].normDispatches += 1
    }
  }

  private mutating func runPosition(_ index: Int) {
    windows[index] += 1
    state.decoder[index].rows += 1
    state.decoder[index].pairs += windows[index]
    state.decoder[index].localReads += windows[index]
  }

  /// Closed chunks of each decoder that prefill runs because some condition is one of their outputs, found by
  /// following the conditions from chunk to chunk.
  var carriedChunks: [Set<Int>] {
    var carried = Array(repeating: Set<Int>(), count: model.levelCount + 1)
    func need(_ level: Int, _ unit: Int) {
      if level == model.levelCount || unit < 1 { return }
      let length = model.levels[level + 1].chunkLength
      let chunk = (unit + length - 1) / length
      if chunk <= prompt / spans[level + 1] { carried[level + 1].insert(chunk) }
      need(level + 1, chunk - 1)
    }
    if model.decoderInput.feedsReconstructions {
      for level in 1...model.levelCount { need(level, prompt / spans[level]) }
    }
    return Array(carried.dropFirst())
  }
}
