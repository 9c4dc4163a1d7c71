import Limits
import NIOCore
import RPC
@testable import Server
import Support
import Testing

/// Prometheus' text, and what is counted in it; `MetricsStories` has another program read it.
struct MetricTests {
    @Test func `what would end a line or a value is escaped`() {
        let metric = Metric.gauge(
            "a", "back\\slash, \"quotes\"\nand a line",
            [([("l", "back\\slash, \"quotes\"\nand a line"), ("m", "ü")], 1)])
        #expect(
            metric.text == #"""
                # HELP a back\\slash, "quotes"\nand a line
                # TYPE a gauge
                a{l="back\\slash, \"quotes\"\nand a line",m="ü"} 1

                """#)
    }

    @Test func `counts and times of months are written to the last digit`() {
        #expect(Metric.counter("a_total", "A.", UInt64.max).text.hasSuffix("\na_total 18446744073709551615\n"))
        let times: [(Duration, String)] = [
            (.zero, "0"), (.nanoseconds(1), "0.000000001"), (.milliseconds(2500), "2.5"), (.seconds(1000), "1000"),
            (.seconds(100_000_000_000) + .nanoseconds(1_000), "100000000000.000001"),
        ]
        for (time, text) in times { #expect(Metric.gauge("a", "A.", time).text.hasSuffix("\na \(text)\n")) }
    }

    @Test func `a duration is in the buckets whose bounds it does not exceed`() {
        var generator = SeededGenerator(seed: 7)
        var histogram = DurationHistogram()
        var times: [Duration] = DurationHistogram.bounds.flatMap { [$0, $0 + .nanoseconds(1)] } + [.zero]
        times += (0..<500).map { _ in .nanoseconds(Int.random(in: 0...2_000_000_000_000, using: &generator)) }
        for time in times { histogram.observe(time) }
        #expect(histogram.sum == times.reduce(.zero, +))
        #expect(histogram.count == UInt64(times.count))
        for (bucket, bound) in zip(histogram.buckets, DurationHistogram.bounds) {
            #expect(bucket.count == UInt64(times.count { $0 <= bound }))
            #expect(Double(bucket.bound) == bound / .seconds(1))
        }
        #expect(histogram.buckets.last?.bound == "+Inf" && histogram.buckets.last?.count == histogram.count)
    }

    @Test func `bounds are steps of 1, 2 and a half, and 5, up to more than a call may take`() {
        let bounds = DurationHistogram.bounds
        for (bound, next) in zip(bounds, bounds.dropFirst()) { #expect(bound < next && next <= bound * 2.5) }
        #expect(bounds.last ?? .zero > .seconds(Limit.callSeconds))
    }

    private static let codes = (0...16 as ClosedRange<Int32>).compactMap(RPCStatus.Code.init)

    /// Every call ends in every way, for months.
    @Test func `however calls end, the text stays short, and nothing that a client wrote is in it`() {
        var counts = CallCounts()
        for method in RPC.Method.allCases.map(Optional.some) + [nil] {
            for code in Self.codes {
                var record = CallRecord(method, number: 1, received: Int.max / 1_000_000)
                record.requestID = "quokka\(code)"
                let status = RPCStatus(
                    code, "zebrafinch", refusal: Refusal(.queueFull, delay: .zero, queuePosition: 1))
                counts.count(record, code == .ok ? .answered : .failed(status), time: .hours(24 * 365))
            }
        }
        let text = counts.metrics.map(\.text).joined()
        #expect(!text.contains("quokka") && !text.contains("zebrafinch"))
        #expect(text.contains(#"dseg_requests_total{op="unknown",code="dataLoss"} 1"#))
        #expect(text.contains(#"dseg_request_seconds_sum{op="Segment"} 536112000"#))
        #expect(text.contains(#"dseg_refusals_total{reason="QUEUE_FULL"} 160"#))
        // Numbers may have twelve digits more; a text of the wire has 65,536 bytes.
        let values = text.utf8.count { $0 == UInt8(ascii: "\n") }
        #expect(text.utf8.count + 12 * values < 60_000, "\(text.utf8.count) in \(values) lines")
    }
}
