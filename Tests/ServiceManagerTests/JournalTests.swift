import Glibc
import Logging
import Support
import Testing

@testable import ServiceManager

struct JournalTests {
    private let settings = LogSettings(level: .info, words: false)

    /// A socket where a journal would listen.
    private final class Socket {
        let path: String
        private let descriptor: CInt
        private let directory: TemporaryDirectory

        init() throws {
            directory = try TemporaryDirectory()
            path = "\(directory.path)/journal"
            descriptor = try bind(to: path, kind: SOCK_DGRAM)
        }

        deinit { close(descriptor) }

        /// The next datagram; `nil` where none has come.
        func datagram() -> [UInt8]? {
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 18) { bytes, count in
                count = unsafe max(0, recv(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_DONTWAIT)))
            }
            return bytes.isEmpty ? nil : bytes
        }

        func entry() -> JournalEntry? { datagram().flatMap(JournalEntry.init) }
    }

    @Test func `any bytes are read as they were written`() throws {
        var generator = SeededGenerator(seed: 19)
        let values =
            [
                [], [0], [10], [10, 10], Array("=".utf8), Array("a\nDSEG_UID=0\n".utf8),
                Array(repeating: 10, count: 70_000),
            ]
            + [generator.bytes(70_000)] + (0..<1000).map { _ in generator.bytes(Int.random(in: 0...400)) }
        let fields = values.enumerated().map { JournalEntry.Field(name: "DSEG_\($0.offset)", value: $0.element) }
        let datagram = fields.flatMap { Journal.field($0.name, $0.value) }
        #expect(JournalEntry(datagram)?.fields == fields)
    }

    @Test func `a value of one line and one of several are written as the journal says`() {
        #expect(Journal.field("A", Array("b=c".utf8)) == Array("A=b=c\n".utf8))
        #expect(Journal.field("A", []) == Array("A=\n".utf8))
        #expect(
            Journal.field("A", Array("b\nc".utf8)) == Array("A\n".utf8) + [3, 0, 0, 0, 0, 0, 0, 0]
                + Array("b\nc\n".utf8))
        let long = Array(repeating: UInt8(ascii: "\n"), count: 0x01_02_03)
        #expect(Array(Journal.field("A", long).prefix(10)) == Array("A\n".utf8) + [3, 2, 1, 0, 0, 0, 0, 0])
    }

    @Test func `a field's name is one that the journal accepts`() {
        #expect(Journal.name(of: "request_id") == "DSEG_REQUEST_ID")
        #expect(Journal.name(of: "unet_ms") == "DSEG_UNET_MS")
        for key in ["", "_a", "9", "a b", "a=b", "\n", "ä", String(repeating: "a", count: 1000)] {
            #expect(JournalEntry(Journal.field(Journal.name(of: key), [1]))?.fields.count == 1, "\(key)")
        }
    }

    @Test func `the end of a call is told with all its fields`() throws {
        let (socket, drain) = (try Socket(), try Drain(isSocket: true))
        let log = drain.logger(settings, isJournal: true, Journal(at: socket.path))
        log.info(
            "Segment ok in 153 ms",
            metadata: [
                "request_id": "a-1", "uid": .stringConvertible(1000), "method": "Segment", "model": "demo",
                "result": "ok",
                "queue_ms": "0.5", "unet_ms": "99.1",
            ])
        let entry = try #require(socket.entry())
        #expect(
            entry.fields.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" } == [
                "MESSAGE=Segment ok in 153 ms", "PRIORITY=6", "SYSLOG_IDENTIFIER=dsegd",
                "MESSAGE_ID=0a57b5e314bb44c5ad83a2f211c000d2", "DSEG_REQUEST_ID=a-1", "DSEG_UID=1000",
                "DSEG_METHOD=Segment", "DSEG_MODEL=demo", "DSEG_RESULT=ok", "DSEG_QUEUE_MS=0.5", "DSEG_UNET_MS=99.1",
            ])
        log.error("of several\nlines", metadata: ["uid": "7"])
        let other = try #require(socket.entry())
        #expect(other["MESSAGE"] == "of several\nlines" && other["PRIORITY"] == "3" && other["DSEG_UID"] == "7")
        #expect(other["MESSAGE_ID"] == nil, "no call has ended")
        #expect(socket.datagram() == nil && drain.taken().isEmpty, "told once")
    }

    @Test(arguments: LogLineTests.hostile + [String(repeating: "\n", count: 10 << 20)])
    func `a text from outside forges no field`(text: String) throws {
        let (socket, drain) = (try Socket(), try Drain(isSocket: true))
        let log = drain.logger(settings, isJournal: true, Journal(at: socket.path))
        log.info("\(text)", metadata: ["request_id": .string(text), "uid": "7", "result": "ok"])
        let datagram = try #require(socket.datagram())
        #expect(datagram.count < 20_000)
        let entry = try #require(JournalEntry(datagram))
        let names = [
            "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "MESSAGE_ID", "DSEG_REQUEST_ID", "DSEG_UID", "DSEG_RESULT",
        ]
        #expect(entry.fields.map(\.name) == names)
        #expect(entry["DSEG_UID"] == "7")
        let isPlain: (Unicode.Scalar) -> Bool = {
            !$0.properties.isBidiControl && $0.properties.generalCategory != .control
        }
        #expect(entry["DSEG_REQUEST_ID"]?.unicodeScalars.allSatisfy(isPlain) == true)
        #expect(entry["MESSAGE"]?.unicodeScalars.allSatisfy { $0 == "\n" || isPlain($0) } == true)
    }

    @Test func `a journal that does not read holds nobody up, and one that is gone is told by lines`() throws {
        let drain = try Drain(isSocket: true)
        var socket: Socket? = try Socket()
        let log = drain.logger(settings, isJournal: true, try Journal(at: #require(socket).path))
        for number in 0..<20_000 { log.info("\(number)") }
        var told = 0
        while try #require(socket).datagram() != nil { told += 1 }
        #expect(told > 0 && told < 20_000)
        #expect(drain.taken().starts(with: Array("<6>\(told)\n".utf8)), "the first that the journal had no room for")
        log.info("a")
        #expect(try #require(socket).entry()?["MESSAGE"] == "a")
        socket = nil
        log.info("b")
        #expect(drain.line() == "<6>b")
    }

    @Test func `a journal that was started anew is told again`() throws {
        let (directory, drain) = (try TemporaryDirectory(), try Drain(isSocket: true))
        let path = "\(directory.path)/journal"
        let first = try bind(to: path, kind: SOCK_DGRAM)
        let log = drain.logger(settings, isJournal: true, Journal(at: path))
        close(first)
        unlink(path)
        log.info("a")
        #expect(drain.line() == "<6>a")
        let second = try bind(to: path, kind: SOCK_DGRAM)
        defer { close(second) }
        log.info("b")
        var bytes = [UInt8](repeating: 0, count: 100)
        #expect(recv(second, &bytes, bytes.count, CInt(MSG_DONTWAIT)) > 0)
        #expect(drain.taken().isEmpty)
    }

    @Test func `where nobody listens there is no journal`() throws {
        let directory = try TemporaryDirectory()
        #expect(Journal(at: "\(directory.path)/journal") == nil)
        #expect(Journal(at: "\(directory.path)/\(String(repeating: "a", count: 200))") == nil)
    }
}
