import Foundation
import Quantities

/// What an error says to a person: its own words, or of an error of Foundation the file and the system's reason, which stand
/// inside it while it calls itself `NSCocoaErrorDomain Code=512`. Whoever makes an error into text does it here.
public func sentence(_ error: any Error) -> String {
  switch error {
  case let error as CocoaError:
    let reason = error.underlying.map(sentence) ?? error.localizedDescription
    return (error.filePath ?? error.url?.path).map { "\(visible($0)): \(reason)" } ?? reason
  case let error as POSIXError: return String(cString: strerror(error.code.rawValue))
  case let error as DecodingError: return sentence(error)
  case EncodingError.invalidValue(let value, let context):
    return "\(place(context.codingPath)): \(value) cannot be written: \(context.debugDescription)"
  default: return "\(error)"
  }
}

private func sentence(_ error: DecodingError) -> String {
  switch error {
  case .keyNotFound(let key, let context):
    return "\(place(context.codingPath)): the key \(key.stringValue) is missing"
  case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
    return "\(place(context.codingPath)): \(context.debugDescription)"
  @unknown default: return "\(error)"
  }
}

/// `a.b`, or what the whole is called.
private func place(_ path: [any CodingKey]) -> String {
  path.isEmpty ? "the JSON text" : path.map(\.stringValue).joined(separator: ".")
}
