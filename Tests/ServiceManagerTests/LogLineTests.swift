import Logging
import Support
import Testing

@testable import ServiceManager

struct LogLineTests {
    private let settings = LogSettings(level: .info, words: false)

    /// Texts that would end a line, forge a field or drive a terminal.
    static let hostile = [
        "a\nb", "a\r\nb", "\u{2028}request_id=2", "\u{1B}[31mred", "\u{9B}31m", "x request_id=root", "\" uid=0 \"", "=",
        "\"\u{301} uid=0", "\\", "\\\"", "\u{202E}evil", "\0", "\u{7F}", "e\u{301}\u{200D}", " ", "\t", "\u{A0}", "",
    ]

    @Test func `a line is its message and its fields, in their order, whatever that of the metadata is`() throws {
        let drain = try Drain(isSocket: false)
        let log = drain.logger(settings, isJournal: false, nil)
        log.info(
            "Segment ok in 153 ms",
            metadata: [
                "zebra": "1", "result": "ok", "uid": "1000", "apple": "2", "request_id": "a-1", "queue_ms": "0.5",
            ])
        #expect(
            drain.line()
                == "dsegd: info: Segment ok in 153 ms request_id=a-1 uid=1000 result=ok queue_ms=0.5 apple=2 zebra=1")
    }

    @Test(arguments: [
        (Logger.Level.critical, "<2>"), (.error, "<3>"), (.warning, "<4>"), (.notice, "<5>"), (.info, "<6>"),
        (.debug, "<7>"), (.trace, "<7>"),
    ])
    func `a line for the journal begins with its priority`(level: Logger.Level, mark: String) throws {
        let drain = try Drain(isSocket: true)
        settings.level = .trace
        drain.logger(settings, isJournal: true, nil).log(level: level, "a")
        #expect(drain.line() == "\(mark)a")
    }

    @Test func `a value is read as it was written`() throws {
        var generator = SeededGenerator(seed: 19)
        let alphabet = Array("ab =\"\\,;{}é\u{1F600}\u{301}~0".unicodeScalars)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...20, using: &generator)
            let value = String(
                String.UnicodeScalarView(
                    (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }))
            let line = LogLines.line("<6>", "m", [("k", LogLines.shown(value)), ("after", "1")])
            let read = LogLine(String(decoding: line.dropLast(), as: UTF8.self), after: "<6>m")
            #expect(read?.fields == [.init("k", value), .init("after", "1")], "\(value)")
        }
    }

    @Test(arguments: hostile)
    func `a value from outside stays one value of one line`(value: String) throws {
        let drain = try Drain(isSocket: false)
        drain.logger(settings, isJournal: false, nil)
            .info("m", metadata: ["request_id": .string(value), "uid": "7", "result": "ok"])
        let line = try #require(drain.line())
        let read = try #require(LogLine(line, after: "dsegd: info: m"), "\(line)")
        #expect(read.fields.map(\.key) == ["request_id", "uid", "result"])
        #expect(read["uid"] == "7")
        #expect(
            line.unicodeScalars.allSatisfy { !$0.properties.isBidiControl && $0.properties.generalCategory != .control }
        )
    }

    @Test(arguments: hostile)
    func `a message from outside stays one line`(text: String) throws {
        let drain = try Drain(isSocket: false)
        drain.logger(settings, isJournal: false, nil).info("\(text)")
        let line = try #require(drain.line())
        #expect(
            line.unicodeScalars.allSatisfy { !$0.properties.isBidiControl && $0.properties.generalCategory != .control }
        )
    }

    @Test(arguments: 0..<8)
    func `what is too long is cut between scalars, visibly`(shift: Int) throws {
        let drain = try Drain(isSocket: false)
        let log = drain.logger(settings, isJournal: false, nil)
        let long = String(repeating: "a", count: shift) + String(repeating: "\u{1F600}", count: 3000)
        log.info("\(long)")
        let bytes = drain.taken()
        #expect(bytes.count <= 4096 && bytes.count > 4088 && bytes.last == UInt8(ascii: "\n"))
        #expect(try #require(String(validating: bytes, as: UTF8.self)).hasSuffix("\u{1F600}\u{2026}\n"))

        log.info("m", metadata: ["request_id": .string(long), "uid": "7"])
        let line = try #require(drain.line())
        let read = try #require(LogLine(line, after: "dsegd: info: m"))
        #expect(read["request_id"]?.hasSuffix("\u{1F600}\u{2026}") == true)
        #expect(read["uid"] == "7", "a long value costs its own end, not the other fields")
    }

    @Test func `an identifier of ten megabytes gives a line like any other`() throws {
        let drain = try Drain(isSocket: false)
        let log = drain.logger(settings, isJournal: false, nil)
        for unit in ["a", "\u{1B}", "\"", "\n"] {
            let text = String(repeating: unit, count: 10 << 20)
            log.info("m", metadata: ["request_id": .string(text), "uid": "7", "result": "ok"])
            let line = try #require(drain.line())
            #expect(line.utf8.count < 4096)
            let read = try #require(LogLine(line, after: "dsegd: info: m"))
            #expect(read.fields.map(\.key) == ["request_id", "uid", "result"])
            #expect(read["request_id"].map { $0.utf8.count <= 1024 && $0.hasSuffix("\u{2026}") } == true)
        }
    }

    @Test(arguments: [false, true])
    func `whoever does not read the log holds nobody up`(isSocket: Bool) throws {
        let drain = try Drain(isSocket: isSocket)
        let log = drain.logger(settings, isJournal: false, nil)
        let text = String(repeating: "a", count: 1000)
        for _ in 0..<5000 { log.info("\(text)") }
        let lines = drain.taken().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        #expect(lines.count > 10 && lines.count < 5000)
        #expect(lines.dropLast().allSatisfy { $0.count == text.utf8.count + "dsegd: info: ".utf8.count }, "all whole")
        log.info("and on")
        #expect(drain.line() == "dsegd: info: and on")
    }

    @Test func `a level that changes changes for all loggers, and what is off is not made`() throws {
        let drain = try Drain(isSocket: false)
        let first = drain.logger(settings, isJournal: false, nil)
        let second = first
        var made = 0
        func text() -> Logger.Message {
            made += 1
            return "a"
        }
        first.debug(text())
        #expect(made == 0 && drain.taken().isEmpty)
        settings.level = .debug
        first.debug(text())
        second.debug(text())
        #expect(made == 2)
        #expect(String(decoding: drain.taken(), as: UTF8.self) == "dsegd: debug: a\ndsegd: debug: a\n")
        settings.level = .warning
        first.notice(text())
        second.info(text(), metadata: ["a": "\(text())"])
        #expect(made == 2 && drain.taken().isEmpty)
        for level in Logger.Level.allCases {
            settings.level = level
            #expect(settings.level == level && first.logLevel == level)
        }
    }
}
