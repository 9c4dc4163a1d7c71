import Kernels

/// Bytes that may be cached in a ``Workspace``, for all models together.
package struct MemoryLimits: Sendable, Equatable {
    /// Bytes of a ``PictureStore``: a picture takes its file, its colours, and for Stable Diffusion 3 MiB more until
    /// its first request.
    package let pictures: Int
    /// Latents of pictures: 64 KiB each for Stable Diffusion.
    package let latents: Int
    /// Features of passes: 55 MiB each for Stable Diffusion.
    package let features: Int
    /// Score maps of words on pictures: 16 KiB each for Stable Diffusion.
    package let scores: Int
    /// Prompts: 2 MiB each for Stable Diffusion. Of these bytes ``phrases`` takes a small share.
    package let words: Int
    /// What captioners and filters saw of pictures, and captions: 4 MiB a picture for the largest published networks.
    package let sights: Int

    package init(pictures: Int, latents: Int, features: Int, scores: Int, words: Int, sights: Int) {
        self.pictures = pictures
        self.latents = latents
        self.features = features
        self.scores = scores
        self.words = words
        self.sights = sights
    }

    /// For Stable Diffusion: forty pictures with files of a megabyte before their first request, 160 from then on; a
    /// thousand latents, eighteen passes, four thousand score maps and 120 prompts; and what BLIP-large and CLIP L/14
    /// saw of twenty pictures.
    package static let standard = MemoryLimits(
        pictures: 192 << 20, latents: 64 << 20, features: 1 << 30, scores: 64 << 20, words: 256 << 20,
        sights: 64 << 20)

    /// Bytes of pictures and of all that is computed from them.
    package var ofPictures: Int { pictures + latents + features + scores + sights }

    /// Tokenized phrases with their positions: some 400 bytes each.
    var phrases: Int { words / 64 }

    /// The largest file that is kept: see ``PictureStore/keeps(file:)``, for threads that have no store at hand.
    package var keptFileBytes: Int { PictureStore.fileLimit(pictures) }

    /// What models leave to all caches at least.
    static let least = 64 << 20

    /// These limits, scaled down where they add up to more than half of the address space (`ulimit -v`) that is left
    /// beside a request.
    ///
    /// - Parameter held: bytes that the caches have of it already
    package func fitting(held: Int) -> MemoryLimits {
        within(AddressSpace.left.map { ($0 + held - Segmenter.workingBytes) / 2 })
    }

    /// These limits, scaled down where they add up to more than `bytes`; `nil`: unchanged.
    package func within(_ bytes: Int?) -> MemoryLimits {
        let all = ofPictures + words
        guard let bytes, bytes < all else { return self }
        func share(_ limit: Int) -> Int { Int(Double(limit) / Double(all) * Double(max(0, bytes))) }
        return MemoryLimits(
            pictures: share(pictures), latents: share(latents), features: share(features), scores: share(scores),
            words: share(words), sights: share(sights))
    }
}
