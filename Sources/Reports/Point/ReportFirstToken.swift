import Architectures
import Formulas
import Quantities
import Rendering
import Scenarios

extension ReportSubject {
  /// Of which prompts a search speaks: ` for prompts that are multiples of 16,`; nothing where it is all of them.
  var whichPrompts: String {
    let step = model.metaContextLength
    guard step > 1 else { return "" }
    let rest = workload.promptLength % step
    return rest == 0
      ? " for prompts that are multiples of \(number(step)),"
      : " for prompts \(number(rest)) above a multiple of \(number(step)),"
  }

  /// Time to first token beside the rivals', and what the prompts between two meta-contexts do to it and to prefill.
  var firstTokenFindings: [String] {
    guard workload.generatedLength > 0, workload.promptLength > 0, timesAreNumbers else { return [] }
    let own = timeToFirstToken(question)
    let others = rivals.map { rival in
      let other = timeToFirstToken(question.asked(of: rival.model))
      return "\(seconds(other)) for \(codeSpan(rival.name)) (\(pace(own, against: other)))"
    }
    let against = others.isEmpty ? "" : ", against " + others.joined(separator: " and ")
    let first =
      "**Time to first token is \(seconds(own))**, prefill and the first token's own passes\(against)."
    return [first, remainderFinding].compactMap { $0 }
  }

  /// The longest and the shortest prefill among the prompts of one meta-context.
  private var remainderFinding: String? {
    let (step, last) = (model.metaContextLength, workload.promptLength)
    guard step > 1 else { return nil }
    // A meta-context can be of any length: of a very long one its end is looked at.
    let prompts = max(1, last - min(step, 4096) + 1)...last
    let timed = prompts.map { prompt in (prompt: prompt, phases: phases(question.with(promptLength: prompt))) }
    guard
      let longest = timed.max(by: { $0.phases.prefill.total.time < $1.phases.prefill.total.time }),
      let shortest = timed.min(by: { $0.phases.prefill.total.time < $1.phases.prefill.total.time }),
      shortest.phases.prefill.total.time > .zero, longest.phases.timeToFirstToken.isNumber,
      longest.prompt != shortest.prompt
    else { return nil }
    let firstTokens = timed.map(\.phases.timeToFirstToken)
    guard let least = firstTokens.min(), let most = firstTokens.max() else { return nil }
    func text(_ entry: (prompt: Int, phases: TimedPhases)) -> String {
      let figure = entry.phases.prefill.total
      return "\(seconds(figure.time)) at prompt \(number(entry.prompt)) (\(boundText(figure)))"
    }
    let isFlat = most.value < 1.1 * least.value
    return "**Where in a meta-context the prompt ends** moves work between prefill and the first token: of the prompts "
      + "\(number(prompts.lowerBound)) to \(number(last)), prefill is longest with \(text(longest)) and shortest with "
      + "\(text(shortest)). Time to first token is \(isFlat ? "nearly the same at all of them" : "not the same either"), "
      + "\(seconds(least)) to \(seconds(most))."
  }
}
