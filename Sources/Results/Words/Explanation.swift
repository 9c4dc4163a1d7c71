package import RPC
import Texts

// Why labels stayed or went, in lines for people.

extension Choice {
    /// The caption, and what it names, where one was needed.
    var captionLines: [String] { caption.isEmpty ? [] : Self.lines(caption: caption, nouns) }

    static func lines(caption: String, _ nouns: [Noun]) -> [String] {
        let names = nouns.map { noun in
            ExactString(noun.name) == ExactString(noun.words) ? noun.name : "\(noun.name) (\(noun.words))"
        }
        let named = names.isEmpty ? "nothing" : names.joined(separator: ", ")
        return ["caption: \(caption)", "nouns: \(named)"].map(Streams.printable)
    }

    /// A line for each candidate: those that stay first, then the others, each the surest first.
    var verdictLines: [String] {
        verdicts.enumerated().sorted { one, other in
            if one.element.kept != other.element.kept { return one.element.kept }
            return (other.element.score, one.offset) < (one.element.score, other.offset)
        }.map { Streams.printable($0.element.line) }
    }

    /// Candidates that the model reads alike, in a sentence; `nil` where there are none.
    package var mergedNote: String? {
        let merged = verdicts.filter { !$0.alike.isEmpty }
        guard !merged.isEmpty else { return nil }
        let pairs = merged.prefix(5).map { "\(Streams.excerpt($0.name)) as \(Streams.excerpt($0.alike))" }
        let rest = merged.count > pairs.count ? " and \(merged.count - pairs.count) more" : ""
        return "the model reads alike, so that each is one label: \(pairs.joined(separator: ", "))\(rest)"
    }
}

extension Verdict {
    fileprivate var line: String {
        if !alike.isEmpty { return "\(name): dropped, read as \(alike)" }
        return ([name + (kept ? ": kept" : ": dropped")] + criteria.map(\.text)).joined(separator: ", ")
    }
}

extension Criterion {
    /// Such as "caption 0.83 of 0.80 (sofa)".
    fileprivate var text: String {
        // Where two decimals would hide which is the greater, four tell.
        let short = (Self.text(value, decimals: 2), Self.text(limit, decimals: 2))
        let (value, limit) =
            short.0 == short.1 && self.value != self.limit
            ? (Self.text(self.value, decimals: 4), Self.text(self.limit, decimals: 4)) : short
        return "\(part) \(value) of \(limit)" + (noun.isEmpty ? "" : " (\(noun))")
    }

    /// A finite number; of ten or more, which are counts and ranks, no decimals.
    private static func text(_ number: Float, decimals: Int) -> String {
        guard abs(number) < 1e6 else { return "\(number)" }
        let scale = (0..<(abs(number) < 10 ? decimals : 0)).reduce(1) { scale, _ in scale * 10 }
        let units = Int((Double(number) * Double(scale)).rounded())
        guard scale > 1 else { return "\(units)" }
        let digits = String(abs(units) % scale + scale).dropFirst()
        return "\(units < 0 ? "-" : "")\(abs(units) / scale).\(digits)"
    }
}
