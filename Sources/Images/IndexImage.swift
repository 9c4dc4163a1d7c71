import CImages

/// A picture of labels: one 8-bit sample a pixel, as stored.
package struct IndexImage: Sendable, Equatable {
    package let width: Int
    package let height: Int
    /// `[height, width]`: indices of a palette, or grey samples.
    package let indices: [UInt8]

    /// Decodes a PNG file with a palette or with grey of at most 8 bits. Samples are as stored, whatever colours they
    /// stand for: a palette's colours, transparency, and EXIF's orientation are ignored.
    ///
    /// - Throws: `coloursNotIndices` for any other picture; otherwise as `Image(decoding:)` does
    package init(decoding bytes: [UInt8]) throws(ImageError) {
        let file = try ImageFile(bytes)
        if let what = file.colours { throw .coloursNotIndices(what: what) }
        indices = try file.indices()
        width = file.header.width
        height = file.header.height
    }

    /// How many pixels of another picture differ from these.
    ///
    /// - Parameters:
    ///   - found: `[height, width]`
    ///   - unsure: the index of pixels that may differ, and are not counted
    package func differing(from found: [UInt8], unsure: UInt8) -> Int {
        precondition(found.count == indices.count, "pictures that are compared have one size")
        return unsafe dseg_count_differing(indices, found, found.count, unsure)
    }

    /// How many pixels have an index.
    package func count(of index: UInt8) -> Int {
        let same = [UInt8](repeating: index, count: indices.count)
        return indices.count - differing(from: same, unsure: index)
    }
}

extension ImageFile {
    /// What a picture is that holds no indices; `nil` where it may.
    fileprivate var colours: String? {
        guard format == .png else { return "a \(format) file" }
        // IHDR, the first chunk: width, height, bits a sample, colour type.
        let (bits, type) = (bytes[24], bytes[25])
        switch type {
        case 3: return nil
        case 0: return bits == 16 ? "grey of 16 bits" : nil
        case 4: return "grey of \(bits) bits with alpha"
        case 6: return "RGB of \(bits) bits with alpha"
        default: return "RGB of \(bits) bits"
        }
    }
}
