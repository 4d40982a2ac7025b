import Foundation
import Reference
import Workbench

/// `serve PRESET PROMPT GENERATE BATCH THREADS`: one model, run once for every line of standard input, so that a peer in
/// another process can be timed in turn. Answers `PREFILL_S DECODE_S`.
@main
struct Serve {
  static func main() throws {}
}
