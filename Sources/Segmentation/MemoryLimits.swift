import Kernels

/// Bytes that may be cached: of pictures for all models, and by a segmenter for its own.
package struct MemoryLimits: Sendable {
    /// Bytes of a ``PictureStore``: a picture takes its file, and for Stable Diffusion 3 MiB more until its first
    /// request.
    package let pictures: Int
    package let segmenter: SegmenterLimits

    /// For Stable Diffusion: forty pictures with files of a megabyte before their first request, 160 from then on; a
    /// thousand latents, eighteen passes, four thousand score maps and 120 prompts; and what BLIP-large and CLIP L/14
    /// saw of twenty pictures.
    package static let standard = MemoryLimits(
        pictures: 192 << 20, latents: 64 << 20, features: 1 << 30, scores: 64 << 20, words: 256 << 20,
        sights: 64 << 20)

    /// Bytes of pictures and of all that is computed from them.
    package var ofPictures: Int {
        pictures + segmenter.latents + segmenter.features + segmenter.scores + segmenter.sights
    }

    /// These limits, scaled down where they add up to more than half of the address space (`ulimit -v`) that is left
    /// beside scratch memory and a request.
    package func fitting(scratchBytes: Int) -> MemoryLimits {
        within(AddressSpace.left.map { ($0 - scratchBytes - Segmenter.workingBytes) / 2 })
    }

    /// These limits, scaled down where they add up to more than `bytes`; `nil`: unchanged.
    private func within(_ bytes: Int?) -> MemoryLimits {
        let all = ofPictures + segmenter.words
        guard let bytes, bytes < all else { return self }
        func share(_ limit: Int) -> Int { Int(Double(limit) / Double(all) * Double(max(0, bytes))) }
        return MemoryLimits(
            pictures: share(pictures), latents: share(segmenter.latents), features: share(segmenter.features),
            scores: share(segmenter.scores), words: share(segmenter.words), sights: share(segmenter.sights))
    }
}

extension MemoryLimits {
    package init(pictures: Int, latents: Int, features: Int, scores: Int, words: Int, sights: Int) {
        self.init(
            pictures: pictures,
            segmenter: SegmenterLimits(
                latents: latents, features: features, scores: scores, words: words, sights: sights))
    }
}

/// Bytes that a segmenter may cache beside the pictures that it shares with others.
package struct SegmenterLimits: Sendable {
    /// Latents of pictures: 64 KiB each for Stable Diffusion.
    package let latents: Int
    /// Features of passes: 55 MiB each for Stable Diffusion.
    package let features: Int
    /// Score maps of words on pictures: 16 KiB each for Stable Diffusion.
    package let scores: Int
    /// Prompts: 2 MiB each for Stable Diffusion. Of these bytes ``phrases`` takes a small share.
    package let words: Int
    /// What captioner and filter saw of pictures, and captions: 4 MiB a picture for the largest published networks.
    package let sights: Int

    /// Tokenized phrases with their positions: some 400 bytes each.
    var phrases: Int { words / 64 }
}
