import RPC
import Results

/// One thing that was looked at: how it is, and what to type where something is wrong.
struct Observation: Encodable {
    enum Verdict: String, Encodable {
        case ok
        /// Nothing is broken, and whoever reads a report should know.
        case note
        /// Something does not work, or will not.
        case fault
    }

    let verdict: Verdict
    let subject: String
    let text: String
    let advice: String?

    static func ok(_ subject: String, _ text: String) -> Observation {
        Observation(verdict: .ok, subject: subject, text: text, advice: nil)
    }

    static func note(_ subject: String, _ text: String, advice: String?) -> Observation {
        Observation(verdict: .note, subject: subject, text: text, advice: advice)
    }

    static func fault(_ subject: String, _ text: String, advice: String?) -> Observation {
        Observation(verdict: .fault, subject: subject, text: text, advice: advice)
    }

    private init(verdict: Verdict, subject: String, text: String, advice: String?) {
        self.verdict = verdict
        self.subject = subject
        self.text = HomePath.hidden(in: text)
        self.advice = advice.map(HomePath.hidden)
    }
}

/// What belongs together.
struct Section: Encodable {
    let name: String
    let observations: [Observation]
}

/// All that `dseg doctor` says.
struct Examination: Encodable {
    /// Of the JSON object: a number that changes when a field changes its name or its meaning.
    let schema = 1
    let version = Version.current
    let healthy: Bool
    let sections: [Section]

    init(_ sections: [Section]) {
        self.sections = sections
        healthy = !sections.contains { $0.observations.contains { $0.verdict == .fault } }
    }

    private enum CodingKeys: String, CodingKey {
        case schema, version, healthy, sections
    }

    /// The lines for a person.
    var lines: [String] {
        var lines: [String] = []
        let width = sections.flatMap(\.observations).map { $0.subject.unicodeScalars.count }.max() ?? 0
        for section in sections {
            lines.append(section.name)
            for observation in section.observations {
                let word = Self.padded(observation.verdict.rawValue, 5)
                lines.append("  \(word)  \(Self.padded(observation.subject, width))  \(observation.text)")
                if let advice = observation.advice { lines.append(Self.padded("", width + 11) + "-> \(advice)") }
            }
        }
        let faults = sections.flatMap(\.observations).filter { $0.verdict == .fault }.count
        let outcome = faults == 0 ? "no fault was found" : "\(faults) fault\(faults == 1 ? "" : "s")"
        return lines + ["", "\(outcome); paste all of this into a report (your home folder is written ~)"]
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.unicodeScalars.count))
    }
}

/// The path of the home folder, which holds its owner's name.
private enum HomePath {
    /// The text with `~` where the path stood.
    static func hidden(in text: String) -> String {
        guard let home = SocketPath.environment("HOME"), home.utf8.count > 1, home.utf8.first == UInt8(ascii: "/")
        else { return text }
        let path = Array(home.utf8.last == UInt8(ascii: "/") ? home.utf8.dropLast() : home.utf8[...])
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.first {
            // Not a part of a longer path, at either end: /home/me is none of /home/me2, nor of /data/home/me.
            let isBeginning = !(bytes.last.map(isOfName) ?? false)
            if isBeginning, rest.starts(with: path), !(rest.dropFirst(path.count).first.map(isOfName) ?? false) {
                bytes.append(UInt8(ascii: "~"))
                rest = rest.dropFirst(path.count)
            } else {
                bytes.append(byte)
                rest = rest.dropFirst()
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), 0x80...:
            true
        default: false
        }
    }
}
