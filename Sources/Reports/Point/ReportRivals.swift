import Architectures
import Formulas
import Hardware
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// What a long context is where the grid has none, 128K; and how many times the explained prompt the grid's longest must
  /// be to count as long. Both are chosen.
  private static let usualLongPrompt = 131_072
  private static let longFactor = 4

  /// The prompt that stands for a long context: the grid's longest, if that is long at all, else 128K.
  private var longPrompt: Int {
    let longest = workloads.map(\.promptLength).max() ?? 0
    return longest >= Self.longFactor * max(1, workload.promptLength) ? longest : Self.usualLongPrompt
  }

  /// Over which prompts decode is faster than a rival's.
  func decodeFinding(_ rival: NamedModel) -> String {
    func places(_ question: Question) -> String {
      Reports.describe(decodeLead(over: rival, question), "prompt", positive: "faster", negative: "slower")
    }
    func times(_ question: Question) -> String {
      let (own, other) = (timePerToken(question), timePerToken(question.asked(of: rival.model)))
      return "\(seconds(own)) against \(seconds(other)) per token (\(pace(own, against: other)))"
    }
    let long = question.with(promptLength: longPrompt)
    var text =
      "**Decode against \(codeSpan(rival.name))**\(whichPrompts.isEmpty ? "" : "," + whichPrompts) is \(places(question)): \(times(question)) here, "
      + "\(times(long)) at a prompt of \(number(longPrompt))"
    let largest = workloads.map(\.batchSize).max() ?? workload.batchSize
    if largest > workload.batchSize {
      text += "; at batch \(number(largest)) it is \(places(question.with(batchSize: largest)))"
    }
    return text + "."
  }

  /// Prompts at which decode takes less time than a rival's, whether both fit or not.
  func decodeLead(over rival: NamedModel, _ question: Question) -> [Stretch] {
    stretches(like: question.workload.promptLength, metaContext: question.model.metaContextLength) { prompt in
      let question = question.with(promptLength: prompt)
      return timePerToken(question.asked(of: rival.model)).value - timePerToken(question).value
    }
  }

  private func total(_ question: Question) -> Seconds {
    let phases = phases(question)
    return phases.prefill.total.time + phases.decode.total.time
  }

  /// How many continuations repay a prefill that is dearer than a rival's.
  func continuationsFinding(_ rival: NamedModel) -> String {
    let own = phases(question).prefill.total.time
    let other = phases(question.asked(of: rival.model)).prefill.total.time
    let lead = stretches(in: 1...SearchLimit.continuations) { count in
      let question = question.with(continuations: count)
      return total(question.asked(of: rival.model)).value - total(question).value
    }
    let prefill = "its prefill takes \(seconds(own)) against \(seconds(other)) (\(pace(own, against: other)))"
    let name = "Against \(codeSpan(rival.name)), \(prefill)"
    guard let first = lead.first else { return name + "." }
    if lead.count == 1 {
      guard first.isPositive else {
        return "\(name), and at no doubling of the continuations of a prompt up to "
          + "\(number(SearchLimit.continuations)) are prefill and decode together cheaper."
      }
      let repaid =
        own > other
        ? "the dearer prefill is repaid by the **first** continuation of a prompt"
        : "there is no dearer prefill to repay"
      return "\(name): \(repaid), and prefill and decode together are faster at every doubling of the "
        + "continuations up to \(number(SearchLimit.continuations))."
    }
    return "\(name); with its continuations, a prompt is "
      + Reports.describe(lead, "continuation", positive: "faster", negative: "slower") + "."
  }

  /// What sharing a prefill saves, and from how many continuations on decode is the larger part.
  var sharingFinding: String {
    let weighs = stretches(in: 1...SearchLimit.continuations) { count in
      let phases = phases(question.with(continuations: count))
      return phases.decode.total.time.value - phases.prefill.total.time.value
    }
    let four = total(question.with(continuations: 4))
    let apart = total(question.with(batchSize: 4 * workload.batchSize))
    let part = timed.prefill.total.time.value / total(question).value
    let repaid =
      weighs.first(where: \.isPositive).map { stretch in
        stretch.range.lowerBound == 1
          ? "decode outweighs it from the first continuation on"
          : "decode outweighs it from **\(number(stretch.range.lowerBound))** continuations on"
      } ?? "decode never outweighs it"
    return "**A shared prefill** is \(percent(part)) of the time of one continuation; \(repaid). Four continuations of "
      + "one prompt take \(seconds(four)), four separate prompts in one batch \(seconds(apart)): sharing saves "
      + "\(percent(1 - four.value / apart.value)) of the time."
  }

  /// The cache at the end beside those of the rivals; nil where the model holds none.
  func cacheFinding() throws -> String? {
    let own = cost.cache.bytesAtEnd
    guard own > 0 else { return nil }
    let parts = try rivals.compactMap { rival -> String? in
      let other = try price(question.asked(of: rival.model)).cache.bytesAtEnd
      guard other > 0 else { return nil }
      let times = own <= other ? Double(other) / Double(own) : Double(own) / Double(other)
      return
        "**\(ratio(times)) \(own <= other ? "smaller" : "larger")** than that of \(codeSpan(rival.name)) (\(byteText(other)))"
    }
    let compared = parts.isEmpty ? "" : ": " + parts.joined(separator: ", ")
    return "**The cache** at the end is \(byteText(own))\(compared)."
  }
}
