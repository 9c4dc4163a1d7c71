/// For how long a model stays in memory after the last call that uses it.
///
/// Written as Ollama's `keep_alive` is: a number of seconds, a duration as Go writes it (and `d` for days), `forever`,
/// or anything negative, which is for ever too.
package enum KeepAlive: Hashable, Sendable {
    /// Not negative, and at most ``longest``. Zero: the model is let go of as soon as no call uses it.
    case duration(Duration)
    case forever

    /// The longest duration: 31 years.
    package static let longest = Duration.seconds(1_000_000_000)

    /// The bytes of a text that is read; every duration can be written in fewer.
    fileprivate static let mostBytes = 64

    /// The longest unit first; a unit that begins as another one comes before it.
    private static let units: [(name: String, nanoseconds: Int128)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("ms", 1_000_000), ("m", 60_000_000_000),
        ("s", 1_000_000_000), ("us", 1_000), ("ns", 1),
    ]

    /// Durations are rounded up to nanoseconds.
    package init(_ text: String) throws(KeepAliveError) {
        let bytes = Array(text.utf8.prefix(Self.mostBytes + 1))
        guard bytes.count <= Self.mostBytes else { throw .illegal(text) }
        if bytes.elementsEqual("forever".utf8) {
            self = .forever
            return
        }
        let isMinus = bytes.first == UInt8(ascii: "-")
        guard let nanoseconds = Self.nanoseconds(bytes[(isMinus ? 1 : 0)...]) else { throw .illegal(text) }
        if isMinus, nanoseconds > 0 {
            self = .forever
            return
        }
        guard nanoseconds <= Self.longest.attoseconds / 1_000_000_000 else { throw .tooLong(text) }
        self = .duration(Duration(attoseconds: nanoseconds * 1_000_000_000))
    }

    /// - Parameter text: a number of seconds, or at least one number with its unit
    /// - Returns: `nil` for another text
    private static func nanoseconds(_ text: ArraySlice<UInt8>) -> Int128? {
        var rest = text
        guard let first = Number(&rest) else { return nil }
        if rest.isEmpty { return first.times(1_000_000_000) }
        var number = first
        var sum: Int128 = 0
        while true {
            guard let unit = units.first(where: { rest.starts(with: $0.name.utf8) }) else { return nil }
            rest = rest.dropFirst(unit.name.utf8.count)
            sum += number.times(unit.nanoseconds)
            if rest.isEmpty { return sum }
            guard let next = Number(&rest) else { return nil }
            number = next
        }
    }
}

/// Digits, and perhaps a point and more digits.
private struct Number {
    /// Above it all are alike, since even nanoseconds of that number are too long; products of it fit 128 bits.
    private static let most: Int128 = 10_000_000_000_000_000_000
    private static let places = 18

    private var whole: Int128 = 0
    /// In units of 10^-18, rounded up.
    private var fraction: Int128 = 0

    /// Takes the number at the start of a text; `nil` where there is none.
    init?(_ text: inout ArraySlice<UInt8>) {
        guard let digits = Self.digits(&text) else { return nil }
        whole = digits.reduce(0) { min(Self.most, 10 * $0 + $1) }
        guard text.first == UInt8(ascii: ".") else { return }
        text = text.dropFirst()
        guard let decimals = Self.digits(&text) else { return nil }
        for place in 0..<Self.places { fraction = 10 * fraction + (place < decimals.count ? decimals[place] : 0) }
        if decimals.dropFirst(Self.places).contains(where: { $0 > 0 }) { fraction += 1 }
    }

    /// The product, rounded up.
    func times(_ unit: Int128) -> Int128 {
        let one: Int128 = 1_000_000_000_000_000_000
        return whole * unit + (fraction * unit + one - 1) / one
    }

    private static func digits(_ text: inout ArraySlice<UInt8>) -> [Int128]? {
        let digits = text.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        text = text.dropFirst(digits.count)
        return digits.isEmpty ? nil : digits.map { Int128($0 - UInt8(ascii: "0")) }
    }
}

extension KeepAlive: CustomStringConvertible {
    /// As it is read: `5m`, `1h30m`, `1.5s`, `500ms`, `0`, `forever`.
    package var description: String {
        guard case .duration(let duration) = self else { return "forever" }
        guard duration > .zero else { return "0" }
        let (seconds, attoseconds) = duration.components
        let nanoseconds = attoseconds / 1_000_000_000
        if seconds == 0, nanoseconds % 1_000_000 == 0 { return "\(nanoseconds / 1_000_000)ms" }
        let parts = [(seconds / 86_400, "d"), (seconds / 3600 % 24, "h"), (seconds / 60 % 60, "m")]
        let long = parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
        guard nanoseconds > 0 else { return long + (seconds % 60 > 0 ? "\(seconds % 60)s" : "") }
        var decimals = Substring(String(1_000_000_000 + nanoseconds).dropFirst())
        while decimals.utf8.last == UInt8(ascii: "0") { decimals.removeLast() }
        return "\(long)\(seconds % 60).\(decimals)s"
    }
}

/// Why a text is no ``KeepAlive``.
package enum KeepAliveError: Error, Equatable, CustomStringConvertible {
    case illegal(String)
    case tooLong(String)

    /// What may be written, for help and messages.
    package static let grammar =
        #"0, seconds ("300"), a duration ("5m", "1h30m", "90s", "500ms", "2d") or "forever""#

    package var description: String {
        switch self {
        case .illegal(let text): "keep-alive \"\(Self.excerpt(text))\" is no time: give \(Self.grammar)"
        case .tooLong(let text):
            "keep-alive \"\(Self.excerpt(text))\" is over \(KeepAlive.longest.components.seconds) s: type \"forever\""
        }
    }

    private static func excerpt(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(KeepAlive.mostBytes)
        return String(scalars) + (scalars.endIndex < text.unicodeScalars.endIndex ? "\u{2026}" : "")
    }
}
