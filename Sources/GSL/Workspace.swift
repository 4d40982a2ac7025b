import CGSL

/// Matrices and vectors of one computation, freed together.
///
/// Owners of single matrices could be released as soon as their pointer was read, while the library still works on it:
/// the caller ends the lifetime of a workspace explicitly, with `defer { workspace.free() }`.
struct Workspace: ~Copyable {
  private var matrices: [UnsafeMutablePointer<gsl_matrix>] = []
  private var vectors: [UnsafeMutablePointer<gsl_vector>] = []

  mutating func matrix(rows: Int, columns: Int) -> UnsafeMutablePointer<gsl_matrix> {
    guard let matrix = gsl_matrix_calloc(rows, columns) else { fatalError("no memory for a matrix") }
    matrices.append(matrix)
    return matrix
  }

  mutating func matrix(_ values: [[Double]], columns: Int) -> UnsafeMutablePointer<gsl_matrix> {
    let matrix = matrix(rows: values.count, columns: columns)
    for (row, line) in values.enumerated() {
      for (column, value) in line.enumerated() { gsl_matrix_set(matrix, row, column, value) }
    }
    return matrix
  }

  mutating func vector(count: Int) -> UnsafeMutablePointer<gsl_vector> {
    guard let vector = gsl_vector_calloc(count) else { fatalError("no memory for a vector") }
    vectors.append(vector)
    return vector
  }

  mutating func vector(_ values: [Double]) -> UnsafeMutablePointer<gsl_vector> {
    let vector = vector(count: values.count)
    for (index, value) in values.enumerated() { gsl_vector_set(vector, index, value) }
    return vector
  }

  mutating func free() {
    for matrix in matrices { gsl_matrix_free(matrix) }
    for vector in vectors { gsl_vector_free(vector) }
    (matrices, vectors) = ([], [])
  }
}

func copy(_ vector: UnsafePointer<gsl_vector>) -> [Double] {
  (0..<vector.pointee.size).map { gsl_vector_get(vector, $0) }
}

func copy(_ matrix: UnsafePointer<gsl_matrix>) -> [[Double]] {
  (0..<matrix.pointee.size1).map { row in (0..<matrix.pointee.size2).map { gsl_matrix_get(matrix, row, $0) } }
}
