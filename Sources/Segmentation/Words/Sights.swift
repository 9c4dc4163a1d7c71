import Kernels
import Networks
import Texts

/// What captioners and filters saw of users' pictures, and what captioners wrote.
struct Sights {
    /// What a captioner's decoder sees of a picture.
    private var states = PrivateCache<StatesKey, Matrix>(limit: 0)
    /// What a filter sees of it.
    private var embeddings = PrivateCache<EmbeddingKey, PictureEmbedding>(limit: 0)
    private var captions = PrivateCache<CaptionKey, String>(limit: 0)

    private struct StatesKey: Hashable {
        let captioner: NetworkKey
        let picture: ExactString
    }

    private struct EmbeddingKey: Hashable {
        let filter: NetworkKey
        let picture: ExactString
        let parts: PictureEmbedding.Parts
    }

    private struct CaptionKey: Hashable {
        let captioner: NetworkKey
        let picture: ExactString
        let beginning: ExactString
    }

    /// - Parameter limit: bytes of all
    init(limit: Int) {
        self.limit(to: limit)
    }

    var bytes: Int { states.bytes + embeddings.bytes + captions.bytes }

    func bytes(of owner: UInt32) -> Int {
        states.bytes(of: owner) + embeddings.bytes(of: owner) + captions.bytes(of: owner)
    }

    /// The uids of those for whom anything was seen.
    var owners: Set<UInt32> { Set(states.owners).union(embeddings.owners).union(captions.owners) }

    /// - Parameter limit: bytes of all
    mutating func limit(to limit: Int) {
        captions.limit(to: limit / 16)
        embeddings.limit(to: limit / 2)
        states.limit(to: limit - limit / 2 - limit / 16)
    }

    mutating func removeAll() {
        states.removeAll()
        embeddings.removeAll()
        captions.removeAll()
    }

    mutating func removeAll(where isGone: (NetworkKey) -> Bool) {
        states.removeAll { isGone($0.captioner) }
        embeddings.removeAll { isGone($0.filter) }
        captions.removeAll { isGone($0.captioner) }
    }

    mutating func states(of handle: String, by captioner: NetworkKey, for owner: UInt32) -> Matrix? {
        states.value(for: StatesKey(captioner: captioner, picture: ExactString(handle)), of: owner)
    }

    mutating func remember(_ found: Matrix, of handle: String, by captioner: NetworkKey, for owner: UInt32) {
        let key = StatesKey(captioner: captioner, picture: ExactString(handle))
        states.insert(found, bytes: found.rows * found.columns * MemoryLayout<Float>.stride, for: key, of: owner)
    }

    mutating func embedding(
        of handle: String, _ parts: PictureEmbedding.Parts, by filter: NetworkKey, for owner: UInt32
    ) -> PictureEmbedding? {
        embeddings.value(
            for: EmbeddingKey(filter: filter, picture: ExactString(handle), parts: parts), of: owner)
    }

    mutating func remember(
        _ found: PictureEmbedding, of handle: String, _ parts: PictureEmbedding.Parts, by filter: NetworkKey,
        for owner: UInt32
    ) {
        let key = EmbeddingKey(filter: filter, picture: ExactString(handle), parts: parts)
        embeddings.insert(found, bytes: found.bytes, for: key, of: owner)
    }

    /// - Parameter beginning: what the caption begins with
    mutating func caption(
        of handle: String, _ beginning: String, by captioner: NetworkKey, for owner: UInt32
    ) -> String? {
        let key = CaptionKey(captioner: captioner, picture: ExactString(handle), beginning: ExactString(beginning))
        return captions.value(for: key, of: owner)
    }

    mutating func remember(
        _ caption: String, of handle: String, _ beginning: String, by captioner: NetworkKey, for owner: UInt32
    ) {
        let key = CaptionKey(captioner: captioner, picture: ExactString(handle), beginning: ExactString(beginning))
        captions.insert(caption, bytes: 256 + caption.utf8.count + beginning.utf8.count, for: key, of: owner)
    }
}
