/// The fields of an encoded row as they stand in it: of CSV with their quotes, of JSON Lines with key and braces.
///
/// Rows that begin with the same fields are equal up to there byte by byte, because a row has one encoding.
/// - Parameters:
///   - row: without its line break; an object without objects in it.
///   - encoding: of the row.
public func rowFields(_ row: String, _ encoding: RowEncoding) -> [Substring] {
  var fields: [Substring] = []
  var start = row.startIndex
  var isQuoted = false
  var isEscaped = false
  for index in row.utf8.indices {
    let byte = row.utf8[index]
    if isEscaped {
      isEscaped = false
    } else if byte == UInt8(ascii: "\\"), encoding == .jsonLines {
      isEscaped = true
    } else if byte == UInt8(ascii: "\"") {
      isQuoted.toggle()
    } else if byte == UInt8(ascii: ","), !isQuoted {
      fields.append(row[start..<index])
      start = row.utf8.index(after: index)
    }
  }
  return fields + [row[start...]]
}
