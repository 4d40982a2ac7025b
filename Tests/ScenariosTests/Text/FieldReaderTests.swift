import Scenarios
import Testing

struct FieldReaderTests {
  private func read(_ text: String, _ body: (FieldReader) -> Void) throws -> String {
    let collector = DiagnosticCollector()
    body(FieldReader(try YAMLText.parse(text, file: "h.yaml"), path: "", collector: collector))
    do {
      try collector.throwIfAny()
      return "no complaint"
    } catch {
      return error.description
    }
  }

  @Test func `numbers are decimal, finite and in range`() throws {
    func number(_ text: String) throws -> String {
      try read("rate: \(text)\n") { _ = $0.number("rate", in: 0...1e18) }
    }
    for accepted in ["1", "0.5", "989e12", "1.5E-3", "+2"] { #expect(try number(accepted) == "no complaint") }
    for (refused, shown) in [
      ("nan", "nan"), (".inf", "\".inf\""), ("inf", "inf"), ("0x10", "0x10"), ("1e999", "1e999"), ("-1", "-1"),
      ("2e18", "2e18"), ("\"1\"", "\"1\""), ("fast", "\"fast\""),
    ] {
      #expect(try number(refused) == "h.yaml:1:7: error: rate: found \(shown); accepted: a number from 0 to 1e+18")
    }
  }

  @Test func `fields are read by type, and what is left over is unknown`() throws {
    let text = "name: x\ncount: 1_000\nflag: true\nnested: {a: 2, b: 3}\nlist: [1, 2]\nrest: 4\n"
    let complaint = try read(text) { reader in
      #expect(reader.text("name") == "x")
      #expect(reader.integer("count", in: 1...1000) == 1000)
      #expect(reader.boolean("flag") == true)
      #expect(reader.list("list")?.count == 2)
      #expect(reader.integer("absent", default: 7) == 7)
      let nested = reader.mapping("nested")
      #expect(nested?.integer("a") == 2)
      nested?.finish()
      reader.finish()
    }
    #expect(
      complaint == """
        h.yaml:4:16: error: nested.b: unknown key; accepted: a
        h.yaml:6:1: error: rest: unknown key; accepted: name, count, flag, list, absent, nested
        """)
  }

  @Test func `a missing key is said once and reading goes on`() throws {
    let complaint = try read("a: 1\n") { reader in
      #expect(reader.integer("b") == nil)
      #expect(reader.text("c") == nil)
      #expect(reader.integer("a") == 1)
    }
    #expect(complaint == "h.yaml:1:1: error: the key b is missing\nh.yaml:1:1: error: the key c is missing")
  }
}
