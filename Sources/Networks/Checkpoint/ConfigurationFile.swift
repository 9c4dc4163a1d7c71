import Texts

/// A value of a configuration file.
enum ConfigurationValue: Decodable, Equatable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case list([ConfigurationValue])
    case object([String: ConfigurationValue])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([ConfigurationValue].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: ConfigurationValue].self))
        }
    }

    /// The value as error messages quote it.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value) where value.isNaN: "NaN"
        case .number(let value) where value.isInfinite: value < 0 ? "-Infinity" : "Infinity"
        case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
        case .string(let value): "\"\(value)\""
        case .list(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value.text)" }.joined(separator: ", ")
                + "}"
        }
    }
}

/// A `config.json`, read by keys; a refusal names the file, the key, the value and what is legal.
///
/// For a key that is absent, callers state the default of the library that writes these files. `null` is not absent,
/// except where a caller says so.
struct ConfigurationFile {
    /// The range of all sizes and counts: products of three fit an `Int`.
    static let sizes = 1...65536

    private static let limit = 1 << 20

    let path: String
    /// Before a key in messages: the names of the objects that this one lies in, each with a dot.
    private let prefix: String
    private let values: [String: ConfigurationValue]

    /// A configuration that no file states: `path` is the file that its values are taken from.
    init(path: String, values: [String: ConfigurationValue]) {
        self.init(path: path, prefix: "", values: values)
    }

    private init(path: String, prefix: String, values: [String: ConfigurationValue]) {
        self.path = path
        self.prefix = prefix
        self.values = values
    }

    init(path: String) throws(CheckpointError) {
        try self.init(RegularFile(path: path))
    }

    init(_ file: RegularFile) throws(CheckpointError) {
        let (path, contents) = (file.path, try file.text(limit: ConfigurationFile.limit))
        guard StreamSafe.isSafe(json: contents) else {
            throw .notJSON(file: path, reason: StreamSafe.refusalOfJSON)
        }
        let value: ConfigurationValue
        do throws(SafetensorsFault) {
            value = try PythonJSON.value(contents)
        } catch {
            throw .notJSON(file: path, reason: "\(error); fetch the file again, whole")
        }
        guard case .object(let values) = value else {
            throw .notJSON(file: path, reason: "it is another value; take the file from where the model was published")
        }
        self.values = values
        self.path = path
        prefix = ""
    }

    /// The object `key`, read by keys of its own; an empty one where it is absent or null.
    func object(_ key: String) throws(CheckpointError) -> ConfigurationFile {
        guard let value = value(key) else {
            return ConfigurationFile(path: path, prefix: "\(prefix)\(key).", values: [:])
        }
        guard case .object(let values) = value else { throw refusal(key, expected: "an object") }
        return ConfigurationFile(path: path, prefix: "\(prefix)\(key).", values: values)
    }

    /// The object `key`, whose values those of an older key's object replace.
    func object(_ key: String, overridden older: String) throws(CheckpointError) -> ConfigurationFile {
        let (newer, older) = (try object(key), try object(older))
        return ConfigurationFile(
            path: path, prefix: newer.prefix, values: newer.values.merging(older.values) { $1 })
    }

    /// The value of `key`, nil where it is absent or null.
    func value(_ key: String) -> ConfigurationValue? {
        values[key].flatMap { $0 == .null ? nil : $0 }
    }

    func refusal(_ key: String, expected: String) -> CheckpointError {
        let found = values[key]?.text ?? "absent"
        return .configuration(file: path, key: prefix + key, found: found, expected: expected)
    }

    /// A whole number within `range`; `absent` is the default, nil where the key is required.
    func integer(
        _ key: String, absent: Int?, in range: ClosedRange<Int>
    ) throws(CheckpointError) -> Int {
        if let absent, values[key] == nil { return absent }
        guard let value = value(key), let number = value.wholeNumber, range.contains(number) else {
            throw refusal(
                key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A number within `range`, its ends included.
    func number(
        _ key: String, absent: Double, in range: ClosedRange<Double>
    ) throws(CheckpointError) -> Double {
        guard let value = values[key] else { return absent }
        guard case .number(let number) = value, range.contains(number) else {
            throw refusal(
                key, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func bool(_ key: String, absent: Bool) throws(CheckpointError) -> Bool {
        guard let value = values[key] else { return absent }
        guard case .bool(let flag) = value else { throw refusal(key, expected: "true or false") }
        return flag
    }

    func string(_ key: String, absent: String) throws(CheckpointError) -> String {
        guard let value = values[key] else { return absent }
        guard case .string(let string) = value else { throw refusal(key, expected: "a string") }
        return string
    }

    /// Whole numbers within `range`, one to eight of them.
    func integers(
        _ key: String, absent: [Int], in range: ClosedRange<Int>
    ) throws(CheckpointError) -> [Int] {
        guard let value = values[key] else { return absent }
        guard case .list(let list) = value, (1...8).contains(list.count) else {
            throw refusal(key, expected: "a list of one to eight whole numbers")
        }
        let numbers = list.compactMap(\.wholeNumber).filter(range.contains)
        guard numbers.count == list.count else {
            throw refusal(
                key, expected: "whole numbers from \(range.lowerBound) to \(range.upperBound)")
        }
        return numbers
    }

    /// `count` names of blocks, each mapped by `meanings`; others are refused.
    func blocks<Meaning>(
        _ key: String, absent: [String], count: Int, meanings: [String: Meaning]
    ) throws(CheckpointError) -> [Meaning] {
        let known = meanings.keys.sorted().joined(separator: ", ")
        let names = values[key] ?? .list(absent.map(ConfigurationValue.string))
        guard case .list(let list) = names, list.count == count else {
            throw refusal(key, expected: "a list of \(count) of \(known)")
        }
        var blocks: [Meaning] = []
        for case .string(let name) in list {
            guard let meaning = meanings[name] else { break }
            blocks.append(meaning)
        }
        guard blocks.count == count else {
            throw refusal(key, expected: "a list of \(count) of \(known)")
        }
        return blocks
    }

    /// Refuses keys that a file of dseg's own does not have: a word misspelt would mean nothing.
    func require(only keys: [String]) throws(CheckpointError) {
        guard let other = values.keys.filter({ !keys.contains($0) }).min() else { return }
        throw refusal(other, expected: "no such key: there are \(keys.joined(separator: ", "))")
    }

    /// Refuses `key` unless it is absent or has one of the values that this implementation supports.
    func require(_ key: String, oneOf values: [ConfigurationValue]) throws(CheckpointError) {
        guard let value = self.values[key] else { return }
        guard values.contains(value) else {
            throw refusal(key, expected: values.map(\.text).joined(separator: " or "))
        }
    }
}

extension ConfigurationFile {
    /// A whole number within `range`, or a list that says it for each of `count` levels.
    func integer(
        _ key: String, ofEach count: Int, absent: Int, in range: ClosedRange<Int>
    ) throws(CheckpointError) -> Int {
        guard case .list(let list) = value(key), let number = list.first?.wholeNumber, range.contains(number),
            list == Array(repeating: list[0], count: count)
        else { return try integer(key, absent: absent, in: range) }
        return number
    }

    /// Refuses `key` unless it is absent, or has one of the values that this implementation supports, or a list that
    /// says one of these for each of `count` levels.
    func require(_ key: String, ofEach count: Int, oneOf supported: [ConfigurationValue]) throws(CheckpointError) {
        if case .list(let list) = value(key), list.count == count, list.allSatisfy(supported.contains) { return }
        try require(key, oneOf: supported)
    }
}

extension ConfigurationValue {
    /// The number if it has no fraction.
    var wholeNumber: Int? {
        guard case .number(let value) = self else { return nil }
        return Int(exactly: value)
    }
}

extension ConfigurationFile {
    /// `count` numbers within `range`, its ends included; `absent` also where the key is null.
    func numbers(
        _ key: String, absent: [Double], count: Int, in range: ClosedRange<Double>
    ) throws(CheckpointError) -> [Double] {
        guard let value = value(key) else { return absent }
        guard case .list(let list) = value, list.count == count else {
            throw refusal(key, expected: "a list of \(count) numbers")
        }
        var numbers: [Double] = []
        for case .number(let number) in list where range.contains(number) { numbers.append(number) }
        guard numbers.count == count else {
            throw refusal(key, expected: "\(count) numbers from \(range.lowerBound) to \(range.upperBound)")
        }
        return numbers
    }
}
