package import Images
package import Kernels
package import Networks
import Texts

/// Embeds pictures and labels' texts where those lie near each other that belong together: CLIP, its tokenizer, and how
/// it reads pictures. A text is read once for each user, and remembered for them in
/// memory and on disk.
package final class LabelFilter {
    package let clip: Pretrained<CLIP>
    package let tokenizer: BytePairTokenizer
    /// How it reads the middle of a picture, as published.
    package let pictures: PictureConfiguration
    /// How labels are told from patches unless a filter says otherwise.
    package let patches: PatchConfiguration
    private var known: PrivateCache<ExactString, [Float]>
    private var banks: PrivateCache<LabelBank.Key, LabelBank>
    private let stored: RememberedEmbeddings?

    /// Bytes of embeddings in memory: ten thousand texts of CLIP L/14, and once the labels that a request may have.
    package static let memoryLimit = textLimit + bankLimit
    private static let textLimit = 32 << 20
    private static let bankLimit = 16 << 20
    /// Tokens of texts that are read together.
    static let groupTokens = 1024

    /// Opens and reads a filter; parameters as of ``Pretrained``.
    ///
    /// - Parameter clipMerges: CLIP's published vocabulary, for a folder without a tokenizer
    package convenience init(
        directory: String, clipMerges: String, precision: Precision, cache: String?,
        while isWanted: @Sendable () -> Bool
    ) throws(ModelError) {
        let contents = try LabelFilterContents(directory: directory, clipMerges: clipMerges, precision: precision)
        self.init(contents, try contents.clip.hashed.read(cache: cache, while: isWanted), cache: cache)
    }

    /// - Parameters:
    ///   - contents: whose weights have been read
    ///   - read: what reading them returned
    ///   - cache: a folder in which texts' embeddings are remembered too
    init(_ contents: LabelFilterContents, _ read: ReadNetworks, cache: String?) {
        clip = Pretrained(contents.clip, read)
        (tokenizer, pictures, patches) = (contents.tokenizer, contents.pictures, contents.patches)
        known = PrivateCache(limit: Self.textLimit)
        banks = PrivateCache(limit: Self.bankLimit)
        stored = cache.map(RememberedEmbeddings.init)
    }

    /// Number of texts whose embeddings are in memory, and bytes of all embeddings there.
    package var remembered: (count: Int, bytes: Int) { (known.count, known.bytes + banks.bytes) }

    /// A user's part of ``remembered``.
    func remembered(of owner: UInt32) -> (count: Int, bytes: Int) {
        (known.count(of: owner), known.bytes(of: owner) + banks.bytes(of: owner))
    }

    /// Forgets the embeddings in memory.
    package func forget() {
        known = PrivateCache(limit: Self.textLimit)
        banks = PrivateCache(limit: Self.bankLimit)
    }

    /// Embeddings of labels, each the mean of its texts' of length 1.
    ///
    /// - Parameters:
    ///   - labels: the words of each
    ///   - templates: around each of its words
    ///   - owner: the user who asks
    /// - Throws: `Interruption` between layers
    func bank(
        _ labels: [[String]], _ templates: [PromptTemplate], for owner: UInt32, cancellation: Cancellation,
        _ arena: inout Arena
    ) throws(Interruption) -> LabelBank {
        let key = LabelBank.Key(labels, templates)
        if let bank = banks.value(for: key, of: owner) { return bank }
        let texts = labels.flatMap { words in templates.flatMap { words.map($0.prompt) } }
        let all = try embeddings(of: texts, for: owner, cancellation: cancellation, &arena)
        let bank = LabelBank(
            all, counts: labels.map { $0.count * templates.count },
            tokens: Set(labels.joined().map { tokenizer.tokens(of: $0) }))
        banks.insert(bank, bytes: bank.bytes + key.bytes, for: key, of: owner)
        return bank
    }

    /// The embedding of a picture's middle, as published, of length 1, `[1, projection]`.
    ///
    /// - Throws: `Interruption` between layers, and while the picture is resized
    package func embedding(
        of picture: Image, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        let map = try picture.map(as: pictures, cancellation)
        let embedding = Matrix(stored: 1, by: clip.network.configuration.projection)
        try clip.network.embed(map, into: embedding, patches: nil, cancellation: cancellation, &arena)
        return embedding
    }

    /// The embeddings of texts, of length 1, `[texts, projection]`.
    ///
    /// - Parameters:
    ///   - texts: as the model reads them, their template included
    ///   - owner: the user who asks
    /// - Throws: `Interruption` between layers
    package func embeddings(
        of texts: [String], for owner: UInt32, cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> Matrix {
        var found: [ExactString: [Float]] = [:]
        for text in Set(texts.map { ExactString($0) }) { found[text] = known.value(for: text, of: owner) }
        var missing = Set(texts.map { ExactString($0) }).subtracting(found.keys).sorted()
        if let stored, !missing.isEmpty {
            let keys = Dictionary(uniqueKeysWithValues: missing.map { (key(of: $0, for: owner), $0) })
            for (key, embedding) in stored.embeddings(of: Set(keys.keys)) {
                guard let text = keys[key], embedding.count == clip.network.configuration.projection else { continue }
                remember(embedding, of: text, for: owner)
                found[text] = embedding
            }
            missing.removeAll { found[$0] != nil }
        }
        if !missing.isEmpty {
            var read: [RememberedEmbeddings.Key: [Float]] = [:]
            defer { stored?.remember(read) }
            for group in groups(of: missing) {
                for (text, embedding) in try self.read(group, cancellation: cancellation, &arena) {
                    remember(embedding, of: text, for: owner)
                    read[key(of: text, for: owner)] = embedding
                    found[text] = embedding
                }
            }
        }
        let all = Matrix(stored: texts.count, by: clip.network.configuration.projection)
        for (index, text) in texts.enumerated() {
            guard let embedding = found[ExactString(text)] else { preconditionFailure("every text was read") }
            all.rows(index..<index + 1).fill(embedding)
        }
        return all
    }

    private func remember(_ embedding: [Float], of text: ExactString, for owner: UInt32) {
        let bytes = embedding.count * MemoryLayout<Float>.stride + text.text.utf8.count
        known.insert(embedding, bytes: bytes, for: text, of: owner)
    }

    /// In f32 last bits depend on the library of products too.
    private func key(of text: ExactString, for owner: UInt32) -> RememberedEmbeddings.Key {
        let arithmetic = clip.precision.rowsAreIndependent ? "" : " \(BLAS.name)"
        return RememberedEmbeddings.Key(
            user: owner, model: "\(clip.hash) \(clip.precision.rawValue)\(arithmetic)", text: text.text)
    }

    /// A text and its tokens, start and end included.
    private typealias Prompt = (text: ExactString, tokens: [Token])

    /// Texts that are read together: one by one where the bits of a row depend on the others of its product.
    private func groups(of texts: [ExactString]) -> [[Prompt]] {
        let length = clip.network.configuration.text.positions
        var groups: [[Prompt]] = []
        var tokens = Int.max
        for text in texts {
            let encoded = tokenizer.encode(text.text, length: length)
            let prompt = (text, Array(encoded.tokens.prefix(encoded.count)))
            if clip.precision.rowsAreIndependent, tokens <= Self.groupTokens - encoded.count {
                groups[groups.count - 1].append(prompt)
                tokens += encoded.count
            } else {
                groups.append([prompt])
                tokens = encoded.count
            }
        }
        return groups
    }

    /// Runs the text tower over a group.
    private func read(
        _ group: [Prompt], cancellation: Cancellation, _ arena: inout Arena
    ) throws(Interruption) -> [(ExactString, [Float])] {
        try arena.scope { (arena) throws(Interruption) in
            let embeddings = arena.matrix(rows: group.count, columns: clip.network.configuration.projection)
            try clip.network.embed(group.map(\.tokens), into: embeddings, cancellation: cancellation, &arena)
            return group.enumerated().map { ($1.text, embeddings.rows($0..<$0 + 1).array) }
        }
    }
}
