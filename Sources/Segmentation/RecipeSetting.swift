import Networks
import Texts

/// A parameter of a recipe that a request may set, as `key=value`: for studies that leave one part of a recipe out.
package struct RecipeSetting: Sendable {
    package let key: String
    package let meaning: String
    /// The legal values, in words.
    package let legal: String
    private let read: @Sendable (Recipe) -> String
    private let write: @Sendable (Substring, inout Recipe) -> Bool

    /// - Parameters:
    ///   - read: the value that a recipe has
    ///   - write: returns `false` for an illegal value, or for a recipe without this parameter
    init(
        key: String, meaning: String, legal: String, read: @escaping @Sendable (Recipe) -> String,
        write: @escaping @Sendable (Substring, inout Recipe) -> Bool
    ) {
        (self.key, self.meaning, self.legal, self.read, self.write) = (key, meaning, legal, read, write)
    }

    package func value(in recipe: Recipe) -> String { read(recipe) }

    static let on = "on"
    static let off = "off"

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

    static func shape(_ text: Substring) -> Geometry.Shape? {
        switch text {
        case "square": return .square
        case "aspect": return .aspect
        default:
            let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { whole($0, in: 8...8192) }
            guard sides.count == 2, let width = sides[0], let height = sides[1] else { return nil }
            return .sized(Grid(height: height, width: width))
        }
    }

    /// A decimal number; Swift reads hexadecimal ones, "inf" and "nan" as well.
    static func number(_ text: Substring, in range: ClosedRange<Float>) -> Float? {
        guard text.utf8.allSatisfy({ "0123456789.eE-+".utf8.contains($0) }) else { return nil }
        return Float(text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// The setting that a request writes, and its value.
    fileprivate static func parsed(_ text: String) throws(SegmentationError) -> (RecipeSetting, Substring) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let setting = all.first(where: { ExactString($0.key) == ExactString(String(parts[0])) })
        else { throw .recipe(.unknownSetting(text, known: all.map(\.key))) }
        return (setting, parts[1])
    }

    fileprivate func applied(_ value: Substring, to recipe: inout Recipe) throws(SegmentationError) {
        guard write(value, &recipe) else { throw .recipe(.setting(key: key, value: String(value), legal: legal)) }
    }
}

extension Recipe {
    /// The recipe with some parameters set, `key=value` each, every key at most once.
    ///
    /// - Throws: `unknownSetting`, `setting` and `repeatedSetting`
    func with(_ settings: [String]) throws(SegmentationError) -> Recipe {
        var recipe = self
        var keys: Set<String> = []
        for text in settings {
            let (setting, value) = try RecipeSetting.parsed(text)
            guard keys.insert(setting.key).inserted else { throw .recipe(.repeatedSetting(setting.key)) }
            try setting.applied(value, to: &recipe)
        }
        return recipe
    }

    /// The settings in which this recipe differs from the one of its name, `key=value` each, such that
    /// ``init(named:settings:)`` makes it from them.
    package var settings: [String] {
        guard let original = Self.all.first(where: { $0.name == name }) else { return [] }
        return RecipeSetting.all.compactMap { setting in
            let value = setting.value(in: self)
            return value == setting.value(in: original) ? nil : "\(setting.key)=\(value)"
        }
    }
}
