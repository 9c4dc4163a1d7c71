package import ArgumentParser
import FoundationEssentials
import Glibc
import RPC
import Texts

/// What a shell offers where an argument is being typed and its values are not known before: names of models, recipes
/// and their settings, vocabularies beside files.
///
/// Models and recipes are asked of `dsegd`, which lies beside this program or on PATH. Where it does not answer within
/// a second, nothing is offered.
package enum Suggestions {
    /// The names of models that were added.
    package static let addedModels: CompletionKind = .custom { _, _, _ in written(added) }

    /// The names of a daemon's models.
    package static let models: CompletionKind = .custom { _, _, _ in written(added + ["demo"]) }

    /// The names of models, and files and folders.
    package static let modelsAndFiles: CompletionKind = .custom { words, place, prefix in
        written(added + ["demo"] + FileNames.beginning(typed(words, place, prefix)) { _ in true })
    }

    package static let recipes: CompletionKind = .custom { _, _, _ in written(described.map(\.name)) }

    /// What `--set` may set in the recipe of the command line, each with the recipe's own value.
    package static let settings: CompletionKind = .custom { words, _, _ in
        let option = words.firstIndex { ExactString($0) == "--recipe" }
        let name = option.flatMap { words.indices.contains($0 + 1) ? plain(words[$0 + 1]) : nil }
        let recipe = described.first { ExactString($0.name) == ExactString(name ?? RecipeOptions.standard) }
        return written((recipe?.settings ?? []).map { "\($0.key)=\($0.value)" })
    }

    /// Pictures, the vocabularies that ship with the programs, and files behind an @.
    package static let words: CompletionKind = .custom { words, place, prefix in
        // Bash parts words behind an @ (COMP_WORDBREAKS), and completes both parts.
        let isBehindAt = words.indices.contains(place - 1) && ExactString(words[place - 1]) == "@"
        let typed = (isBehindAt ? "@" : "") + typed(words, place, prefix)
        let files =
            typed.utf8.first == UInt8(ascii: "@")
            ? FileNames.beginning(String(typed.unicodeScalars.dropFirst()), ending: ["txt"]).map { "@\($0)" }
            : FileNames.beginning(typed, ending: pictureEndings)
        return written(VocabularyList.shipped.map { "@\($0)" } + files)
    }

    /// Of pictures that can be read, as cameras write them, too.
    package static let pictureEndings = ["png", "jpg", "jpeg", "webp", "PNG", "JPG", "JPEG", "WEBP"]

    // MARK: What dsegd knows

    private struct Model: Decodable {
        let name: String
    }

    private struct Recipes: Decodable {
        struct Recipe: Decodable {
            struct Setting: Decodable {
                let key: String
                let value: String
            }

            let name: String
            let settings: [Setting]
        }

        let recipes: [Recipe]
    }

    private static var added: [String] { (answer(["model", "list", "--json"], as: [Model].self) ?? []).map(\.name) }

    private static var described: [Recipes.Recipe] {
        answer(["recipes", "--json"], as: Recipes.self)?.recipes ?? []
    }

    private static func answer<Answer: Decodable>(_ words: [String], as _: Answer.Type) -> Answer? {
        let ending = OtherProgram.run([Program.sibling("dsegd")] + words, within: .seconds(1))
        guard let ending, ending.code == 0 else { return nil }
        return try? JSONDecoder().decode(Answer.self, from: Data(ending.output))
    }

    // MARK: What was typed

    /// The word as it is typed so far: up to the cursor, which fish 3 does not know for `complete -C`.
    private static func typed(_ words: [String], _ place: Int, _ prefix: String) -> String {
        plain(prefix.isEmpty && words.indices.contains(place) ? words[place] : prefix)
    }

    /// A word without the quotes and backslashes of a shell.
    private static func plain(_ prefix: String) -> String {
        var plain = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in prefix.unicodeScalars {
            if !isEscaped, scalar == "\\" {
                isEscaped = true
            } else if isEscaped || (scalar != "\"" && scalar != "'") {
                plain.append(scalar)
                isEscaped = false
            }
        }
        return String(plain)
    }

    // MARK: What is offered

    /// The texts so that the completion script of the shell that asks takes them as they are: bash's expands them,
    /// zsh's takes a colon for the beginning of a description.
    private static func written(_ texts: [String]) -> [String] {
        let special: String =
            switch CompletionShell.requesting {
            case .some(.bash): " \t\"'\\$`!&|;<>()[]{}*?~#"
            case .some(.zsh): ":\\"
            default: ""
            }
        return texts.map { text in
            let scalars = text.unicodeScalars.flatMap { scalar -> [Unicode.Scalar] in
                special.unicodeScalars.contains(scalar) ? ["\\", scalar] : [scalar]
            }
            return String(String.UnicodeScalarView(scalars))
        }
    }
}

/// Names of files, as shells offer them.
private enum FileNames {
    private static let most = 1000

    /// Folders, and files whose names end so.
    static func beginning(_ typed: String, ending endings: [String]) -> [String] {
        beginning(typed) { name in
            guard let dot = name.unicodeScalars.lastIndex(of: ".") else { return false }
            let ending = ExactString(String(name.unicodeScalars[dot...].dropFirst()))
            return endings.contains { ExactString($0) == ending }
        }
    }

    /// Folders, with a slash, and files of some names; hidden ones where a dot is typed.
    ///
    /// - Parameter typed: a path, as far as it is typed
    static func beginning(_ typed: String, where isOffered: (String) -> Bool) -> [String] {
        let (folder, start) = PathText.split(typed)
        let showsHidden = start.utf8.first == UInt8(ascii: ".")
        let names = PathText.names(in: folder.isEmpty ? "." : folder).filter { name in
            // A shell takes each line for a name.
            name.utf8.starts(with: start.utf8) && (showsHidden || name.utf8.first != UInt8(ascii: "."))
                && PathText.isUnicode(name) && ExactString(Streams.printable(name)) == ExactString(name)
        }
        return names.sorted().prefix(most).compactMap { name in
            let path = folder + name
            if FileStatus(path)?.isFolder == true { return path + "/" }
            return isOffered(name) ? path : nil
        }
    }
}
