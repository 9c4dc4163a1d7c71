import FoundationEssentials
import Support
import Testing

/// systemd accepts the units, and the service gives away all it does not need.
@Suite(.enabled(if: shell("command -v systemd-analyze").status == 0, "systemd-analyze is not installed"))
struct UnitTests {
    /// Units of the system's manager, or of a user's.
    enum Manager: String, CaseIterable {
        case system = "Systemd"
        case user = "Systemd/user"
    }

    static let units = ["dsegd.service", "dsegd.socket"]

    /// Runs `systemd-analyze` with copies of the units in a folder of their own, after `edit`. The
    /// program is replaced by one that every machine has, since verifying asks that it exists.
    private func analyze(
        _ arguments: String, of units: [String] = units, for manager: Manager, edit: (String) -> String = { $0 }
    ) throws -> (status: Int32, output: String) {
        let folder = try TemporaryDirectory()
        for unit in Self.units {
            let runnable = try text(unit, manager).replacing("/usr/local/bin/dsegd", with: "/bin/true")
            try edit(runnable).write(
                toFile: folder.path + "/" + unit, atomically: false, encoding: .utf8)
        }
        let paths = units.map { "'\(folder.path)/\($0)'" }.joined(separator: " ")
        return withExtendedLifetime(folder) {
            shell("XDG_RUNTIME_DIR='\(folder.path)' systemd-analyze \(arguments) \(paths)")
        }
    }

    private func verify(_ manager: Manager, edit: (String) -> String = { $0 }) throws -> (
        status: Int32, output: String
    ) {
        try analyze("verify --man=no \(manager == .user ? "--user" : "")", for: manager, edit: edit)
    }

    private func text(_ unit: String, _ manager: Manager) throws -> String {
        try String(contentsOfFile: "\(Repository.root)/\(manager.rawValue)/\(unit)", encoding: .utf8)
    }

    private func lines(_ unit: String, _ manager: Manager) throws -> [String] {
        try text(unit, manager).splitLines
    }

    @Test(arguments: Manager.allCases)
    func `systemd accepts the units without a word`(manager: Manager) throws {
        let answer = try verify(manager)
        #expect(answer.status == 0 && answer.output.isEmpty, "\(answer.output)")
    }

    @Test(arguments: Manager.allCases)
    func `systemd refuses a unit with a misspelt setting`(manager: Manager) throws {
        let answer = try verify(manager) {
            $0.replacing("SocketMode=", with: "SocketMood=")
        }
        #expect(answer.output.contains("SocketMood"), "\(answer.output)")
    }

    @Test func `the service is exposed by 0.4 at most`() throws {
        let answer = try analyze(
            "security --no-pager --offline=true --threshold=4", of: ["dsegd.service"], for: .system)
        #expect(answer.status == 0, "\(answer.output)")
    }

    /// Each of these costs at least a tenth, so the threshold notices when it goes.
    @Test(arguments: [
        "DynamicUser=yes", "PrivateNetwork=yes", "RestrictAddressFamilies=AF_UNIX",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service",
    ])
    func `the service without a line of its sandbox is exposed by more`(line: String) throws {
        let answer = try analyze(
            "security --no-pager --offline=true --threshold=4", of: ["dsegd.service"], for: .system
        ) {
            $0.replacing("\n\(line)\n", with: "\n")
        }
        #expect(answer.status != 0, "\(answer.output)")
    }

    @Test func `callers are known by their uid and the socket is not open to all`() throws {
        let system = try lines("dsegd.socket", .system)
        #expect(try lines("dsegd.service", .system).contains("PrivateUsers=no"))
        #expect(system.contains("SocketMode=0660") && system.contains("SocketGroup=dseg"))
        #expect(try lines("dsegd.socket", .user).contains("SocketMode=0600"))
    }

    /// File systems, networks, devices and users of its own are what only the system's manager can give: there
    /// settings for them would be passed over, or keep the daemon from starting.
    @Test func `a user's service has no setting that its manager cannot apply`() throws {
        let system = [
            "Private", "Protect", "DynamicUser", "CapabilityBoundingSet", "IPAddress", "RemoveIPC", "User", "Group",
            "BindPaths", "BindReadOnlyPaths", "Device", "ReadOnlyPaths", "Nice", "OOMScoreAdjust",
        ]
        let service = try lines("dsegd.service", .user)
        #expect(service.count { line in system.contains { line.hasPrefix($0) } } == 0)
    }

    /// What concerns the daemon's life is the same, whoever runs it.
    @Test(arguments: ["Type=", "WatchdogSec=", "Restart", "FileDescriptorStoreMax=", "Exec", "StartLimit", "Timeout"])
    func `both services live by the same rules`(setting: String) throws {
        let (system, user) = try (lines("dsegd.service", .system), lines("dsegd.service", .user))
        let rules = system.filter { $0.hasPrefix(setting) }
        #expect(!rules.isEmpty && rules == user.filter { $0.hasPrefix(setting) })
    }

    @Test func `sysusers makes the group of the socket`() throws {
        let root = try TemporaryDirectory()
        let configuration = "\(root.path)/usr/lib/sysusers.d"
        for folder in [configuration, "\(root.path)/etc"] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        try FileManager.default.copyItem(
            atPath: "\(Repository.root)/Systemd/sysusers.conf", toPath: "\(configuration)/dseg.conf")
        let answer = shell("systemd-sysusers --root='\(root.path)'")
        let groups = try String(contentsOfFile: "\(root.path)/etc/group", encoding: .utf8)
        #expect(answer.status == 0 && groups.splitLines.contains { $0.hasPrefix("dseg:x:") }, "\(answer.output)")
    }
}
