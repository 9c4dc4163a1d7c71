/// Text as a person may type it in a shell.
package enum ShellWord {
    /// The text quoted, where a shell would take something in it for more than a word.
    package static func quoted(_ text: String) -> String {
        let safe = text.unicodeScalars.allSatisfy {
            $0.properties.isAlphabetic || $0.properties.numericType != nil || "/._-+,:@%=".unicodeScalars.contains($0)
        }
        if safe, !text.isEmpty { return text }
        return "'" + text.unicodeScalars.map { $0 == "'" ? "'\\''" : String($0) }.joined() + "'"
    }
}
