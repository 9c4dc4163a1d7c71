import Glibc
import RPC
import Results

/// Where a daemon may answer, and which one does.
struct SocketExamination {
    let observations: [Observation]

    /// A daemon says at once how it is.
    private static let patience = Duration.seconds(3)

    /// - Parameter explicit: of `--socket`
    init(_ explicit: String?) {
        let paths = SocketPath.candidates(explicit: explicit)
        let isNamed = explicit != nil || SocketPath.environment("DSEG_SOCKET").map { !$0.isEmpty } ?? false
        var observations: [Observation] = []
        var isAnswered = false
        for path in paths {
            let (found, answers) = Self.examine(path, isNamed: isNamed)
            observations += found
            isAnswered = isAnswered || answers
        }
        if !isAnswered, !isNamed, !observations.contains(where: { $0.verdict == .fault }) {
            observations.append(.note("daemon", "none answers", advice: "dsegd serve"))
        }
        self.observations = observations + [Self.group(ofSystem: paths.contains("/run/dseg/dseg.sock"))]
    }

    /// - Parameter isNamed: whether a daemon must be there
    private static func examine(_ path: String, isNamed: Bool) -> (observations: [Observation], answers: Bool) {
        if FileStatus(path, followingLinks: false) == nil, [ENOENT, ENOTDIR].contains(errno), !isNamed {
            return ([.ok("socket", "\(path) is not there")], false)
        }
        do throws(RPCStatus) {
            let client = try Client(path: path, silenceLimit: patience)
            let status = try client.status()
            let serves = try client.health()
            return ([.ok("socket", described(path))] + observations(on: status, serves: serves), true)
        } catch {
            return ([.fault("socket", "\(described(path)): \(Streams.printable(error.message))", advice: nil)], false)
        }
    }

    /// The path, whose it is and who may connect.
    private static func described(_ path: String) -> String {
        guard let status = FileStatus(path) else { return Streams.printable(path) }
        let mode = String(status.mode & 0o7777, radix: 8)
        return "\(Streams.printable(path)), \(status.kind) of \(UserName.of(status.owner)):"
            + "\(GroupName.of(status.group)), mode \(mode)"
    }

    private static func observations(on status: StatusReply, serves: Bool) -> [Observation] {
        let version = Streams.excerpt(status.version)
        let seconds = status.uptimeMilliseconds / 1000
        let daemon =
            "dsegd \(version), up \(seconds) s, \(status.threads) threads, "
            + "\(Amount.bytes(status.memoryBytes)) of \(Amount.bytes(status.memoryLimit)) taken"
        let models = status.models.map { Streams.excerpt($0.name) }.joined(separator: ", ")
        var observations: [Observation] = [
            version == Version.current
                ? .ok("daemon", daemon)
                : .note(
                    "daemon", "\(daemon); this program is \(Version.current)",
                    advice: "restart the daemon: systemctl restart dsegd, or stop it and type dsegd serve"),
            .ok(
                "serves",
                "\(Streams.excerpt(status.defaultModel)) where none is named; "
                    + (models.isEmpty ? "none is loaded" : "loaded: \(models)")),
        ]
        if !serves {
            observations.append(
                .note("health", "it takes no new calls: it ends, or has not begun", advice: "dseg status"))
        }
        return observations
    }

    /// The group whose members may connect to the system's daemon.
    private static func group(ofSystem isCandidate: Bool) -> Observation {
        guard let entry = unsafe getgrnam("dseg") else {
            return .ok("group", "there is no group dseg, which only the system's service needs")
        }
        let group = unsafe entry.pointee.gr_gid
        if geteuid() == 0 { return .ok("group", "dseg exists; root needs no group") }
        var groups = [gid_t](repeating: 0, count: 65_536)
        let count = unsafe getgroups(CInt(groups.count), &groups)
        if getegid() == group || groups.prefix(max(0, Int(count))).contains(group) {
            return .ok("group", "you are in the group dseg")
        }
        return .note(
            "group", "you are not in the group dseg\(isCandidate ? ", which the system's daemon admits" : "")",
            advice: "sudo usermod -aG dseg $USER, then log in again")
    }
}
