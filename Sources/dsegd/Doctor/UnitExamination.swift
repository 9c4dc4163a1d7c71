import RPC
import Results
import Texts

/// The service manager's units, and what they start.
enum UnitExamination {
    /// For whom units are.
    private enum Scope: String, CaseIterable {
        case system, user

        /// Where units of it lie, in the order of systemd.unit(5); the first that is found counts.
        var folders: [String] {
            switch self {
            case .system:
                return ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"].map { "\($0)/systemd/system" }
            case .user:
                let home = SocketPath.folder("HOME")
                let own = [
                    SocketPath.folder("XDG_CONFIG_HOME") ?? home.map { "\($0)/.config" },
                    SocketPath.folder("XDG_DATA_HOME") ?? home.map { "\($0)/.local/share" },
                ]
                let shared = ["/etc", "/run", "/usr/local/lib", "/usr/lib"]
                return (own.compactMap(\.self) + shared).map { "\($0)/systemd/user" }
            }
        }

        var options: [String] { self == .user ? ["--user"] : [] }
    }

    private static let names = ["dsegd.socket", "dsegd.service"]
    /// `systemctl` waits for a manager that may hang.
    private static let patience = Duration.seconds(3)

    static var observations: [Observation] {
        let found = Scope.allCases.flatMap { scope in names.compactMap { observation(on: $0, scope) } }
        return found.isEmpty ? [.ok("units", "none is installed")] : found
    }

    /// - Returns: `nil` where it is not installed
    private static func observation(on name: String, _ scope: Scope) -> Observation? {
        guard let path = scope.folders.map({ "\($0)/\(name)" }).first(where: { FileStatus($0) != nil }) else {
            return nil
        }
        let subject = scope == .user ? "user \(name)" : name
        guard FileStatus(path)?.isFile == true else {
            return .note(
                subject, "\(path) is masked",
                advice: (["systemctl"] + scope.options + ["unmask", name]).joined(separator: " "))
        }
        let (state, hasFailed) = state(of: name, scope)
        let text = "\(path)\(state)"
        if let wrong = wrongProgram(in: path) { return .fault(subject, "\(text); \(wrong.text)", advice: wrong.advice) }
        if hasFailed {
            let manager = scope == .user ? "journalctl --user" : "journalctl"
            return .fault(subject, text, advice: "\(manager) -u \(name) -b")
        }
        if let other = otherProgram(in: path) { return .note(subject, "\(text); \(other)", advice: nil) }
        return .ok(subject, text)
    }

    // MARK: What it starts

    /// The programs of its `ExecStart=`.
    private static func programs(in unit: String) -> [String] {
        TextFile.lines(of: unit).compactMap { line in
            guard line.hasPrefix("ExecStart=") else { return nil }
            let command = line.dropFirst("ExecStart=".count).drop { "@-:+! ".contains($0) }
            return command.split(separator: " ").first.map(String.init)
        }
    }

    private static func wrongProgram(in unit: String) -> (text: String, advice: String)? {
        guard let path = programs(in: unit).first(where: { FileStatus($0)?.isFile != true }) else { return nil }
        return (
            "it starts \(Streams.excerpt(path)), which is not there",
            "install dsegd there, or name \(Program.folder)/dsegd by systemctl edit"
        )
    }

    private static func otherProgram(in unit: String) -> String? {
        guard let own = FileStatus("/proc/self/exe"),
            let path = programs(in: unit).first(where: { FileStatus($0)?.isSame(as: own) != true })
        else { return nil }
        return "it starts another dsegd than this one, \(Streams.excerpt(path))"
    }

    // MARK: How it is

    /// What systemd says of it; "" where systemd does not run, or does not answer.
    private static func state(of name: String, _ scope: Scope) -> (text: String, hasFailed: Bool) {
        guard FileStatus("/run/systemd/system")?.isFolder == true else { return (", systemd does not run here", false) }
        let words = ["is-active", "is-enabled"].map { question in
            let ending = OtherProgram.run(["systemctl"] + scope.options + [question, name], within: patience)
            return ending.map { Streams.excerpt($0.line) } ?? ""
        }
        let known = words.filter { !$0.isEmpty }
        let text = known.isEmpty ? ", systemctl does not answer" : ", " + known.joined(separator: ", ")
        return (text, ExactString(words[0]) == "failed")
    }
}
