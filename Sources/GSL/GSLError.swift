import CGSL

/// A status other than success that the GNU Scientific Library returned, or an argument that it would have aborted for.
public struct GSLError: Error, Hashable, CustomStringConvertible {
  /// The library's number, for example `GSL_ESING`.
  public let code: Int32
  /// What was tried.
  public let operation: String
  /// The library's text for the number, or what is wrong with an argument.
  public let reason: String

  /// Whether the input was sound, but does not settle an answer: a design without full rank, or no convergence.
  public var isUndetermined: Bool { code == Status.singular || code == Status.unfinished }

  public var description: String { "\(operation): \(reason)" }

  init(_ code: Int32, in operation: String, reason: String? = nil) {
    self.code = code
    self.operation = operation
    self.reason = reason ?? String(cString: gsl_strerror(code))
  }
}

/// The library's own handler aborts the process; every function of this module evaluates this constant first.
private let handlerIsOff: Void = { _ = gsl_set_error_handler_off() }()

func prepare() { handlerIsOff }

func check(_ status: Int32, _ operation: String) throws(GSLError) {
  if status != Status.success { throw GSLError(status, in: operation) }
}

func requireFinite(_ values: [Double], _ operation: String, _ name: String) throws(GSLError) {
  if let index = values.firstIndex(where: { !$0.isFinite }) {
    throw GSLError(
      Status.domain, in: operation, reason: "\(name)[\(index)] is \(values[index]), not a finite number")
  }
}

/// The library's status numbers, which the importer gives as `Int`.
enum Status {
  static let success = Int32(GSL_SUCCESS)
  static let domain = Int32(GSL_EDOM)
  static let memory = Int32(GSL_ENOMEM)
  static let badFunction = Int32(GSL_EBADFUNC)
  static let unfinished = Int32(GSL_EMAXITER)
  static let badLength = Int32(GSL_EBADLEN)
  static let singular = Int32(GSL_ESING)
  static let noProgress = Int32(GSL_ENOPROG)
}
