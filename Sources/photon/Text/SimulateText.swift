import Foundation
import Hardware
import Rendering
import Scenarios
import Serving

extension ServedPoint {
  /// Latencies with their names in JSON and for a person.
  private func distributions(_ summary: ServingSummary) -> [(key: String, heading: String, Distribution)] {
    [
      ("time_to_first_token", "time to first token", summary.timeToFirstToken),
      ("queueing", "queueing", summary.queueing),
      ("time_per_output_token", "time per output token", summary.timePerOutputToken),
      ("time_per_output_token_inclusive", "the same from arrival", summary.inclusiveTimePerOutputToken),
      ("inter_token", "between tokens", summary.interToken), ("end_to_end", "end to end", summary.endToEnd),
    ]
  }

  private static let percentileNames = ["p50", "p90", "p95", "p99", "p99_9"]

  /// The object that docs/simulation.md, §9, describes.
  func json(_ summary: ServingSummary, _ totals: ServingTotals, end: Int) -> JSON {
    let latencies = distributions(summary).map { key, _, distribution -> (key: String, value: JSON) in
      let percentiles = zip(Self.percentileNames, distribution.percentiles).map { (key: $0, value: json($1)) }
      return (
        key + "_ns",
        .object(
          [
            ("count", JSON(distribution.count)), ("mean", JSON(distribution.mean)),
            ("half_width", JSON(distribution.halfWidth)),
          ] + percentiles + [("max", distribution.largest.map(json) ?? .null)])
      )
    }
    return .object([
      ("name", .string(name)), ("machine", .string(profile.name)), ("seed", JSON(section.seed)),
      ("replication", JSON(section.replication)),
      (
        "requests",
        .object([
          ("finished", JSON(summary.finished)), ("never_fits", JSON(summary.rejected[.neverFits, default: 0])),
          ("queue_full", JSON(summary.rejected[.queueFull, default: 0])),
          ("skipped_rows", JSON(skipped?.skipped.values.reduce(0, +) ?? 0)),
        ])
      ),
      ("unstable", summary.isUnstable.map(JSON.flag) ?? .null), ("span_ns", summary.span.map { JSON($0) } ?? .null),
      ("requests_per_s", JSON(summary.perSecond(summary.finished))),
      ("tokens_per_s", JSON(summary.perSecond(summary.tokens))),
      ("goodput_per_s", JSON(summary.good.flatMap(summary.perSecond))), ("attainment", JSON(summary.attainment)),
      ("latencies", .object(latencies)),
      (
        "prefix", .object([("hit_tokens", JSON(summary.hitTokens)), ("prompt_tokens", JSON(summary.promptTokens))])
      ),
      (
        "work",
        .object([
          ("end_ns", JSON(end)), ("busy_ns", JSON(totals.busy)), ("passes", JSON(totals.passes)),
          ("fill_tokens", JSON(totals.fillTokens)), ("decode_tokens", JSON(totals.decodeTokens)),
          ("preemptions", JSON(totals.preemptions)), ("swapped_out_blocks", JSON(totals.swappedOut)),
          ("swapped_in_blocks", JSON(totals.swappedIn)), ("moved_bytes", JSON(totals.movedBytes)),
        ])
      ),
    ])
  }

  private func json(_ value: Measured) -> JSON {
    switch value {
    case .integer(let value): JSON(value)
    case .number(let value): .number(value)
    }
  }

  /// The same for a person.
  func text(_ summary: ServingSummary, _ totals: ServingTotals, end: Int) -> String {
    let seconds = NumberFormat.si(unit: "s")
    var table = Table(
      [.text("latency")] + ["mean", "±", "p50", "p90", "p99", "largest"].map { Column($0, nil, .right, as: seconds) })
    for (_, heading, distribution) in distributions(summary) {
      let percentiles = [0, 1, 3].map { index in
        distribution.percentiles.indices.contains(index) ? distribution.percentiles[index].value : nil
      }
      let values = [distribution.mean, distribution.halfWidth] + percentiles + [distribution.largest?.value]
      table.append([.text(heading)] + values.map { Cell($0.map { $0 / 1e9 }) })
    }
    let rate = NumberFormat.significant(4)
    var lines = ["\(name) on \(profile.name): \(summary.finished) requests in \(seconds.text(Double(end) / 1e9))"]
    if let requests = summary.perSecond(summary.finished), let tokens = summary.perSecond(summary.tokens) {
      lines.append("\(rate.text(requests)) requests/s, \(rate.text(tokens)) token/s")
    }
    if let good = summary.good.flatMap(summary.perSecond), let attainment = summary.attainment {
      lines.append(
        "\(rate.text(good)) requests/s keep the limits, \(NumberFormat.percent(decimals: 1).text(100 * attainment))")
    }
    let busy = Double(totals.busy) / Double(max(end, 1)) / Double(question.settings.replicas)
    lines.append("busy \(NumberFormat.percent(decimals: 1).text(100 * busy)), \(totals.preemptions) preemptions")
    if summary.hitTokens > 0 {
      let share = 100 * Double(summary.hitTokens) / Double(summary.promptTokens)
      lines.append("\(NumberFormat.percent(decimals: 1).text(share)) of the prompts were there already")
    }
    for (reason, count) in summary.rejected.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      lines.append("\(count) rejected: \(reason.rawValue)")
    }
    for (reason, count) in (skipped?.skipped ?? [:]).sorted(by: { $0.key < $1.key }) {
      lines.append("\(count) rows passed over: \(reason.rawValue)")
    }
    if summary.isUnstable == true { lines.append("unstable: the queue grows as long as requests come") }
    return lines.joined(separator: "\n") + "\n\n" + table.text(as: .table)
  }

  /// Passes as complete events of one process for each replica, and the number that waits as a counter; ts in µs.
  func chromeTrace(_ passes: [PassRecord], _ served: [ServedRequest]) -> String {
    func time(_ nanoseconds: Int) -> JSON { .number(Double(nanoseconds) / 1000) }
    var events = (0..<question.settings.replicas).map { replica in
      JSON.object([
        ("ph", .string("M")), ("name", .string("process_name")), ("pid", JSON(replica)), ("tid", JSON(0)),
        ("args", .object([("name", .string("replica \(replica)"))])),
      ])
    }
    for pass in passes {
      var (fills, tokens, decodes) = (0, 0, 0)
      for row in pass.rows {
        switch row.kind {
        case .fill(_, let count, _): (fills, tokens) = (fills + 1, tokens + count)
        case .decode: decodes += 1
        }
      }
      let name = fills == 0 ? "decode" : decodes == 0 ? "fill" : "mixed"
      events.append(
        .object([
          ("ph", .string("X")), ("name", .string(name)), ("cat", .string("pass")), ("pid", JSON(pass.replica)),
          ("tid", JSON(0)), ("ts", time(pass.start)), ("dur", time(pass.end - pass.start)),
          (
            "args",
            .object([
              ("fill_rows", JSON(fills)), ("fill_tokens", JSON(tokens)), ("decode_rows", JSON(decodes)),
              ("swap_ns", JSON(pass.swap)),
            ])
          ),
        ]))
    }
    return JSON.object([
      ("displayTimeUnit", .string("ns")), ("traceEvents", .array(events + waiting(served, time))),
    ]).text() + "\n"
  }

  /// How many requests have come and were not scheduled yet, whenever that changes.
  private func waiting(_ served: [ServedRequest], _ time: (Int) -> JSON) -> [JSON] {
    var changes: [Int: Int] = [:]
    for request in served where request.state == .finished {
      changes[request.request.arrival, default: 0] += 1
      if let scheduled = request.scheduled { changes[scheduled, default: 0] -= 1 }
    }
    var count = 0
    return changes.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { moment, change in
      count += change
      return .object([
        ("ph", .string("C")), ("name", .string("waiting")), ("pid", JSON(0)), ("tid", JSON(0)), ("ts", time(moment)),
        ("args", .object([("requests", JSON(count))])),
      ])
    }
  }
}
