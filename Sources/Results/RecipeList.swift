package import RPC

/// A daemon's recipes, as `dseg recipes` prints them.
package struct RecipeList: Encodable {
    private let recipes: [RecipeStatus]

    package init(_ recipes: [RecipeStatus]) {
        self.recipes = recipes
    }

    /// One JSON object, a line.
    package var json: String { JSONLine.text(of: self) + "\n" }

    /// A paragraph for each recipe, in lines of at most ``width`` columns.
    package var text: String {
        recipes.map { recipe in
            let rows =
                Self.row(recipe.name, recipe.summary) + Self.row("  cost", recipe.cost)
                + Self.row("  source", recipe.source)
                + recipe.settings.flatMap { setting in
                    Self.row("  \(setting.key)", "\(setting.value): \(setting.meaning) (\(setting.legal))")
                }
            return rows.map { Streams.printable($0) + "\n" }.joined()
        }.joined(separator: "\n")
    }

    /// Columns of a terminal.
    private static let width = 80
    /// Where the text begins, beside its heading.
    private static let indent = 15

    /// A heading, and beside it a text broken between words.
    private static func row(_ heading: String, _ text: String) -> [String] {
        var lines: [String] = []
        var line = padded(heading)
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, columns(line) + 1 + columns(word) > width {
                lines.append(line)
                (line, isEmpty) = (padded(""), true)
            }
            line += isEmpty ? word : " \(word)"
            isEmpty = false
        }
        return lines + [line]
    }

    private static func padded(_ heading: String) -> String {
        heading + String(repeating: " ", count: max(1, indent - columns(heading)))
    }

    private static func columns(_ text: some StringProtocol) -> Int { text.unicodeScalars.count }
}
