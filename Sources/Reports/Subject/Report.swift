import Rendering

/// The computed part of a report, top to bottom as a reader wants it: answers first, then what they rest on. A section
/// that does not apply to the scenario is left out.
/// - Throws: `FigureFailure`, `CountOverflow`, `HardwareError`
public func computedReport(_ subject: ReportSubject) async throws -> ReportBuilder {
  var report = ReportBuilder()
  subject.title(&report.document)
  try subject.findings(&report.document)
  subject.conventions(&report.document)
  subject.modelSection(&report.document)
  try subject.formulaSection(&report.document)
  try await subject.costSection(&report)
  try subject.publishedSection(&report.document)
  try await subject.cacheMethodSection(&report)
  try await subject.cacheSection(&report)
  try await subject.latencySection(&report)
  try await subject.rooflineSection(&report)
  try await subject.regimeSection(&report)
  try subject.machineSection(&report.document)
  try subject.changeSection(&report.document)
  try await subject.heatMapSection(&report)
  try await subject.paretoSection(&report)
  try await subject.throughputSection(&report)
  return report
}
