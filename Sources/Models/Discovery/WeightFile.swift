import Networks
import Texts

/// What a file's name says of what may be in it.
enum WeightFormat {
    case safetensors, pickle, gguf
    /// No ending, which tells nothing: a cache's blobs and copies of them.
    case unnamed

    private static let endings: [(format: WeightFormat, endings: [String])] = [
        (.safetensors, [".safetensors"]), (.pickle, FileFormat.pickle.endings), (.gguf, FileFormat.gguf.endings),
    ]

    /// `nil` where no weights are called `name`.
    init?(_ name: String) {
        guard name.utf8.contains(UInt8(ascii: ".")) else {
            self = .unnamed
            return
        }
        let name = name.lowercased()
        let found = Self.endings.first { $0.endings.contains { name.hasSuffix($0) } }
        guard let found else { return nil }
        self = found.format
    }
}

/// The weights of a network's folder, chosen as they are when it is loaded.
struct ComponentWeights {
    /// Names of safetensors files that hold one network together; empty where there is none.
    let files: [String]
    /// The name of a file that should be there and is not.
    let absent: String?
    /// The name of a pickle, where it is all there is.
    let pickle: String?

    private static let stems = ["diffusion_pytorch_model", "model", "pytorch_model"]

    /// Whether `name` is that of a network's weights in a folder of its own.
    static func isNetwork(_ name: String) -> Bool {
        WeightFormat(name) != nil
            && stems.contains { name.utf8.starts(with: "\($0).".utf8) || name.utf8.starts(with: "\($0)-".utf8) }
    }

    /// Of several variants half precision is first, then the plain one, then whatever there is.
    init(_ listing: FolderListing) {
        let named = listing.items.filter { Self.isNetwork($0.name) && WeightFormat($0.name) == .safetensors }
        let variants = Dictionary(grouping: named) { ExactString(Self.variant(of: $0.name)) }
        let order = variants.keys.sorted { (Self.rank($0), $0) < (Self.rank($1), $1) }
        let missing = order.map { Self.gap(in: variants[$0] ?? []) }
        if let whole = missing.firstIndex(of: nil) {
            files = (variants[order[whole]] ?? []).map(\.name)
            absent = nil
        } else {
            files = []
            absent = missing.first ?? nil
        }
        let pickles = listing.items.filter { Self.isNetwork($0.name) && WeightFormat($0.name) == .pickle }
        pickle = files.isEmpty ? pickles.first { $0.kind == .file }?.name : nil
    }

    /// The name without the number of a shard: `model.fp16-00001-of-00002.safetensors` is one of `model.fp16`.
    private static func variant(of name: String) -> String {
        let stem = name.split(separator: ".", omittingEmptySubsequences: false).dropLast()
        return stem.map { shardless(String($0)) }.joined(separator: ".")
    }

    private static func shardless(_ part: String) -> String {
        shard(of: part).map { _ in part.split(separator: "-").dropLast(3).joined(separator: "-") } ?? part
    }

    private static func shard(of name: String) -> (number: Int, count: Int)? {
        let words = name.split(whereSeparator: { $0 == "-" || $0 == "." })
        guard let of = words.lastIndex(of: "of"), of > 0, of + 1 < words.count else { return nil }
        guard let number = Int(words[of - 1]), let count = Int(words[of + 1]) else { return nil }
        return (number, count)
    }

    private static func rank(_ variant: ExactString) -> Int {
        let words = variant.text.split(separator: ".")
        return words.contains("fp16") ? 0 : words.count == 1 ? 1 : 2
    }

    /// The first file of a variant that is not there, also a shard that no name stands for; `nil`: all are.
    private static func gap(in items: [FolderListing.Item]) -> String? {
        if let dangling = items.first(where: { $0.kind != .file }) { return dangling.name }
        guard let first = items.first, let count = shard(of: first.name)?.count, count != items.count else {
            return nil
        }
        return "\(max(0, count - items.count)) of \(count) shards beside \(first.name)"
    }
}
