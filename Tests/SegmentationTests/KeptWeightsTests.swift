import FoundationEssentials
import Glibc
import Kernels
import Support
import Synchronization
import Testing

@testable import Networks
@testable import Segmentation

/// The pipelines that these tests keep, from files that have lain still.
private enum Kept {
    static let words = "\(Repository.root)/Tests/Fixtures/words"

    static func contents(
        _ model: String = Fixture.tiny, filter: String? = "\(words)/clip", precision: Precision = .f32
    ) throws -> PipelineContents {
        try Threads.start(nil)
        return try PipelineContents(
            ModelSource(model), captioner: "\(words)/blip-tied", filter: filter, clipMerges: Fixture.clipMerges,
            precision: precision)
    }

    static func read(_ contents: PipelineContents, _ keeper: TestKeeper?) throws -> Pipeline {
        try contents.read(name: "mine", cache: nil, keeper: keeper, progress: { _, _ in }, while: { true })
    }

    /// Sums over the weights as they lie in memory.
    static func sums(_ contents: PipelineContents) -> [UInt64?] {
        [
            contents.model.region.checksum, contents.captioner?.blip.region.checksum,
            contents.filter?.clip.region.checksum,
        ]
    }
}

@Suite struct `weights that are kept` {
    @Test(arguments: Precision.allCases)
    func `come back with the same bits, and nothing is read`(precision: Precision) throws {
        let keeper = TestKeeper()
        let plain = try Kept.contents(precision: precision)
        let expected = try Kept.read(plain, nil)
        let first = try Kept.contents(precision: precision)
        let kept = try Kept.read(first, keeper)
        let names = keeper.names
        #expect(names.count == 3 && names.allSatisfy { $0.hasPrefix("weights-") && $0.utf8.count == 40 })
        #expect(Set(keeper.events) == Set(names.map(TestKeeper.Event.kept)))
        keeper.restart()
        let second = try Kept.contents(precision: precision)
        let told = Mutex<[[Int]]>([])
        let adopted = try second.read(name: "mine", cache: nil, keeper: keeper) { done, total in
            told.withLock { $0.append([done, total]) }
        } while: {
            true
        }
        let networks =
            second.model.networks + [second.captioner?.blip.contents, second.filter?.clip.contents].compactMap(\.self)
        let bytes = networks.reduce(0) { $0 + $1.bytes }
        #expect(told.withLock(\.self) == [[0, bytes], [bytes, bytes]])
        #expect(Set(keeper.events) == Set(names.map(TestKeeper.Event.taken)) && keeper.names == names)
        #expect(Kept.sums(first) == Kept.sums(plain) && Kept.sums(second) == Kept.sums(plain))
        let answers = try expected.bits()
        #expect(try kept.bits() == answers)
        #expect(try adopted.bits() == answers)
        #expect(kept.hashes == expected.hashes && adopted.hashes == expected.hashes)
        #expect(adopted.model.hashAliases == expected.model.hashAliases)
    }

    @Test func `say whose they are`() throws {
        let keeper = TestKeeper()
        _ = try Kept.read(Kept.contents(), keeper)
        for name in keeper.names {
            let descriptor = try #require(keeper.descriptor(of: name))
            #expect(KeptWeights.owner(of: descriptor) == "mine" && KeptWeights.isOfThisProgram(descriptor))
        }
        let file = try #require(MemoryFile(bytes: 1 << 20))
        #expect(KeptWeights.owner(of: file.descriptor) == nil)
        #expect(file.seal() && KeptWeights.owner(of: file.descriptor) == nil)
        #expect(KeptWeights.owner(of: -1) == nil)
        #expect(!KeptWeights.isOfThisProgram(file.descriptor) && !KeptWeights.isOfThisProgram(-1))
    }

    @Test func `are shared by models with the same network beside them`() throws {
        let keeper = TestKeeper()
        let one = try Kept.read(Kept.contents(Fixture.tiny, filter: nil), keeper)
        let alone = Set(keeper.names)
        let other = try Kept.read(Kept.contents(Fixture.odd, filter: nil), keeper)
        #expect(alone.count == 2 && keeper.names.count == 3)
        let captioner = try #require(alone.first { keeper.uses(of: $0) == 2 })
        #expect(keeper.names.count { keeper.uses(of: $0) == 1 } == 2)
        let answers = try other.bits()
        one.letGo()
        #expect(keeper.uses(of: captioner) == 1 && keeper.names.count == 2)
        #expect(try other.bits() == answers)
        other.letGo()
        #expect(keeper.names.isEmpty)
        // Whoever has them in memory goes on.
        #expect(try other.bits() == answers)
    }

    @Test func `are looked for by what decides them`() throws {
        let folder = try TemporaryDirectory()
        let path = "\(folder.path)/model.safetensors"
        let bytes = Data(safetensors([StoredTensor("a", shape: [2, 3], [1, 2, 3, 4, 5, 6])]))
        try bytes.write(to: URL(filePath: path))
        func key(_ build: String, _ precision: Precision, as name: String) throws -> String {
            let checkpoint = try Checkpoint(directory: folder.path, stem: "model", component: name)
            let region = try WeightRegion(capacity: checkpoint.packedBytes)
            _ = try checkpoint.weights(in: region, precision: precision).matrix("a", outputs: 2, inputs: 3)
            return WeightKey(build: build, checkpoint.claimsInOrder, in: region, checkpoint.hashedFiles(in: "")).name
        }
        let first = try key("1", .f32, as: "unet")
        #expect(try key("1", .f32, as: "unet") == first)
        var others = [try key("2", .f32, as: "unet"), try key("1", .int16, as: "unet"), try key("1", .f32, as: "vae")]
        unsafe chmod(path, 0o600)
        others.append(try key("1", .f32, as: "unet"))
        try bytes.write(to: URL(filePath: path), options: .atomic)
        others.append(try key("1", .f32, as: "unet"))
        #expect(Set(others + [first]).count == 6)
    }

    @Test func `are not, of files that may change and look the same, and are once these have lain still`() async throws
    {
        let copy = try PipelineCopy()
        let keeper = TestKeeper()
        func read() throws -> Pipeline {
            try copy.contents().read(name: "", cache: nil, keeper: keeper, progress: { _, _ in }, while: { true })
        }
        let expected = try read().bits()
        #expect(keeper.names.isEmpty)
        try await Task.sleep(for: .seconds(3.2))
        _ = try read()
        let names = Set(keeper.names)
        #expect(names.count == 3)
        // Another file of the same bytes: only its network is read anew.
        unsafe utimes(copy.path("filter/config.json"), nil)
        FileEvent.replacement.happen(to: copy.path("captioner/generation_config.json"))
        try copy.captioner.write("generation_config.json", "{\"max_length\": 9}")
        keeper.restart()
        try await Task.sleep(for: .seconds(3.2))
        _ = keeper.events
        #expect(try read().bits() == expected)
        let events = keeper.events
        #expect(events.count == 3 && keeper.names.count == 5)
        #expect(events.count { if case .kept = $0 { true } else { false } } == 2)
    }
}

/// What may be under a name that is not what was kept there.
enum Impostor: CaseIterable {
    case flippedWeight, flippedHeader, otherFormat, otherBuild, otherLayout, otherFile, otherNames, otherSum
    case noHeader, unsealed, shorter, longer, empty, pipe, socket, folder, closed

    /// - Returns: a descriptor in the place of the one that holds `bytes`
    func made(of bytes: [UInt8]) throws -> CInt {
        let start = bytes.count - WeightHeader.bytes
        let end = try #require(bytes[start...].firstIndex(of: UInt8(ascii: "\n")))
        func changed(_ change: (inout [UInt8]) -> Void) throws -> CInt {
            var new = bytes
            change(&new)
            return try Self.file(new, isSealed: self != .unsealed)
        }
        func header(_ old: String, _ new: String) throws -> CInt {
            let json = String(decoding: bytes[start...end], as: UTF8.self)
            try #require(json.contains(old))
            let text = Array(json.replacing(old, with: new, maxReplacements: 1).utf8)
            return try changed { bytes in
                let sum = Array(SHA256.hexadecimal(of: text).utf8)
                bytes.replaceSubrange(start..., with: text + sum)
                bytes += [UInt8](repeating: 0, count: start + WeightHeader.bytes - bytes.count)
            }
        }
        switch self {
        case .flippedWeight: return try changed { $0[start / 2] ^= 1 }
        case .flippedHeader: return try changed { $0[end - 9] ^= 1 }
        case .otherFormat: return try header("\"format\":1", "\"format\":2")
        case .otherBuild: return try header("build ", "build 1")
        case .otherLayout: return try header("layout ", "layout 0")
        case .otherFile: return try header("file ", "file 1")
        case .otherNames: return try header("config.json\":\"", "config.jsom\":\"")
        case .otherSum: return try header("\"checksum\":", "\"checksum\":1")
        case .noHeader:
            return try changed { $0.replaceSubrange(start..., with: repeatElement(0, count: $0.count - start)) }
        case .unsealed: return try changed { _ in }
        case .shorter: return try changed { $0.removeSubrange(start - 4096..<start) }
        case .longer: return try changed { $0.insert(contentsOf: repeatElement(0, count: 4096), at: start) }
        case .empty: return try Self.file([], isSealed: true)
        case .pipe: return try unsafe Self.pair { unsafe Glibc.pipe($0) }
        case .socket:
            let kind = CInt(SOCK_STREAM.rawValue)
            return try unsafe Self.pair { unsafe Glibc.socketpair(AF_UNIX, kind, 0, $0) }
        case .folder: return unsafe open("/", O_RDONLY)
        case .closed: return 1_000_000
        }
    }

    private static func file(_ bytes: [UInt8], isSealed: Bool) throws -> CInt {
        let file = try #require(MemoryFile(bytes: bytes.count))
        #expect(file.write(bytes, at: 0))
        if isSealed { #expect(file.seal()) }
        return file.giveAway()
    }

    private static func pair(_ make: (UnsafeMutablePointer<CInt>) -> CInt) throws -> CInt {
        var ends: [CInt] = [-1, -1]
        let code = unsafe make(&ends)
        #expect(code == 0)
        close(ends[1])
        return ends[0]
    }
}

@Suite struct `what is kept under the name of weights and is not them` {
    @Test(arguments: Impostor.allCases)
    func `is let go, and the weights are read and kept anew`(impostor: Impostor) throws {
        let keeper = TestKeeper()
        let expected = try Kept.read(Kept.contents(), keeper).bits()
        let names = keeper.names
        for name in names {
            let file = MemoryFile(borrowed: try #require(keeper.descriptor(of: name)))
            let size = try #require(file.sealedSize)
            let bytes = try #require(file.bytes(size, at: 0))
            keeper.restart()
            let other = try impostor.made(of: bytes)
            keeper.replace(name, by: other)
            _ = keeper.events
            let contents = try Kept.contents()
            #expect(try Kept.read(contents, keeper).bits() == expected)
            let events = keeper.events
            #expect(events.contains(.letGo(name)) && events.contains(.kept(name)) && events.count == 5, "\(events)")
            #expect(keeper.names == names)
            keeper.restart()
            #expect(try Kept.read(Kept.contents(), keeper).bits() == expected)
            #expect(Set(keeper.events) == Set(names.map(TestKeeper.Event.taken)))
        }
    }
}

@Suite struct `weights that are not kept` {
    @Test(arguments: [0, 50])
    func `are those of a load that nobody waits for`(share: Int) throws {
        let keeper = TestKeeper()
        let isWanted = Atomic(true)
        #expect(throws: ModelError.self) {
            try Kept.contents().read(name: "", cache: nil, keeper: keeper) { done, total in
                if 100 * done >= share * total { isWanted.store(false, ordering: .relaxed) }
            } while: {
                isWanted.load(ordering: .relaxed)
            }
        }
        #expect(keeper.names.isEmpty && keeper.events.isEmpty)
    }

    @Test func `are those of a load that fails, adopted ones included`() async throws {
        let copy = try PipelineCopy()
        try await Task.sleep(for: .seconds(3.2))
        let keeper = TestKeeper()
        func read(_ contents: PipelineContents, _ event: @escaping @Sendable () -> Void) throws {
            _ = try contents.read(name: "", cache: nil, keeper: keeper, progress: { _, _ in event() }, while: { true })
        }
        try read(copy.contents()) {}
        #expect(keeper.names.count == 3)
        keeper.restart()
        let contents = try copy.contents()
        #expect(throws: ModelError.self) {
            try read(contents) { FileEvent.overwriting.happen(to: copy.path("filter/model.safetensors")) }
        }
        #expect(keeper.names.isEmpty)
    }

    /// By a signal, if it were tried.
    @Test func `are those for which the process may have no file`() async {
        await #expect(processExitsWith: .success) {
            let expected = try Kept.read(Kept.contents(), nil).bits()
            var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let keeper = TestKeeper()
            let found = try Kept.read(Kept.contents(), keeper).bits()
            precondition(found == expected && keeper.names.isEmpty)
        }
    }
}
