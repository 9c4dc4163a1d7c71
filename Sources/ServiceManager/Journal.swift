import Glibc
import Results

/// The systemd journal, told by datagrams of fields (https://systemd.io/JOURNAL_NATIVE_PROTOCOL), without libsystemd.
///
/// A message is one datagram, as no field is long: what does not fit one (some 200 kB) would need a sealed memfd.
final class Journal: Sendable {
    private let socket: CInt
    private let address: NotifyAddress

    /// Where the journal of the system listens.
    static let path = "/run/systemd/journal/socket"
    /// Of the message that tells how a call ended: `journalctl MESSAGE_ID=0a57b5e314bb44c5ad83a2f211c000d2`.
    static let callID = "0a57b5e314bb44c5ad83a2f211c000d2"
    /// The field that these messages have.
    private static let endField = "result"
    /// Bytes of a field's name.
    private static let longestName = 64

    /// `nil` where there is no such socket, or none can be made.
    init?(at path: String) {
        guard let address = NotifyAddress(path), unsafe access(path, W_OK) == 0 else { return nil }
        socket = Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        self.address = address
    }

    deinit { close(socket) }

    /// Tells the journal of a message; never waits.
    ///
    /// - Parameters:
    ///   - message: of one line or more
    ///   - priority: as of syslog(3)
    ///   - fields: beside it, without what controls a terminal
    /// - Returns: `false` where the journal's socket is full, or gone
    func send(_ message: String, _ priority: Int, _ fields: [(key: String, value: String)]) -> Bool {
        var bytes = Self.field("MESSAGE", Self.shown(message))
        bytes += Self.field("PRIORITY", Array("\(priority)".utf8))
        bytes += Self.field("SYSLOG_IDENTIFIER", Array("dsegd".utf8))
        if fields.contains(where: { $0.key == Self.endField }) {
            bytes += Self.field("MESSAGE_ID", Array(Self.callID.utf8))
        }
        for field in fields { bytes += Self.field(Self.name(of: field.key), Array(field.value.utf8)) }
        var sent = -1
        // By its address each time: a connected socket would stay with a journal that was started anew.
        unsafe address.with { address, length in
            sent = unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe sendto(
                    socket, bytes, bytes.count, CInt(MSG_DONTWAIT | MSG_NOSIGNAL), $0, length)
            }
        }
        return sent == bytes.count
    }

    /// A message's text: its lines without what controls a terminal, together at most as long as a line of a log.
    private static func shown(_ message: String) -> [UInt8] {
        let lines = message.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let text = lines.map { Streams.printable(String($0)) }.joined(separator: "\n")
        return Array(text.cut(toBytes: LogLines.longestLine).utf8)
    }

    /// The journal's name of a field of the log: `DSEG_`, and its letters and digits.
    static func name(of key: String) -> String {
        let letters = key.uppercased().utf8.map { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        return String(decoding: (Array("DSEG_".utf8) + letters).prefix(longestName), as: UTF8.self)
    }

    /// A field as the journal reads it: `NAME=value`, or, where the value has line ends, the name, a line end, the
    /// value's length in 64 bits, little-endian, and the value; then a line end.
    static func field(_ name: String, _ value: [UInt8]) -> [UInt8] {
        let end = UInt8(ascii: "\n")
        guard value.contains(end) else { return Array("\(name)=".utf8) + value + [end] }
        let length = (0..<8).map { UInt8(truncatingIfNeeded: value.count >> (8 * $0)) }
        return Array("\(name)\n".utf8) + length + value + [end]
    }
}
