import ArgumentParser
import LocalEngine
import Models
import RPC
import Results
import Texts

struct ModelDiscoverCommand: ParsableCommand {
    static let configuration = ModelDiscoverOptions.configuration

    @OptionGroup var options: ModelDiscoverOptions

    /// A finding as `--json` shows it.
    private struct Record: Encodable {
        let name: String
        let kind: String
        let layout: String
        let precision: String
        let bytes: Int
        let licence: String?
        let path: String
        let commit: String?
        let usable: Bool
        let refusal: String?

        init(_ finding: Finding) {
            (name, kind, layout) = (finding.name, finding.kind, finding.layout.rawValue)
            (precision, bytes, licence) = (finding.precision, finding.bytes, finding.licence)
            (path, commit, refusal) = (finding.path, finding.commit, finding.refusal)
            usable = finding.isUsable
        }
    }

    func run() throws {
        try ModelCommand.exiting {
            for folder in options.folders where FileStatus(folder) == nil {
                throw FileError.cannotRead(path: folder, reason: "there is no such folder")
            }
            let findings = Checkpoints.found(in: options.folders)
            if options.output.json { return try ModelCommand.write(json: findings.map(Record.init)) }
            guard !findings.isEmpty else {
                return ModelCommand.say(
                    "found no checkpoint where programs keep them: name the folder to look in, as in "
                        + "\(Program.name) model discover DIR")
            }
            let table = TextTable.lines(
                [["NAME", "KIND", "PRECISION", "SIZE", "LICENCE", "WHERE"]] + findings.map(row))
            var lines = [table[0]]
            for (finding, line) in zip(findings, table.dropFirst()) {
                lines.append(line)
                if let refusal = finding.refusal { lines.append("  not usable: \(refusal)") }
            }
            try ModelCommand.write(lines)
            let usable = findings.filter(\.isUsable)
            let advice = usable.first(where: \.isModel).map { model in
                ". Use one with: \(Program.name) model add \(ShellWord.quoted(model.path))"
            }
            ModelCommand.say("\(findings.count) found, \(usable.count) usable\(advice ?? "")")
        }
    }

    private func row(_ finding: Finding) -> [String] {
        let kind = [finding.kind, finding.layout.rawValue].filter { !$0.isEmpty }.joined(separator: ", ")
        return [
            finding.name, kind, finding.precision.isEmpty ? "-" : finding.precision, ModelRecord.size(finding.bytes),
            finding.licence ?? "not stated",
            finding.path + (finding.commit.map { " (snapshot \($0.prefix(7)))" } ?? ""),
        ]
    }
}
