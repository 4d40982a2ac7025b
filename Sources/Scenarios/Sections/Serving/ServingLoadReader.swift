import Serving

/// What users do, and what is looked at.
extension ServingSection {
  private enum Process: String, CaseIterable { case poisson, gamma, regular, closed }
  private enum Thinking: String, CaseIterable { case fixed, exponential }

  /// One request a second by chance where nothing is said.
  static func readLoad(_ reader: FieldReader) -> Load? {
    let hasArrivals = reader.has("arrivals")
    guard let count = reader.integer("requests", default: 1000, in: 1...most) else { return nil }
    guard hasArrivals else { return .open(count: count, .poisson(rate: 1)) }
    guard let section = reader.mapping("arrivals"), reader.value("arrivals")?.entries != nil else { return nil }
    defer { section.finish() }
    guard let process = section.choice("process", default: Process.poisson) else { return nil }
    let rates = 1e-9...1e9
    switch process {
    case .poisson: return section.number("rate", in: rates).map { .open(count: count, .poisson(rate: $0)) }
    case .gamma:
      let (rate, variation) = (section.number("rate", in: rates), section.number("variation", in: 0.01...100))
      guard let rate, let variation else { return nil }
      return .open(count: count, .gamma(rate: rate, variation: variation))
    case .regular:
      return section.integer("gap_ns", in: 0...mostBytes).map { .open(count: count, .regular(gap: $0)) }
    case .closed:
      let users = section.integer("users", in: 1...most)
      let stagger = section.integer("stagger_ns", default: 0, in: 0...mostBytes)
      let delay = section.integer("delay_ns", default: 0, in: 0...mostBytes)
      let think = section.integer("think_ns", default: 0, in: 0...mostBytes)
      guard let users, let stagger, let delay, let think,
        let thinking = section.choice("thinking", default: Thinking.fixed)
      else { return nil }
      let time = thinking == .fixed ? ThinkTime.fixed(think) : .exponential(mean: Double(think))
      return .closed(ClosedLoop(users: users, requests: count, stagger: stagger, delay: delay, think: time))
    }
  }

  /// A number of tokens, or a distribution of it; nil where nothing is said, or after a diagnostic.
  static func readLength(_ reader: FieldReader, _ key: String, least: Int) -> Length? {
    guard reader.has(key) else { return nil }
    guard reader.value(key)?.entries != nil, let section = reader.mapping(key) else {
      return reader.integer(key, in: least...most).map(Length.fixed)
    }
    // Known, whichever of the two forms it is.
    for key in ["uniform", "share", "log_mean", "log_deviation", "min", "max"] { _ = section.has(key) }
    defer { section.finish() }
    if section.has("uniform") {
      let longest = section.integer("uniform", in: 1...most)
      let share = section.number("share", in: 0...1)
      guard let longest, let share else { return nil }
      return .ratio(longest, share: Int((share * 1_000_000).rounded(.toNearestOrEven)))
    }
    section.require("log_mean", accepted: "uniform and share, or log_mean, log_deviation, min and max")
    guard section.has("log_mean"), let mean = section.number("log_mean", in: -40...40),
      let deviation = section.number("log_deviation", in: 0...40),
      let shortest = section.integer("min", default: 1, in: 1...most),
      let longest = section.integer("max", in: shortest...most)
    else { return nil }
    return .logNormal(mean: mean, deviation: deviation, range: shortest...longest)
  }

  private enum BadRows: String, CaseIterable { case stop, skip }

  static func readTrace(_ section: FieldReader, path: (String) -> String?) -> TraceFile? {
    let file = section.file("file", "a trace, relative to this scenario", path)
    let format = section.choice("format", default: TraceFormat.own)
    let bad = section.choice("bad_rows", default: BadRows.stop)
    section.finish()
    guard let file, let format, let bad else { return nil }
    return TraceFile(file: file, format: format, skipsBadRows: bad == .skip)
  }

  static func readLimits(_ section: FieldReader) -> ServiceLimits? {
    func limit(_ key: String) -> Int? {
      // Nanoseconds, as everything that is compared.
      section.has(key) ? section.integer(key, in: 0...mostBytes) : nil
    }
    let limits = ServiceLimits(
      timeToFirstToken: limit("first_token_ns"), timePerOutputToken: limit("output_token_ns"),
      endToEnd: limit("end_to_end_ns"))
    section.finish()
    return limits
  }

  static func readTrim(_ section: FieldReader) -> Trim? {
    defer { section.finish() }
    if section.has("from_ns") || section.has("to_ns") {
      let from = section.integer("from_ns", default: 0, in: 0...Int.max)
      let to = section.integer("to_ns", default: Int.max, in: 0...Int.max)
      guard let from, let to else { return nil }
      return .window(from: from, to: to)
    }
    let (first, last) = (
      section.integer("first", default: 0, in: 0...most), section.integer("last", default: 0, in: 0...most)
    )
    guard let first, let last else { return nil }
    return .requests(first: first, last: last)
  }

  static func readPrice(_ section: FieldReader) -> LinearPrice? {
    let pass = section.integer("pass_ns", in: 0...mostBytes)
    let token = section.integer("fill_token_ns", in: 0...mostBytes)
    let row = section.integer("row_ns", in: 0...mostBytes)
    let context = section.integer("context_ns", default: 0, in: 0...mostBytes)
    section.finish()
    guard let pass, let token, let row, let context else { return nil }
    return LinearPrice(pass: pass, fillToken: token, row: row, context: context)
  }
}
