import Kernels

/// How much may be remembered, in bytes: of pictures for all models, and by a segmenter for its own.
package struct MemoryLimits: Sendable {
    /// Of a ``PictureStore``: a picture takes its file, and 3 MiB for Stable Diffusion until its first question.
    package let pictures: Int
    package let segmenter: SegmenterLimits

    /// Of Stable Diffusion: forty pictures with files of a megabyte before their first question, 160 from then on; a
    /// thousand latents, eighteen passes, four thousand score maps and 120 prompts.
    package static let standard = MemoryLimits(
        pictures: 192 << 20, latents: 64 << 20, features: 1 << 30, scores: 64 << 20, words: 256 << 20)

    /// Everything that belongs to pictures.
    package var ofPictures: Int { pictures + segmenter.latents + segmenter.features + segmenter.scores }

    /// The same shares of what the address space (`ulimit -v`) has room for beside a model's scratch memory, if that
    /// is less.
    package func fitting(_ model: Model) -> MemoryLimits {
        within(AddressSpace.left.map { ($0 - model.scratchBytes - Segmenter.workingBytes) / 2 })
    }

    /// The same shares of so many bytes in all, if they are fewer; `nil`: of any number.
    private func within(_ bytes: Int?) -> MemoryLimits {
        let all = ofPictures + segmenter.words
        guard let bytes, bytes < all else { return self }
        func share(_ limit: Int) -> Int { Int(Double(limit) / Double(all) * Double(max(0, bytes))) }
        return MemoryLimits(
            pictures: share(pictures), latents: share(segmenter.latents), features: share(segmenter.features),
            scores: share(segmenter.scores), words: share(segmenter.words))
    }
}

extension MemoryLimits {
    package init(pictures: Int, latents: Int, features: Int, scores: Int, words: Int) {
        self.init(
            pictures: pictures,
            segmenter: SegmenterLimits(latents: latents, features: features, scores: scores, words: words))
    }
}

/// How much a segmenter may remember beside the pictures that it shares with others, in bytes.
package struct SegmenterLimits: Sendable {
    /// Latents of pictures: 64 KiB each for Stable Diffusion.
    package let latents: Int
    /// Features of passes: 55 MiB each for Stable Diffusion.
    package let features: Int
    /// Score maps of words on pictures: 16 KiB each for Stable Diffusion.
    package let scores: Int
    /// Prompts: 2 MiB each for Stable Diffusion. A small share is for where words stand in them.
    package let words: Int

    /// Some 400 bytes each.
    var phrases: Int { words / 64 }
}
