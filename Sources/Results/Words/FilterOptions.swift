package import ArgumentParser
import RPC
import Texts

/// The options that say how labels are chosen from candidates.
package struct FilterOptions: ParsableArguments {
    /// Those of dsegd; ``filter`` may also name a folder.
    private static let names = ["best", "published", "none"]

    @Option(
        help: ArgumentHelp(
            """
            What tells which candidates are in the picture: best, published, or none: all stay (default: best). Labels \
            that are typed for mask become candidates by it; without it they are taken to be there.
            """, valueName: "name"), completion: .list(Self.names))
    package var filter: String?

    @Option(
        name: .customLong("filter-set"), parsing: .singleValue,
        help: ArgumentHelp(
            "Set a parameter of the filter, such as threshold=0.5; a wrong one is answered with all.",
            discussion: "May be given several times.", valueName: "key=value"))
    package var filterSettings: [String] = []

    package init() {}

    /// The folder that `--filter` names, if it names one: of the filter's network, as it did when there were no names.
    package var folder: String? {
        guard let filter, !Self.names.contains(where: { ExactString($0) == ExactString(filter) }),
            FileStatus(filter)?.isFolder == true
        else { return nil }
        return filter
    }

    package func validate() throws {
        if filter == "" { throw ValidationError("--filter names nothing; type \(Self.names.joined(separator: ", "))") }
    }

    var choosing: Choosing { Choosing(filter: folder == nil ? filter ?? "" : "", settings: filterSettings) }
}

/// By which filter, with which settings, labels are chosen.
struct Choosing: Sendable, Equatable {
    /// Empty: the daemon's own choice.
    let filter: String
    /// `key=value` each.
    let settings: [String]

    /// What all candidates stay by.
    private static let none: ExactString = "none"

    /// Whether typed labels are taken to be there.
    var takesLabels: Bool { filter.isEmpty || ExactString(filter) == Self.none }

    /// What labels are chosen from; `nil` where typed ones are taken to be there.
    func vocabulary(of words: WordList) -> Vocabulary? {
        if case .labels = words.sought, takesLabels { nil } else { candidates(of: words) }
    }

    /// Whatever was typed, as candidates.
    func candidates(of words: WordList) -> Vocabulary {
        let (candidates, background): ([Candidate], [String]) =
            switch words.sought {
            case .labels(let labels):
                (labels.map { Candidate(name: $0.name, phrases: $0.phrases, synonyms: []) }, [])
            case .candidates(let list): (list.candidates, list.background)
            case .anything: ([], [])
            }
        return Vocabulary(candidates: candidates, background: background, filter: filter, settings: settings)
    }
}
