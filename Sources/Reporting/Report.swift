import Reports

/// The computed part of a report, top to bottom as a reader wants it: answers first, then what they rest on.
/// - Throws: `FigureFailure`, `CountOverflow`
public func computedReport(_ subject: ReportSubject) async throws -> ReportBuilder {
  var report = ReportBuilder()
  subject.header(&report.document)
  subject.findings(&report.document)
  subject.modelSection(&report.document)
  try await subject.costSection(&report)
  try await subject.cacheSection(&report)
  try await subject.latencySection(&report)
  try await subject.rooflineSection(&report)
  try await subject.regimeSection(&report)
  try await subject.gridSection(&report)
  subject.paretoSection(&report.document)
  try subject.publishedSection(&report.document)
  try subject.formulaSection(&report.document)
  return report
}
