import Testing

/// Rules about code read no comment and no literal; all else they see, each byte in its place.
@Suite struct CodeTextTests {
    @Test(arguments: [
        ("a // b", "a     "),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("a(\"b // c\") // d", "a(        )     "),
        ("\"a \\\" b\" c", "         c"),
        ("#\"a \" \\(b)\"# c", "             c"),
        ("\"a \\(b(\"c\")!) d\" e", "     b(   )!)    e"),
        ("\"\"\"\na \" b\n\"\"\" c", "   \n     \n    c"),
        ("#\"\\#(a)\"#", "     a)  "),
        ("func `a \" b`() {", "func _______() {"),
        ("\"a", "  "),
        ("/* a", "    "),
    ])
    func `comments and literals of Swift become blanks`(text: String, code: String) {
        #expect(CodeText.blanked(text, as: .swift).dropped("(") == code.dropped("("))
    }

    @Test func `each language has its own comments and quotes`() {
        #expect(CodeText.blanked("'\"' a // b", as: .c) == "    a     ")
        #expect(CodeText.blanked("/* /* */ a", as: .c) == "         a")
        #expect(CodeText.blanked("'#' a # b", as: .python) == "    a    ")
        #expect(CodeText.blanked("\"\"\"a\n\"\"\" b", as: .python) == "    \n    b")
        #expect(CodeText.blanked("`a // b` c", as: .go) == "________ c")
        #expect(CodeText.blanked("# a \"b\"", as: .other) == "# a \"b\"")
    }

    @Test func `any cut of a text is scanned to its end, byte for byte`() {
        let text =
            "a\n`b` \"c \\(d(\"e\") /* f */)\" #\"g\"# \"\"\"\nh\\\"\"\"\" /* i /* j */ */ // k\nl"
        for count in 0...text.utf8.count {
            let cut = String(decoding: text.utf8.prefix(count), as: UTF8.self)
            for language in [CodeText.Language.swift, .c, .go, .python] {
                let code = CodeText.blanked(cut, as: language)
                #expect(code.utf8.count == cut.utf8.count)
                #expect(code.splitLines.count == cut.splitLines.count)
            }
        }
    }
}

extension String {
    /// The parenthesis of an interpolation stays; whether it does is no matter to any rule.
    fileprivate func dropped(_ mark: Character) -> String { String(map { $0 == mark ? " " : $0 }) }
}
