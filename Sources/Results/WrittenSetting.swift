import Texts

/// A setting, `key=value`, as a person or a daemon spells it.
struct WrittenSetting {
    private let key: ExactString
    /// Numbers have commas between them, or an x.
    private let values: [Substring]

    init(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        key = ExactString(parts.first.map(String.init) ?? "")
        values = parts.dropFirst().flatMap {
            $0.split(omittingEmptySubsequences: false) { $0 == "," || $0 == "x" }
        }
    }

    /// Whether all settings that a daemon tells of were asked for. One of the recipe's or filter's own value, which the
    /// daemon alone knows, is not told back.
    static func areAll(_ told: [String], among asked: [String]) -> Bool {
        var asked = asked.map(WrittenSetting.init)
        for setting in told.map(WrittenSetting.init) {
            guard let place = asked.firstIndex(where: setting.means) else { return false }
            asked.remove(at: place)
        }
        return true
    }

    /// Whether both have the same key and value: the same text, or other spellings of the same numbers.
    private func means(_ other: Self) -> Bool {
        key == other.key && values.count == other.values.count
            && zip(values, other.values).allSatisfy { one, other in
                if ExactString(String(one)) == ExactString(String(other)) { return true }
                guard let one = Float(one), let other = Float(other) else { return false }
                return one == other
            }
    }
}
