import FoundationEssentials
import Support
import Testing

/// systemd accepts the units, and the service gives away all it does not need.
@Suite(.enabled(if: shell("command -v systemd-analyze").status == 0, "systemd-analyze is not installed"))
struct UnitTests {
    static let units = ["dsegd.service", "dsegd.socket"]

    /// Runs `systemd-analyze` with copies of the units in a folder of their own, after `edit`. The
    /// program is replaced by one that every machine has, since verifying asks that it exists.
    private func analyze(
        _ arguments: String, of units: [String] = units, edit: (String) -> String = { $0 }
    ) throws -> (status: Int32, output: String) {
        let folder = try TemporaryDirectory()
        for unit in Self.units {
            let text = try String(contentsOfFile: Repository.root + "/Systemd/" + unit, encoding: .utf8)
            let runnable = text.replacing("/usr/local/bin/dsegd", with: "/bin/true")
            try edit(runnable).write(
                toFile: folder.path + "/" + unit, atomically: false, encoding: .utf8)
        }
        let paths = units.map { "'\(folder.path)/\($0)'" }.joined(separator: " ")
        return withExtendedLifetime(folder) { shell("systemd-analyze \(arguments) \(paths)") }
    }

    @Test func `systemd accepts the units without a word`() throws {
        let answer = try analyze("verify --man=no")
        #expect(answer.status == 0 && answer.output.isEmpty, "\(answer.output)")
    }

    @Test func `systemd refuses a unit with a misspelt setting`() throws {
        let answer = try analyze("verify --man=no") {
            $0.replacing("SocketMode=", with: "SocketMood=")
        }
        #expect(answer.output.contains("SocketMood"), "\(answer.output)")
    }

    @Test func `the service is exposed by 0.4 at most`() throws {
        let answer = try analyze(
            "security --no-pager --offline=true --threshold=4", of: ["dsegd.service"])
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
            "security --no-pager --offline=true --threshold=4", of: ["dsegd.service"]
        ) {
            $0.replacing("\n\(line)\n", with: "\n")
        }
        #expect(answer.status != 0, "\(answer.output)")
    }

    @Test func `callers are known by their uid and the socket is not open to all`() throws {
        let service = try String(
            contentsOfFile: Repository.root + "/Systemd/dsegd.service", encoding: .utf8
        ).splitLines
        let socket = try String(
            contentsOfFile: Repository.root + "/Systemd/dsegd.socket", encoding: .utf8
        ).splitLines
        #expect(service.contains("PrivateUsers=no"))
        #expect(socket.contains("SocketMode=0660") && socket.contains("SocketGroup=dseg"))
    }
}
