import FoundationEssentials
import RPC
import Support
import Testing

/// The settings that `make install` puts in place, each of which is commented out.
struct ShippedSettingsStories {
    @Test func `every setting is one that the daemon takes, and says what holds without it`() throws {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/dsegd.conf"
        let shipped = String(decoding: try Repository.bytes("\(Repository.root)/Packaging/dsegd.conf"), as: UTF8.self)
        let settings = shipped.split(separator: "\n").filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") }
        try settings.map { $0.dropFirst() }.joined(separator: "\n")
            .write(toFile: path, atomically: false, encoding: .utf8)
        let (told, silent) = try (Daemon("--settings", path), Daemon())
        let (status, other) = try (told.client().status(), silent.client().status())
        #expect(settings.count == 11)
        #expect(status.keepAlive == other.keepAlive && status.queueLimit == other.queueLimit)
        #expect(status.memoryLimit == 6 << 30)
    }
}
