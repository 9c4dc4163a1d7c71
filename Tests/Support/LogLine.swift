/// A line of the daemon's log, as another program reads it: a message, and the pairs of logfmt after it.
package struct LogLine: Equatable {
    package let message: String
    package let fields: [Field]

    package struct Field: Equatable {
        package let key: String
        package let value: String

        package init(_ key: String, _ value: String) {
            self.key = key
            self.value = value
        }
    }

    /// - Parameter message: what the line begins with
    /// - Returns: `nil` where something else follows the message
    package init?(_ line: String, after message: String) {
        guard line.hasPrefix(message) else { return nil }
        var rest = line.unicodeScalars.dropFirst(message.unicodeScalars.count)
        var fields: [Field] = []
        while !rest.isEmpty {
            guard rest.removeFirst() == " " else { return nil }
            let key = rest.prefix { $0 != "=" }
            rest = rest.dropFirst(key.count)
            guard !key.isEmpty, rest.popFirst() == "=", let value = Self.value(&rest) else { return nil }
            fields.append(Field(String(key), value))
        }
        self.message = message
        self.fields = fields
    }

    private static func value(_ rest: inout Substring.UnicodeScalarView) -> String? {
        guard rest.first == "\"" else {
            let bare = rest.prefix { !" =\"".unicodeScalars.contains($0) }
            rest = rest.dropFirst(bare.count)
            return bare.isEmpty ? nil : String(bare)
        }
        rest.removeFirst()
        var value = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return String(value) }
            guard let next = scalar == "\\" ? rest.popFirst() : scalar else { return nil }
            value.append(next)
        }
        return nil
    }

    /// A line of a call that has ended; `nil` for any other.
    package init?(ofCall line: String) {
        guard let start = line.firstRange(of: " request_id=")?.lowerBound else { return nil }
        self.init(line, after: String(line[..<start]))
    }

    package subscript(key: String) -> String? { fields.first { $0.key == key }?.value }
}
