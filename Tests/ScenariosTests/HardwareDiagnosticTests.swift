import Scenarios
import Testing

private let sheet = HardwareFixture.sheet

/// The diagnostics of a text, one per line.
private func complaints(_ text: String) -> String {
  do {
    _ = try HardwareFixture.parse(text)
    return "none"
  } catch {
    return error.description
  }
}

@Suite struct HardwareDiagnosticTests {
  @Test func `missing keys are named with what they accept`() {
    #expect(
      complaints("year: 2024\n") == """
        mine.yaml:1:1: error: the key matmul_flops_per_s is missing; accepted: a rate for each of fp32, bf16, fp16, fp8, int8, int4
        mine.yaml:1:1: error: the key elementwise_flops_per_s is missing; accepted: a number above 0, in FLOP/s
        mine.yaml:1:1: error: the key memory_bandwidth_bytes_per_s is missing; accepted: a number above 0, in byte/s
        mine.yaml:1:1: error: the key memory_bytes is missing; accepted: a whole number of bytes from 1 to 10^15, for example 141e9
        """)
  }

  @Test func `an unknown key is refused with the known ones and a near one`() {
    #expect(
      complaints(sheet + "reserv: 0.1\n") == """
        mine.yaml:5:1: error: reserv: unknown key; accepted: name, description, source, year, matmul_flops_per_s, \
        elementwise_flops_per_s, memory_bandwidth_bytes_per_s, caches, displacement_bytes_per_s, memory_bytes, reserve, \
        few_rows, efficiency, type_shares, step_overhead_s, sequence_overhead_s, price_usd_per_hour, board_power_w, \
        host_link_bytes_per_s, host_link_latency_s, host_memory_bytes, device_link_bytes_per_s, \
        last_level_cache_bytes, serving … (25 in all); did you mean reserve?
        """)
  }

  @Test func `an unknown element type is refused`() {
    #expect(
      complaints(sheet.replacing("fp32: 67e12", with: "fp64: 67e12")) == """
        mine.yaml:1:22: error: matmul_flops_per_s.fp64: unknown key; accepted: fp32, bf16, fp16, fp8, int8, int4
        """)
  }

  @Test(arguments: [
    ("-1", "-1"), ("0", "0"), (".nan", "\".nan\""), ("nan", "nan"), (".inf", "\".inf\""), ("1e999", "1e999"),
    ("fast", "\"fast\""), ("\"5\"", "\"5\""), ("[1]", "a list of 1"), ("{a: 1}", "a mapping"), ("", "nothing"),
  ])
  func `a rate is a finite number above zero`(written: String, shown: String) {
    #expect(
      complaints(sheet.replacing("bytes_per_s: 4.8e12", with: "bytes_per_s: \(written)"))
        .replacing(/^mine.yaml:\d+:\d+/, with: "mine.yaml")
        == "mine.yaml: error: memory_bandwidth_bytes_per_s: found \(shown); accepted: a number above 0, in byte/s")
  }

  @Test func `positions point at the value`() {
    #expect(
      complaints(sheet.replacing("bf16: 989e12", with: "bf16: -2")) == """
        mine.yaml:1:41: error: matmul_flops_per_s.bf16: found -2; accepted: a number above 0, in FLOP/s
        """)
  }

  @Test(arguments: ["0", "1.5", "-1", "2e15", "141GB"])
  func `memory is a whole number of bytes`(written: String) {
    let shown = Double(written) == nil ? "\"\(written)\"" : written
    #expect(
      complaints(sheet.replacing("141e9", with: written)) == """
        mine.yaml:4:15: error: memory_bytes: found \(shown); accepted: a whole number of bytes from 1 to 10^15, for \
        example 141e9
        """)
  }

  @Test func `no rate at all is refused`() {
    #expect(
      complaints(sheet.replacing("{fp32: 67e12, bf16: 989e12}", with: "{}")) == """
        mine.yaml:1:21: error: matmul_flops_per_s: found no rate; accepted: at least one of fp32, bf16, fp16, fp8, \
        int8, int4
        """)
  }

  @Test func `a name that is not the file's is refused`() {
    #expect(
      complaints("name: other\n" + sheet)
        == "mine.yaml:1:7: error: name: found \"other\"; accepted: mine, the name of the file")
  }

  @Test func `shares and overheads have their ranges`() {
    let text =
      sheet + """
        reserve: 1
        few_rows: -1
        step_overhead_s: -1e-6
        year: 20240
        efficiency:
          matrix_product: {compute: 1.2, half_size: -3, bandwidth: 0}
          attention: {compute: 1}

        """
    #expect(
      complaints(text) == """
        mine.yaml:5:10: error: reserve: found 1; accepted: a share from 0 to below 1
        mine.yaml:6:11: error: few_rows: found -1; accepted: an integer from 0 to 65536
        mine.yaml:7:18: error: step_overhead_s: found -1e-6; accepted: a number of at least 0
        mine.yaml:8:7: error: year: found 20240; accepted: an integer from 1900 to 2100
        mine.yaml:10:29: error: efficiency.matrix_product.compute: found 1.2; accepted: a share above 0 and at most 1
        mine.yaml:10:45: error: efficiency.matrix_product.half_size: found -3; accepted: a number of at least 0
        mine.yaml:10:60: error: efficiency.matrix_product.bandwidth: found 0; accepted: a share above 0 and at most 1
        mine.yaml:11:3: error: efficiency.attention: unknown key; accepted: matrix_product, few_row_product, one_row_product, \
        attention_prefill, attention_decode, elementwise; did you mean attention_prefill?
        """)
  }

  @Test func `caches grow`() {
    let text =
      sheet + """
        caches:
          - {bytes: 1048576, bandwidth_bytes_per_s: 84e9}
          - {bytes: 1048576, bandwidth_bytes_per_s: 26e9}
          - {bytes: 36e6}

        """
    #expect(
      complaints(text) == """
        mine.yaml:7:13: error: caches[2].bytes: found 1048576; accepted: more than the 1048576 of the level before
        mine.yaml:8:5: error: caches[3]: the key bandwidth_bytes_per_s is missing; accepted: a number above 0, in byte/s
        """)
  }

  @Test func `a range is of a property that a prediction has`() {
    let text =
      sheet + """
        calibration:
          rows: 2
          parameters: 1
          mape_percent: 1
          ranges: [{property: promt, lowest: 1, highest: 2}, {property: rows, lowest: 1, highest: 2}]

        """
    #expect(
      complaints(text) == """
        mine.yaml:9:23: error: calibration.ranges[1].property: found "promt"; accepted: prompt, generated, concurrency, \
        context, parameters, rows, working_set_bytes; did you mean prompt?
        """)
  }

  @Test func `a calibration says how large its error is and its quantiles ascend`() {
    let text =
      sheet + """
        calibration:
          rows: 10
          parameters: 2
          residual_quantiles: [{probability: 0.9, value: 0}, {probability: 0.1, value: 0}]

        """
    #expect(
      complaints(text) == """
        mine.yaml:6:3: error: calibration: the key mape_percent is missing; accepted: a number of at least 0
        mine.yaml:8:68: error: calibration.residual_quantiles[2].probability: found 0.1; accepted: a probability \
        from 0 to 1, ascending
        """)
  }
}
