/// Every entry stays.
struct KeepEverything: RetentionCounts {
  func held(after positions: Int) -> Int { positions }
  var bends: [Int] { [] }
}
