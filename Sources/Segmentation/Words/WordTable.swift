import Texts

/// How the tables of words are written and read.
enum WordTable {
    /// Words between white space.
    static func set(_ table: String) -> Set<ExactString> {
        Set(table.split(whereSeparator: \.isWhitespace).map { ExactString(String($0)) })
    }

    /// "feet=foot" between white space.
    static func pairs(_ table: String) -> [ExactString: ExactString] {
        var pairs: [ExactString: ExactString] = [:]
        for entry in table.split(whereSeparator: \.isWhitespace) {
            let sides = entry.split(separator: "=").map { ExactString(String($0)) }
            if let key = sides.first { pairs[key] = sides.last }
        }
        return pairs
    }
}
