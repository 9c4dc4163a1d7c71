import Texts

/// A parameter of a recipe or a filter that a request may set, as `key=value`: for studies that leave one part out.
package struct Setting<Subject>: Sendable {
    package let key: String
    package let meaning: String
    /// The legal values, in words.
    package let legal: String
    private let read: @Sendable (Subject) -> String
    private let write: @Sendable (Substring, inout Subject) -> Bool

    /// - Parameters:
    ///   - read: the value that a subject has
    ///   - write: returns `false` for an illegal value, or for a subject without this parameter
    init(
        key: String, meaning: String, legal: String, read: @escaping @Sendable (Subject) -> String,
        write: @escaping @Sendable (Substring, inout Subject) -> Bool
    ) {
        (self.key, self.meaning, self.legal, self.read, self.write) = (key, meaning, legal, read, write)
    }

    package func value(in subject: Subject) -> String { read(subject) }

    fileprivate func applied(_ value: Substring, to subject: inout Subject) throws(SegmentationError) {
        guard write(value, &subject) else {
            throw .setting(.value(key: key, value: String(value), legal: legal))
        }
    }
}

/// What requests name, and set parameters of.
package protocol Settable {
    /// As requests name it.
    var name: String { get }
    static var all: [Self] { get }
    /// The parameters that requests may set. One that is only there where another one has some value stands behind it.
    static var parameters: [Setting<Self>] { get }
}

extension Settable {
    /// The subject with some parameters set, `key=value` each, every key at most once, in any order.
    ///
    /// - Throws: `setting`
    func with(_ settings: [String]) throws(SegmentationError) -> Self {
        var values: [String: Substring] = [:]
        for text in settings {
            let (setting, value) = try Self.parsed(text)
            guard values.updateValue(value, forKey: setting.key) == nil else {
                throw .setting(.repeated(setting.key))
            }
        }
        var subject = self
        for setting in Self.parameters {
            if let value = values[setting.key] { try setting.applied(value, to: &subject) }
        }
        return subject
    }

    /// The settings in which this subject differs from the one of its name, `key=value` each, such that these and the
    /// name make it again.
    package var settings: [String] {
        guard let original = Self.all.first(where: { $0.name == name }) else { return [] }
        return Self.parameters.compactMap { setting in
            let value = setting.value(in: self)
            return value == setting.value(in: original) ? nil : "\(setting.key)=\(value)"
        }
    }

    /// The setting that a request writes, and its value.
    private static func parsed(_ text: String) throws(SegmentationError) -> (Setting<Self>, Substring) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2,
            let setting = parameters.first(where: { ExactString($0.key) == ExactString(String(parts[0])) })
        else { throw .setting(.unknown(text, known: parameters.map(\.key))) }
        return (setting, parts[1])
    }
}

// What values are written with.
extension Settable {
    static var on: String { "on" }
    static var off: String { "off" }

    static func set<Value>(_ parameter: inout Value, _ value: Value) -> Bool {
        parameter = value
        return true
    }

    static func whole(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        return Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// A decimal number; Swift reads hexadecimal ones, "inf" and "nan" as well.
    static func number(_ text: Substring, in range: ClosedRange<Float>) -> Float? {
        guard text.utf8.allSatisfy({ "0123456789.eE-+".utf8.contains($0) }) else { return nil }
        return Float(text).flatMap { range.contains($0) ? $0 : nil }
    }
}

/// Why a setting is refused.
package enum SettingError: Error, Equatable {
    /// A setting that is not `key=value`, or whose key nothing has.
    case unknown(String, known: [String])
    case repeated(String)
    case value(key: String, value: String, legal: String)
}

extension SettingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknown(let text, let known):
            "unknown setting \(quoted(text)): write key=value, the key one of \(known.joined(separator: ", "))"
        case .repeated(let key): "\(key) is set twice: set it once"
        case .value(let key, let value, let legal): "\(key)=\(quoted(value)) is not legal: give it \(legal)"
        }
    }
}
