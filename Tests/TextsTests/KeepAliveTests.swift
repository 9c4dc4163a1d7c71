import Support
import Testing
import Texts

@Suite struct `for how long a model is kept` {
    @Test func `is a number of seconds, or a duration as Go writes them`() throws {
        let durations: [(String, Duration)] = [
            ("0", .zero), ("0s", .zero), ("-0", .zero), ("0.0", .zero), ("0h0m", .zero), ("300", .seconds(300)),
            ("007", .seconds(7)), ("1.5", .milliseconds(1500)), ("5m", .seconds(300)), ("1h30m", .seconds(5400)),
            ("90s", .seconds(90)), ("500ms", .milliseconds(500)), ("2d", .seconds(172_800)),
            ("1.5h", .seconds(5400)), ("1d1h1m1s1ms1us1ns", .seconds(90_061) + .nanoseconds(1_001_001)),
            ("1s1h", .seconds(3601)), ("1m1m", .seconds(120)), ("1m1ms", .milliseconds(60_001)),
            ("1000000000", .seconds(1_000_000_000)), ("1000000000.000000000", .seconds(1_000_000_000)),
        ]
        for (text, duration) in durations {
            #expect(try KeepAlive(text) == .duration(duration), "\(text)")
        }
    }

    @Test func `is for ever where it is negative, however large`() throws {
        for text in [
            "forever", "-1", "-5m", "-0.001", "-1h30m", "-0.0000000000000000000000001", "-99999999999999999999d",
        ] {
            #expect(try KeepAlive(text) == .forever, "\(text)")
        }
    }

    /// What is asked for must not become 0, which lets the model go at once.
    @Test func `is rounded up to nanoseconds`() throws {
        let durations: [(String, Int64)] = [
            ("0.000000001", 1), ("0.0000000001", 1), ("0.0000000010", 1), ("0.0000000011", 2), ("0.1ns", 1),
            ("0.00000000000000000000000000001d", 1), ("0.3333333333333333", 333_333_334),
        ]
        for (text, nanoseconds) in durations {
            #expect(try KeepAlive(text) == .duration(.nanoseconds(nanoseconds)), "\(text)")
        }
    }

    @Test func `of more than a thousand million seconds is refused`() {
        let long = [
            "1000000001", "1000000000.000000001", "999999999s2s", "11575d", "277778h",
            "99999999999999999999999999999999",
            "99999999999999999999999999999999d99999999999999999999999999999d",
        ]
        for text in long {
            let error = #expect(throws: KeepAliveError.self, "\(text)") { try KeepAlive(text) }
            #expect(error == .tooLong(text))
            #expect(
                error?.description == "keep-alive \"\(text)\" is over 1000000000 s: type \"forever\"")
        }
    }

    @Test func `of another grammar is refused with the value and the grammar`() {
        let bad = [
            "", " ", "-", "--1", "+5", "+5m", "nan", "inf", "-inf", "infinity", "5 m", " 5m", "5m ", "5x", "5M", "1e3",
            "1h30", "30 1h", "m", "5mm", "5.m", ".5s", "5.", ".", "1..5", "1.5.5", "1,5", "0x10", "5min", "1w",
            "Forever",
            "FOREVER", "for ever", "-forever", "forever5m", "5m\n", "5m\0", "\u{661}", "\u{FF15}m", "5\u{301}m",
            "5m\u{301}", "5\u{B5}s", "\u{221E}", "true", "null", "\"5m\"", "5;m",
        ]
        for text in bad {
            let error = #expect(throws: KeepAliveError.self, "\(text)") { try KeepAlive(text) }
            #expect(error == .illegal(text))
            #expect(
                error?.description == "keep-alive \"\(text)\" is no time: give 0, seconds (\"300\"), "
                    + "a duration (\"5m\", \"1h30m\", \"90s\", \"500ms\", \"2d\") or \"forever\"")
        }
    }

    @Test func `of ten thousand bytes is refused by its beginning`() {
        let long = [
            String(repeating: "0", count: 10_000), String(repeating: "5m", count: 5000),
            "forever" + String(repeating: "r", count: 10_000), String(repeating: "\u{301}", count: 5000),
        ]
        for text in long {
            let error = #expect(throws: KeepAliveError.self) { try KeepAlive(text) }
            let said = "keep-alive \"\(String(text.unicodeScalars.prefix(64)))\u{2026}\" is no time: give 0"
            #expect(error?.description.utf8.starts(with: said.utf8) == true)
            #expect((error?.description.utf8.count ?? 0) < 300)
        }
        #expect(throws: Never.self) { try KeepAlive(String(repeating: "0", count: 63) + "5") }
        #expect(throws: KeepAliveError.self) { try KeepAlive(String(repeating: "0", count: 64) + "5") }
    }

    @Test func `is written as it is read`() throws {
        let texts = [
            "0", "1ns", "500ms", "1s", "1.5s", "59.999999999s", "1m", "5m", "1h", "1h30m", "1h1s", "1h0.5s", "1d",
            "1d12h", "2d3h4m5.006s", "11574d1h46m40s", "forever",
        ]
        for text in texts {
            #expect(try KeepAlive(text).description == (text == "1ns" ? "0.000000001s" : text))
        }
        var random = SeededGenerator(seed: 17)
        for _ in 0..<20_000 {
            // Of every length: uniform numbers would nearly all be of years.
            let most = Int64(1) << Int64.random(in: 1..<60, using: &random)
            let nanoseconds = min(Int64.random(in: 0..<most, using: &random), 1_000_000_000_000_000_000)
            let kept = KeepAlive.duration(.nanoseconds(nanoseconds))
            #expect(try KeepAlive(kept.description) == kept, "\(kept)")
        }
    }

    @Test func `is the sum of its parts`() throws {
        let units: [(String, Duration)] = [
            ("d", .seconds(86_400)), ("h", .seconds(3600)), ("m", .seconds(60)), ("s", .seconds(1)),
            ("ms", .milliseconds(1)), ("us", .microseconds(1)), ("ns", .nanoseconds(1)),
        ]
        var random = SeededGenerator(seed: 18)
        for _ in 0..<5000 {
            var (text, sum) = ("", Duration.zero)
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                let (name, unit) = units[Int.random(in: 0..<units.count, using: &random)]
                let count = Int.random(in: 0..<2000, using: &random)
                text += "\(count)\(name)"
                sum += unit * count
            }
            #expect(try KeepAlive(text) == .duration(sum), "\(text)")
            if sum > .zero { #expect(try KeepAlive("-\(text)") == .forever, "\(text)") }
        }
    }
}
