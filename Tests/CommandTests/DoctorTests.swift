import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// `dseg doctor`, by the real programs.
@Suite struct DoctorTests {
    private let place: TemporaryDirectory
    private let environment: [String: String]

    init() throws {
        place = try TemporaryDirectory()
        environment = [
            "HOME": place.path, "XDG_CONFIG_HOME": "\(place.path)/config", "CACHE_DIRECTORY": "\(place.path)/cache",
            "XDG_DATA_HOME": "\(place.path)/data",
        ]
    }

    private func doctor(
        _ options: [String], program: String = Repository.dseg
    ) throws -> (report: DoctorReport, ending: Program.Ending) {
        let ending = try run([program, "doctor", "--json"] + options, environment: environment)
        let report = try JSONDecoder().decode(DoctorReport.self, from: Data(ending.output))
        #expect(ending.code == (report.healthy ? 0 : 1))
        #expect(report.healthy == report.faults.isEmpty)
        return (report, ending)
    }

    private func folder(_ name: String) throws -> String {
        let path = "\(place.path)/\(name)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    @Test func `a healthy installation with its daemon has no fault, in both forms`() throws {
        let daemon = try Daemon()
        let (report, ending) = try doctor(["--socket", daemon.socket])
        #expect(report.schema == 1 && report.version == Version.current)
        #expect(report.faults.isEmpty, "\(report.faults)")
        #expect(ending.errors == "" && ending.text.split(separator: "\n").count == 1)
        #expect(
            report.sections.map(\.name)
                == ["program", "processor", "models", "socket", "units", "caches", "self-test"])
        #expect(
            report["socket"].first { $0.subject == "daemon" }?.text.hasPrefix("dsegd \(Version.current), up") == true)
        #expect(report["socket"].first { $0.subject == "serves" }?.text.contains("demo") == true)

        let text = try run([Repository.dseg, "doctor", "--socket", daemon.socket], environment: environment)
        #expect(text.code == 0)
        // What changes from run to run: times, memory, uptime.
        let words = text.text.split(separator: "\n").map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
        for observation in report.sections.flatMap(\.observations) {
            let subject = observation.subject.split(separator: " ")[0]
            #expect(words.contains("\(observation.verdict) \(subject)"), "\(observation)")
        }
        #expect(text.text.contains("no fault was found; paste all of this into a report"))
        #expect(!text.text.contains(place.path) && text.text.contains("~/config/dseg/models.json"))
        let direct = try doctor(["--socket", daemon.socket], program: Repository.dsegd).report
        #expect(direct.sections.map(\.name) == report.sections.map(\.name) && direct.healthy)
    }

    @Test func `no daemon at all is no fault, and a named one that is not there is`() throws {
        let none = try doctor([]).report
        if !exists("/run/dseg/dseg.sock") {
            #expect(none["socket"].first { $0.subject == "daemon" }?.verdict == "note")
            #expect(none["socket"].first { $0.subject == "daemon" }?.advice == "dsegd serve")
        }
        let named = try doctor(["--socket", "\(place.path)/none.sock"]).report
        #expect(named.faults.map(\.subject) == ["socket"])
        #expect(named.faults.first?.text.contains("type: dsegd serve --socket ~/none.sock") == true)
    }

    @Test func `a socket that a killed daemon left is told from one that answers`() throws {
        let socket = "\(try folder("stale"))/dseg.sock"
        close(try listen(at: socket))
        let (report, _) = try doctor(["--socket", socket])
        #expect(report.faults.map(\.subject) == ["socket"])
        let text = try #require(report.faults.first).text
        #expect(text.contains("a socket of ") && text.contains("Nothing answers at") && text.contains("dsegd serve"))
    }

    @Test(.enabled(if: geteuid() == 0, "only root can run a program as another user"))
    func `a socket that this user may not open is told with its owner and mode`() throws {
        let daemon = try Daemon()
        daemon.admitEveryone()
        chmod(daemon.socket, 0o600)
        let programs = try InstalledCopy()
        let ending = try run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", programs.dsegd, "doctor", "--json"]
                + ["--socket", daemon.socket],
            environment: ["HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"])
        let report = try JSONDecoder().decode(DoctorReport.self, from: Data(ending.output))
        #expect(report.faults.map(\.subject) == ["socket"])
        let text = try #require(report.faults.first).text
        #expect(text.contains("a socket of root:root, mode 600"), "\(text)")
        #expect(text.contains("is not yours to open") && text.contains("only root may"), "\(text)")
    }

    @Test func `a daemon that says nothing is given up on`() throws {
        let socket = "\(try folder("silent"))/dseg.sock"
        let listener = try listen(at: socket)
        defer { close(listener) }
        let start = ContinuousClock.now
        let (report, _) = try doctor(["--socket", socket])
        #expect(report.faults.map(\.subject) == ["socket"])
        #expect(report.faults.first?.text.contains("said nothing for 3 s") == true)
        #expect(ContinuousClock.now - start > .seconds(3))
    }

    @Test func `a daemon of another version is noted, with what to type`() throws {
        let daemon = try StandInDaemon { call, connection in
            switch call.method {
            case .status:
                let status = StatusReply(
                    version: "9.8.7", models: [], queued: 0, queueLimit: 16, answered: 0, refused: 0, pictures: 0,
                    picturesBytes: 0, picturesLimit: 0, words: 0, wordsBytes: 0, wordsLimit: 0,
                    uptimeMilliseconds: 61_000, threads: 2, recipes: [], memoryBytes: 1 << 30, memoryLimit: 2 << 30,
                    keepAlive: "5m", defaultModel: "older", activity: .none)
                return [connection.reply(status.encoded(), on: call.stream)]
            default:
                let health = HealthCheckResponse(status: .notServing)
                return [connection.reply(health.encoded(), on: call.stream)]
            }
        }
        let (report, _) = try doctor(["--socket", daemon.socket])
        #expect(report.faults.isEmpty)
        let note = try #require(report["socket"].first { $0.subject == "daemon" })
        #expect(note.verdict == "note" && note.advice?.contains("restart the daemon") == true)
        #expect(note.text.contains("dsegd 9.8.7, up 61 s") && note.text.contains("this program is \(Version.current)"))
        #expect(report["socket"].first { $0.subject == "serves" }?.text == "older where none is named; none is loaded")
        #expect(report["socket"].first { $0.subject == "health" }?.verdict == "note")
    }

    @Test func `a registry that is none, and one that may not be read, are faults`() throws {
        let file = "\(try folder("config/dseg"))/models.json"
        try write(Array("{\"version\": 1, \"models\": [".utf8), to: file)
        let garbled = try doctor([]).report
        #expect(garbled.faults.map(\.subject) == ["registry"])
        #expect(garbled.faults.first?.text.hasPrefix("~/config/dseg/models.json is no registry of models") == true)
        try FileManager.default.removeItem(atPath: file)
        _ = try folder("config/dseg/models.json")
        let unreadable = try doctor([]).report
        #expect(unreadable.faults.map(\.subject) == ["registry"])
    }

    @Test func `a model whose files changed since they were added is a fault`() throws {
        let model = try FolderCopy(of: "../../Sources/dsegd/Resources/demo")
        let added = try run([Repository.dseg, "model", "add", model.path, "--name", "mine"], environment: environment)
        try #require(added.code == 0, "\(added.errors)")
        let whole = try doctor([]).report
        let found = try #require(whole["models"].first { $0.subject == "mine" })
        #expect(found.verdict == "ok" && found.text.contains("no captioner; no filter"))
        #expect(whole["models"].first { $0.subject == "default" }?.text == "mine")
        // In a temporary folder, which the service does not see.
        #expect(found.text.contains("the system's service cannot read it"))

        let config = "\(model.path)/unet/config.json"
        try write(try bytes(config) + [UInt8(ascii: "\n")], to: config)
        let changed = try doctor([]).report
        #expect(changed.faults.map(\.subject) == ["mine"])
        #expect(changed.faults.first?.text.contains("changed since it was added") == true)
        #expect(changed.faults.first?.advice == "dseg model verify mine")
    }

    @Test func `a unit that starts a program that is not there is a fault`() throws {
        let units = try folder("config/systemd/user")
        try write(Array("[Service]\nExecStart=-/nowhere/dsegd serve\n".utf8), to: "\(units)/dsegd.service")
        let (report, _) = try doctor([])
        #expect(report.faults.map(\.subject) == ["user dsegd.service"])
        #expect(report.faults.first?.text.contains("/nowhere/dsegd, which is not there") == true)

        try write(Array("[Service]\nExecStart=/bin/true serve\n".utf8), to: "\(units)/dsegd.service")
        let other = try doctor([]).report
        let note = try #require(other["units"].first { $0.subject == "user dsegd.service" })
        #expect(note.verdict == "note" && note.text.contains("another dsegd than this one, /bin/true"))
        try FileManager.default.removeItem(atPath: "\(units)/dsegd.service")
        try FileManager.default.createSymbolicLink(
            atPath: "\(units)/dsegd.service", withDestinationPath: "/dev/null")
        let masked = try doctor([]).report["units"].first { $0.subject == "user dsegd.service" }
        #expect(masked?.text.contains("is masked") == true)
    }

    @Test func `a cache folder that cannot be written to is noted`() throws {
        try write([], to: "\(place.path)/cache")
        let (report, _) = try doctor([])
        #expect(report.faults.isEmpty)
        #expect(report["caches"].map(\.verdict) == ["note"])
    }
}
