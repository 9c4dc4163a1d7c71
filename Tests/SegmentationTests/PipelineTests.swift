import FoundationEssentials
import Glibc
import Kernels
import Networks
import Support
import Synchronization
import Testing

@testable import Segmentation

@Suite struct `a pipeline that is opened and not read yet` {
    @Test(arguments: Precision.allCases)
    func `knows what memory it takes, exactly`(precision: Precision) throws {
        try Threads.start(nil)
        let resources = "\(Repository.root)/Sources/dsegd/Resources"
        for (captioner, filter) in [("demo-captioner", "demo-filter"), (nil, "demo-filter"), (nil, nil)] {
            let contents = try PipelineContents(
                ModelSource(Fixture.demo), captioner: captioner.map { "\(resources)/\($0)" },
                filter: filter.map { "\(resources)/\($0)" }, clipMerges: Fixture.clipMerges, precision: precision)
            let pipeline = try contents.read(
                name: "demo", cache: nil, keeper: nil, progress: { _, _ in }, while: { true })
            #expect(contents.weightBytes == pipeline.weightBytes)
            #expect(contents.scratchBytes == pipeline.scratchBytes)
            #expect((pipeline.captioner == nil, pipeline.filter == nil) == (captioner == nil, filter == nil))
            let apart = try Fixture.model(Fixture.demo, precision)
            #expect(apart.hash == pipeline.model.hash && pipeline.model.name == "demo")
            if captioner == nil, filter == nil { #expect(apart.weightBytes == pipeline.weightBytes) }
            #expect(try pipeline.filter?.clip.hash == (filter == nil ? nil : DemoWords.filter(precision).clip.hash))
        }
    }

    /// Weights of zero bytes would be refused as weights: what is refused here is refused before they are looked at.
    @Test func `is refused for whatever is not its weights`() throws {
        let copy = try PipelineCopy()
        let captioner = try copy.captioner.bytes("vocab.txt")
        try copy.captioner.write("vocab.txt", Array(captioner.dropLast(60)))
        #expect("\(try #require(throws: ModelError.self) { try copy.contents() })".contains("vocabulary has"))
        try copy.captioner.write("vocab.txt", captioner)
        try copy.filter.write("filter.json", "{")
        #expect("\(try #require(throws: ModelError.self) { try copy.contents() })".contains("filter.json"))
        try copy.filter.remove("filter.json")
        _ = try copy.contents()
    }
}

@Suite struct `what is told while a pipeline is read` {
    /// What was told, in its order.
    private func told(_ contents: PipelineContents, cache: String?) throws -> [(done: Int, total: Int)] {
        let told = Mutex<[(done: Int, total: Int)]>([])
        _ = try contents.read(name: "", cache: cache, keeper: nil) { done, total in
            told.withLock { $0.append((done, total)) }
        } while: {
            true
        }
        return told.withLock(\.self)
    }

    private func expectOrder(_ told: [(done: Int, total: Int)], of total: Int) {
        #expect(told.allSatisfy { $0.total == total })
        #expect(told.first?.done == 0 && told.last?.done == total)
        #expect(zip(told, told.dropFirst()).allSatisfy { $0.done < $1.done })
        #expect((20...102).contains(told.count), "\(told.count)")
    }

    @Test func `counts the bytes that are read and those that are hashed, and none of digests that are known`() throws {
        try Threads.start(nil)
        let cache = try TemporaryDirectory()
        func contents() throws -> PipelineContents {
            try PipelineContents(
                ModelSource(Fixture.demo), captioner: nil,
                filter: "\(Repository.root)/Sources/dsegd/Resources/demo-filter", clipMerges: Fixture.clipMerges,
                precision: .f32)
        }
        let opened = try contents()
        let filter = try #require(opened.filter?.clip)
        let weights = (opened.model.networks + [filter.contents]).reduce(0) { $0 + $1.bytes }
        let hashed = (opened.model.files + filter.files).reduce(0) { $0 + $1.file.size }
        expectOrder(try told(opened, cache: nil), of: weights + hashed)
        expectOrder(try told(contents(), cache: cache.path), of: weights + hashed)
        expectOrder(try told(contents(), cache: cache.path), of: weights)
    }

    @Test func `never says that all is done where it is not`() throws {
        let copy = try PipelineCopy()
        let contents = try copy.contents()
        let most = Mutex((done: 0, total: 1))
        #expect(throws: ModelError.self) {
            try contents.read(name: "", cache: nil, keeper: nil) { done, total in
                if 2 * done >= total { FileEvent.overwriting.happen(to: copy.path(PipelineCopy.weights[0])) }
                most.withLock { $0 = (done, total) }
            } while: {
                true
            }
        }
        let (done, total) = most.withLock(\.self)
        #expect(2 * done >= total && done < total)
    }
}

@Suite struct `files that change while a pipeline is read` {
    @Test(arguments: PipelineCopy.weights + PipelineCopy.parsed, FileEvent.allCases)
    func `are read whole as they were opened, or refused by their name`(file: String, event: FileEvent) throws {
        let copy = try PipelineCopy()
        let path = copy.path(file)
        let whole = try copy.read(copy.contents())
        let contents = try copy.contents()
        if event.leavesTheOpenFile {
            let loaded = try copy.read(contents) { event.happen(to: path) }
            #expect(loaded.hashes == whole.hashes)
            return
        }
        let error = #expect(throws: ModelError.self) { try copy.read(contents) { event.happen(to: path) } }
        guard case .checkpoint(let fault)? = error else { return }
        switch fault {
        case .changed(let named, _, _): #expect(named == path)
        case .shortRead(let named, _, _): #expect(named == path && event == .truncation)
        default: Issue.record("\(fault)")
        }
    }

    /// Nobody hashes them again, so nothing else would tell.
    @Test func `are refused though their digests are remembered`() async throws {
        let files = ["model/unet/config.json", "captioner/vocab.txt", "filter/vocab.json", PipelineCopy.weights[0]]
        let copies = try files.map { (file: $0, copy: try PipelineCopy()) }
        try await Task.sleep(for: .seconds(3.2))
        for (file, copy) in copies {
            let cache = try TemporaryDirectory()
            let path = copy.path(file)
            let first = try copy.read(copy.contents(), cache: cache.path)
            #expect(try copy.read(copy.contents(), cache: cache.path).hashes == first.hashes)
            let contents = try copy.contents()
            let error = #expect(throws: ModelError.self) {
                try copy.read(contents, cache: cache.path) { FileEvent.overwriting.happen(to: path) }
            }
            #expect("\(error, default: "")".contains(path))
        }
    }

    @Test func `all of them removed or replaced, it answers with the bits of those that it opened`() throws {
        let whole = try PipelineCopy()
        let expected = try whole.read(whole.contents())
        for event in [FileEvent.removal, .replacement] {
            let copy = try PipelineCopy()
            let contents = try copy.contents()
            let loaded = try copy.read(contents) {
                for file in PipelineCopy.weights + PipelineCopy.parsed { event.happen(to: copy.path(file)) }
            }
            #expect(loaded.hashes == expected.hashes)
            #expect(try loaded.bits() == expected.bits())
        }
    }

    /// Another thread exchanges two files for others and back, as often as it can.
    @Test func `never are parsed as one file and hashed as another`() throws {
        let copy = try FolderCopy(of: "words/blip-tied")
        try Threads.start(nil)
        let words = String(decoding: try copy.bytes("vocab.txt"), as: UTF8.self).split(separator: "\n")
        let limits = [7, 9]
        for (index, limit) in limits.enumerated() {
            try copy.write("generation_config.json.\(index)", "{\"max_length\": \(limit)}")
            var words = words
            if index == 1 { words.swapAt(107, 108) }
            try copy.write("vocab.txt.\(index)", words.map { $0 + "\n" }.joined())
        }
        @Sendable func put(_ name: String, _ index: Int) {
            let path = "\(copy.path)/\(name)"
            unsafe link("\(path).\(index)", "\(path).new")
            unsafe rename("\(path).new", path)
            // It stays where both are names of one file.
            unsafe unlink("\(path).new")
        }
        struct Parsed: Hashable {
            let limit: Int
            let tokens: [Token]
        }
        func load() throws -> (hash: String, parsed: Parsed) {
            let captioner = try Fixture.captioner(copy.path)
            let tokens = captioner.tokenizer.tokens(of: String(words[107]))
            return (captioner.blip.hash, Parsed(limit: captioner.generation.limit, tokens: tokens))
        }
        var known: [String: Parsed] = [:]
        for (first, second) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            put("generation_config.json", first)
            put("vocab.txt", second)
            let (hash, parsed) = try load()
            known[hash] = parsed
        }
        #expect(known.count == 4 && Set(known.values).count == 4)
        let exchange = Repetition { put(["generation_config.json", "vocab.txt"][$0 % 2], $0 / 2 % 2) }
        defer { exchange.end() }
        var seen: Set<String> = []
        for _ in 0..<150 {
            let (hash, parsed) = try load()
            #expect(known[hash] == parsed)
            seen.insert(hash)
        }
        #expect(seen.count > 1 && exchange.rounds > 150, "nothing was exchanged in between")
    }
}
