import Glibc
import Logging
import Support

@testable import ServiceManager

/// A pipe or a pair of sockets that log lines go to.
final class Drain {
    let writing: CInt
    private let reading: CInt

    /// - Parameter isSocket: else it is a pipe
    init(isSocket: Bool) throws {
        var ends: [CInt] = [-1, -1]
        let code =
            isSocket
            ? unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
            : unsafe pipe(&ends)
        guard code == 0 else { throw NoDrain() }
        (reading, writing) = (ends[0], ends[1])
        _ = fcntl(reading, F_SETFL, O_NONBLOCK)
    }

    struct NoDrain: Error {}

    deinit {
        close(reading)
        close(writing)
    }

    /// What has come since the last time.
    func taken() -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { bytes, count in
                count = unsafe max(0, read(reading, bytes.baseAddress, bytes.count))
            }
            if bytes.isEmpty { return all }
            all += bytes
        }
    }

    /// The one line that has come, without its end; `nil` where that is not what came.
    func line() -> String? {
        let bytes = taken()
        guard bytes.last == UInt8(ascii: "\n"), bytes.count(where: { $0 == UInt8(ascii: "\n") }) == 1 else {
            return nil
        }
        return String(validating: bytes.dropLast(), as: UTF8.self)
    }

    func logger(_ settings: LogSettings, isJournal: Bool, _ journal: Journal?) -> Logger {
        Logger(label: "test") { _ in LogLines(settings, to: self.writing, isJournal: isJournal, journal) }
    }
}

/// A message as a journal reads it from a datagram.
struct JournalEntry: Equatable {
    struct Field: Equatable {
        let name: String
        let value: [UInt8]
    }

    let fields: [Field]

    /// `nil` for what a journal does not accept.
    init?(_ datagram: [UInt8]) {
        var rest = datagram[...]
        var fields: [Field] = []
        while !rest.isEmpty {
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "\n") }
            rest = rest.dropFirst(name.count)
            let isName = name.allSatisfy {
                (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
            }
            guard isName, (1...64).contains(name.count), name.first.map({ (65...90).contains($0) }) == true else {
                return nil
            }
            var count = 0
            switch rest.popFirst() {
            case UInt8(ascii: "="): count = rest.prefix { $0 != UInt8(ascii: "\n") }.count
            case UInt8(ascii: "\n"):
                guard rest.count >= 8 else { return nil }
                for (place, byte) in rest.prefix(8).enumerated() { count |= Int(byte) << (8 * place) }
                rest = rest.dropFirst(8)
            default: return nil
            }
            guard count >= 0, rest.count > count else { return nil }
            fields.append(Field(name: String(decoding: name, as: UTF8.self), value: Array(rest.prefix(count))))
            rest = rest.dropFirst(count)
            guard rest.popFirst() == UInt8(ascii: "\n") else { return nil }
        }
        self.fields = fields
    }

    subscript(name: String) -> String? {
        fields.first { $0.name == name }.flatMap { String(validating: $0.value, as: UTF8.self) }
    }
}
