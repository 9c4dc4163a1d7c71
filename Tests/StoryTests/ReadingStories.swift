import FoundationEssentials
import Glibc
import RPC
import Support
import Testing

/// The daemon reads its own files and its owner's models: clients send bytes, and what they name is no path.
struct ReadingStories {
    /// Asks in every way, by names that are paths.
    private func ask(_ supervisor: ServiceSupervisor, _ secret: String) throws {
        let client = try supervisor.client()
        let names = [
            secret, "../../../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "tiny/../../secret",
            "~/secret", "@\(secret)", ".", "/",
        ]
        for name in names {
            var request = SegmentRequest(.image(try Repository.scene(1)), [name, "dog"])
            #expect(try client.answer(request).maps.count == 2, "a label is words")
            (request.model, request.labels) = (name, [Label(name: "dog")])
            #expect(try client.refusal(request) != nil)
            (request.model, request.recipe) = ("", name)
            #expect(try client.refusal(request) != nil)
            #expect(try client.refusal(SegmentRequest(.handle(name), ["dog"])) != nil)
            #expect(try failure { try client.warm(name) } != nil)
            #expect(try failure { try client.describe(.about(1, model: name)) { _ in } } != nil)
            _ = try failure { try client.unload(name) }
            #expect(try failure { _ = try client.look(Array(name.utf8)) } != nil)
        }
        #expect(try client.answer(.about(2, model: "tiny")).maps.count == 2)
        try client.describe(.about(2, model: "demo")) { _ in }
        _ = try client.status()
        try client.unload("")
    }

    @Test(.enabled(if: FileTrace.isPossible)) func `whatever clients name, nothing else is read`() throws {
        let owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        let (cache, secret) = (owner.path("cache"), owner.path("secret"))
        let trace = FileTrace(to: owner.path("trace"))
        try Data("mine".utf8).write(to: URL(filePath: secret))
        var unit = ServiceUnit(environment: owner.environment.merging(["CACHE_DIRECTORY": cache]) { $1 })
        unit.runner = trace.runner
        let supervisor = try ServiceSupervisor(unit)
        try ask(supervisor, secret)
        supervisor.signal(SIGHUP)
        #expect(eventually { supervisor.log.contains("again") })
        #expect(supervisor.stop() == 0)

        let accesses = try trace.accesses(from: 0)
        let socket = URL(filePath: supervisor.socket).deletingLastPathComponent().path(percentEncoded: false)
        let folders =
            Self.ground + Self.libraries + [
                Repository.programs, Self.real(Repository.programs), owner.path("config"), owner.path("tiny"),
                owner.path(".config/dseg"), cache, socket,
            ]
        let foreign = accesses.filter { access in
            let isWithin = folders.contains {
                access.path == $0 || access.path.hasPrefix($0.last == "/" ? $0 : $0 + "/")
            }
            // Where links lead is looked for from the root on.
            let isAbove = !access.call.hasPrefix("open") && folders.contains { $0.hasPrefix(access.path) }
            return !isWithin && !isAbove
        }
        #expect(Set(foreign.map { "\($0.call) \($0.path)" }).sorted().isEmpty)
        let opened = Set(accesses.filter { $0.call.hasPrefix("open") }.map(\.path))
        #expect(opened.contains { $0.hasPrefix(owner.path("tiny/unet")) }, "the tracer saw the model")
        #expect(!opened.contains(secret) && !opened.contains("/etc/passwd"))
    }

    private static func real(_ path: String) -> String {
        URL(filePath: path).resolvingSymlinksInPath().path(percentEncoded: false)
    }

    /// Of the system: loader, kernel, devices, time, names, and dseg's own settings.
    private static let ground = [
        "/lib", "/lib64", "/usr/lib", "/etc/ld.so.cache", "/etc/ld.so.preload", "/proc", "/sys", "/dev/null",
        "/dev/urandom", "/etc/localtime", "/etc/nsswitch.conf", "/usr/share/zoneinfo", "/usr/share/locale",
        "/usr/share/icu", "/etc/dseg",
    ]

    /// The folders of the libraries, and what lies beside the language's own.
    private static let libraries = shell("ldd '\(Repository.programs)/dsegd'").output.split(separator: "\n")
        .compactMap { $0.split(separator: " ").first { $0.hasPrefix("/") }.map(String.init) }
        .map { path in
            path.firstRange(of: "/lib/swift/").map { String(path[..<$0.lowerBound]) }
                ?? URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        }
}
