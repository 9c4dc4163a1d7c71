import Support

/// A caption as BLIP writes them of photographs, and the things one could point to that it names, in the singular.
///
/// They were written down by hand (`Fixtures/nouns/people.tsv`) before any rule was run on them, and stay as they are
/// where rules and hand disagree. Colour, material and other adjectives are left out, and words of amount, of place,
/// of the picture itself, of acts and of sports. Rules are changed for the odd lines alone; the even ones tell how they
/// do on captions they were not made for.
struct HandReadCaption {
    let text: String
    let names: Set<String>

    static func all() throws -> [HandReadCaption] {
        let file = try Fixture.bytes("Tests/Fixtures/nouns/people.tsv")
        return String(decoding: file, as: UTF8.self).split(separator: "\n").map { line in
            let sides = line.split(separator: "\t").map(String.init)
            return HandReadCaption(text: sides[0], names: Set(sides[1].split(separator: "|").map(String.init)))
        }
    }
}

/// A caption of the demo's captioner, and which of the demo's labels the reference program reads in it
/// (`Fixtures/nouns/make_captions.py`).
struct DemoCaption {
    let text: String
    let labels: Set<String>

    static func all() throws -> [DemoCaption] {
        let file = try Fixture.bytes("Tests/Fixtures/nouns/captions.tsv")
        return String(decoding: file, as: UTF8.self).split(separator: "\n").map { line in
            let sides = line.split(separator: "\t", omittingEmptySubsequences: false)
            return DemoCaption(
                text: String(sides[0]), labels: Set(sides[1].split(separator: "|").map(String.init)))
        }
    }

    /// The demo's labels, each with all that is said for it.
    static func labels() throws -> [(name: String, words: Set<String>)] {
        let file = try Fixture.bytes("Tests/Fixtures/scenes/classes.txt")
        return String(decoding: file, as: UTF8.self).split(separator: "\n").map { line in
            let words = line.split { $0 == "=" || $0 == "|" }.map(String.init)
            return (words[0], Set(words))
        }
    }
}
