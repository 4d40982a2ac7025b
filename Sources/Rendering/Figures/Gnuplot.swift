import Quantities
import Subprocess
import Synchronization

#if canImport(System)
  import System
#else
  import SystemPackage
#endif

/// Why a figure could not be drawn.
public enum FigureFailure: Error, Hashable, CustomStringConvertible {
  /// No such program in `PATH`.
  case gnuplotNotInstalled
  /// Too few files can be open to run a program.
  case noDescriptors(String)
  /// What gnuplot said on its standard error.
  case gnuplotFailed(figure: String, message: String)
  /// The figure was drawn and could not be kept.
  case notWritten(FileFailure)

  public var description: String {
    switch self {
    case .gnuplotNotInstalled:
      "figures need gnuplot, which is not installed: install the package gnuplot-nox (Debian, Ubuntu) "
        + "or gnuplot (Fedora, Arch, Homebrew)"
    case .noDescriptors(let problem): "gnuplot cannot be run: \(problem)"
    case .gnuplotFailed(let figure, let message): "gnuplot could not draw \"\(figure)\": \(message)"
    case .notWritten(let failure): failure.description
    }
  }
}

/// In what form a figure leaves the program.
public enum FigureFormat: String, CaseIterable, Sendable {
  /// Vectors with real text, and pixels.
  case svg, png
}

/// Draws figures with the installed gnuplot. The same figure is the same bytes on every run.
public struct Gnuplot: Sendable {
  private let executable: String

  /// - Parameter executable: the program's name in `PATH`.
  public init(executable: String = "gnuplot") { self.executable = executable }

  /// Finds out whether the program is there, before something that takes long.
  /// - Throws: `FigureFailure`
  public func check() async throws(FigureFailure) {
    do {
      _ = try await Executable.name(executable).resolveExecutablePath(in: .inherit)
    } catch {
      throw .gnuplotNotInstalled
    }
  }

  /// The bytes of a figure.
  /// - Throws: `FigureFailure`
  public func render(_ figure: some Figure, as format: FigureFormat = .svg) async throws(FigureFailure) -> [UInt8] {
    let output = try await run(script(figure, format), figure.title)
    guard format == .svg else { return output }
    return Array(cleaned(String(decoding: output, as: UTF8.self), title: figure.title).utf8)
  }

  /// Draws to a file that appears only when it is complete.
  public func write(_ figure: some Figure, to path: String) async throws(FigureFailure) {
    let bytes = try await render(figure, as: path.hasSuffix(".png") ? .png : .svg)
    do {
      try AtomicFile.write(bytes, to: path)
    } catch {
      throw .notWritten(error)
    }
  }

  private func script(_ figure: some Figure, _ format: FigureFormat) -> String {
    let terminal =
      switch format {
      case .svg: "svg font \"sans,13\" linewidth 1"
      case .png: "pngcairo font \"sans,13\" fontscale 0.75 pointscale 1.3 linewidth 1"
      }
    var script = GnuplotScript(figure.size)
    script.add("set encoding utf8")
    script.add(
      "set terminal \(terminal) noenhanced background rgb \"#ffffff\" size \(figure.size.width),\(figure.size.height)")
    figure.draw(on: &script)
    return script.text
  }

  private func run(_ script: String, _ title: String) async throws(FigureFailure) -> [UInt8] {
    if let problem = descriptorProblem(programs: 1) { throw .noDescriptors(problem) }
    do {
      // A pipe would break where gnuplot ends early.
      let script = try unnamedFile(script)
      defer { try? script.close() }  // It was read, or nobody reads it any more.
      let result = try await Subprocess.run(
        // Neither the person's start-up file nor their locale may change a figure.
        .name(executable), arguments: ["--default-settings", "-"],
        environment: .inherit.updating(["LC_ALL": "C", "GNUTERM": nil]),
        input: .fileDescriptor(script, closeAfterSpawningProcess: false), output: .bytes(limit: 64 << 20),
        error: .string(limit: 1 << 20))
      guard result.terminationStatus.isSuccess, !result.standardOutput.isEmpty else {
        throw FigureFailure.gnuplotFailed(figure: title, message: firstMessage(result.standardError))
      }
      return result.standardOutput
    } catch let failure as FigureFailure {
      throw failure
    } catch let failure as SubprocessError where failure.code == .executableNotFound {
      throw .gnuplotNotInstalled
    } catch {
      throw .gnuplotFailed(figure: title, message: sentence(error))
    }
  }
}

/// gnuplot echoes the line and points at the column before it says what is wrong; the last line is the message.
private func firstMessage(_ text: String) -> String {
  text.split(separator: "\n").last { !$0.allSatisfy(\.isWhitespace) }.map(String.init) ?? "it wrote nothing"
}

/// The title for readers of the text, fonts that exist everywhere, and no version that changes with the machine.
private func cleaned(_ svg: String, title: String) -> String {
  let fonts = "'DejaVu Sans', Verdana, 'Segoe UI', Helvetica, Arial, sans-serif"
  return svg.split(separator: "\n", omittingEmptySubsequences: false)
    .filter { !$0.hasPrefix("<desc>Produced by GNUPLOT") }
    .map { line -> String in
      line.hasPrefix("<title>Gnuplot") ? "<title>\(escapedForXML(title))</title>" : String(line)
    }
    .joined(separator: "\n")
    .replacing("font-family=\"sans\"", with: "font-family=\"\(fonts)\"")
    .replacing("font-family=\"sans:Bold\"", with: "font-family=\"\(fonts)\" font-weight=\"bold\"")
}

private func escapedForXML(_ text: String) -> String {
  visible(text).replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
}
