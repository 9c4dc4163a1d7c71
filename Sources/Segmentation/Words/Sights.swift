import Kernels
import Networks
import Texts

/// What captioner and filter saw of pictures, and what the captioner wrote.
struct Sights {
    /// What the captioner's decoder sees of a picture, by its handle.
    private var states: Cache<ExactString, Matrix>
    /// What the filter sees of it.
    private var embeddings: Cache<EmbeddingKey, PictureEmbedding>
    private var captions: Cache<CaptionKey, String>

    private struct EmbeddingKey: Hashable {
        let picture: ExactString
        let parts: PictureEmbedding.Parts
    }

    private struct CaptionKey: Hashable {
        let picture: ExactString
        let beginning: ExactString
    }

    /// - Parameter limit: bytes of all
    init(limit: Int) {
        captions = Cache(limit: limit / 16)
        embeddings = Cache(limit: limit / 2)
        states = Cache(limit: limit - limit / 2 - limit / 16)
    }

    var bytes: Int { states.bytes + embeddings.bytes + captions.bytes }

    mutating func states(of handle: String) -> Matrix? { states.value(for: ExactString(handle)) }

    mutating func remember(_ found: Matrix, of handle: String) {
        states.insert(found, bytes: found.rows * found.columns * MemoryLayout<Float>.stride, for: ExactString(handle))
    }

    mutating func embedding(of handle: String, _ parts: PictureEmbedding.Parts) -> PictureEmbedding? {
        embeddings.value(for: EmbeddingKey(picture: ExactString(handle), parts: parts))
    }

    mutating func remember(_ found: PictureEmbedding, of handle: String, _ parts: PictureEmbedding.Parts) {
        embeddings.insert(found, bytes: found.bytes, for: EmbeddingKey(picture: ExactString(handle), parts: parts))
    }

    /// - Parameter beginning: what the caption begins with
    mutating func caption(of handle: String, _ beginning: String) -> String? {
        captions.value(for: CaptionKey(picture: ExactString(handle), beginning: ExactString(beginning)))
    }

    mutating func remember(_ caption: String, of handle: String, _ beginning: String) {
        let key = CaptionKey(picture: ExactString(handle), beginning: ExactString(beginning))
        captions.insert(caption, bytes: 256 + caption.utf8.count + beginning.utf8.count, for: key)
    }
}
