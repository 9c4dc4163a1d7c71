import Kernels
import Networks
import Segmentation
import Support
import Synchronization
import Texts

/// Models by name, whose loading a test holds up, breaks, or makes as large as it likes.
final class TestCatalogue: ModelCatalogue {
    /// What a test knows and decides of a model.
    struct Entry {
        /// A checkpoint.
        var folder = Fixture.odd
        /// Instead of what it really takes.
        var weightBytes: Int?
        var scratchBytes: Int?
        /// Why it cannot be opened.
        var fault: String?
        /// Keeps its weights.
        var keeper: TestKeeper?
        /// Called on the loading thread before the weights are read, with what tells whether they are wanted.
        var reading: (@Sendable (_ isWanted: @Sendable () -> Bool) -> Void)?
        /// How often it was opened, and read to the end.
        var opened = 0
        var read = 0
    }

    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    private let entries: Mutex<[String: Entry]>
    private let standard: String

    init(_ entries: [String: Entry], standard: String) {
        self.entries = Mutex(entries)
        self.standard = standard
    }

    subscript(name: String) -> Entry {
        get { entries.withLock { $0[name] ?? Entry() } }
        set { entries.withLock { $0[name] = newValue } }
    }

    func remove(_ name: String) { entries.withLock { $0[name] = nil } }

    func key(for name: String) throws(SegmentationError) -> ModelKey {
        let name = name.isEmpty ? standard : name
        guard entries.withLock({ $0[name] != nil }) else { throw .unknownModel(name, reason: "no test has it") }
        return Self.key(name)
    }

    static func key(_ name: String) -> ModelKey { ModelKey(name: ExactString(name), identity: ExactString(name)) }

    func open(_ key: ModelKey) throws -> OpenedModel {
        let name = key.name.text
        let found = entries.withLock { entries -> Entry? in
            entries[name]?.opened += 1
            return entries[name]
        }
        guard let entry = found else { throw Fault(description: "\(name) is gone") }
        if let fault = entry.fault { throw Fault(description: fault) }
        let contents = try PipelineContents(
            ModelSource(entry.folder), captioner: nil, filter: nil, clipMerges: Fixture.clipMerges, precision: .f32)
        return OpenedModel(
            weightBytes: entry.weightBytes ?? contents.weightBytes,
            scratchBytes: entry.scratchBytes ?? contents.scratchBytes
        ) { [self] progress, isWanted in
            entry.reading?(isWanted)
            let pipeline = try contents.read(
                name: name, cache: nil, keeper: entry.keeper, progress: progress, while: isWanted)
            entries.withLock { $0[name]?.read += 1 }
            return pipeline
        }
    }
}
