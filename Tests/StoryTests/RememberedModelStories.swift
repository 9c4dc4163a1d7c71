import FoundationEssentials
import RPC
import Support
import Testing

/// A daemon caches the digests of a model's files, and still reports the hash that the model has.
struct RememberedModelStories {
    /// Holds a copy of the demo model, unchanged for so long that daemons cache its digests, and their cache.
    private let directory: TemporaryDirectory
    private var model: String { "\(directory.path)/model" }
    private var list: String { "\(directory.path)/cache/dseg/digests" }

    init() async throws {
        directory = try TemporaryDirectory()
        try FileManager.default.copyItem(
            atPath: "\(Repository.root)/Sources/dsegd/Resources/demo", toPath: "\(directory.path)/model")
        try await Task.sleep(for: .seconds(3.2))
    }

    /// The hash of the model that a new daemon has loaded.
    private func hash(_ environment: [String: String]) throws -> String {
        let daemon = try Daemon(starting: ["--model", model], environment: environment)
        try #require(eventually { daemon.child.hasEnded || daemon.answers } && !daemon.child.hasEnded, "\(daemon.log)")
        return try #require(daemon.client().status().models.first?.hash)
    }

    private func modes(_ path: String) -> String { shell("stat -c %a '\(path)'").output }

    @Test func `a second daemon says the same hash, and another one when a byte has changed`() throws {
        let user = ["XDG_CACHE_HOME": "\(directory.path)/cache", "CACHE_DIRECTORY": ""]
        let first = try hash([:])
        #expect(try hash(user) == first)
        #expect(modes("\(directory.path)/cache/dseg") == "700\n" && modes(list) == "600\n")
        let remembered = try Repository.bytes(list)
        #expect(try hash(user) == first)
        #expect(try Repository.bytes(list) == remembered)

        let weights = "\(model)/unet/diffusion_pytorch_model.safetensors"
        let change = """
            cp -p '\(weights)' '\(weights).before'
            printf '\\1' | dd of='\(weights)' bs=1 seek=$(($(stat -c %s '\(weights)') - 1)) conv=notrunc
            touch -r '\(weights).before' '\(weights)'
            """
        try #require(shell(change).status == 0)
        let changed = try hash(user)
        #expect(changed != first, "though its size and its time of modification are the same")
        #expect(try hash([:]) == changed)
    }

    @Test func `the service manager's folder comes first, and without any nothing is missed`() throws {
        let (own, other) = ("\(directory.path)/own", "\(directory.path)/other")
        let first = try hash(["CACHE_DIRECTORY": "\(own):\(other)", "XDG_CACHE_HOME": other])
        #expect(modes("\(own)/digests") == "600\n")
        #expect(!FileManager.default.fileExists(atPath: other))
        for variables in [["XDG_CACHE_HOME": "cache", "HOME": ""], ["XDG_CACHE_HOME": "", "HOME": "/proc/none"]] {
            #expect(try hash(variables.merging(["CACHE_DIRECTORY": "cache"]) { $1 }) == first)
        }
        _ = try hash(["CACHE_DIRECTORY": "", "XDG_CACHE_HOME": "", "HOME": own])
        #expect(modes("\(own)/.cache/dseg/digests") == "600\n")
    }
}
