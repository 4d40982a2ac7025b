import Reporting
import Reports

/// What this machine measured, apart from the computed part.
func measuredSections(_ report: inout ReportBuilder, _ subject: ReportSubject, skipsMeasuring: Bool) async throws {
  report.document.heading("Measured part")
  report.document.paragraph("Nothing was measured for this report: every number above is computed.")
}
