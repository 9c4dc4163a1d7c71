import Images
import Kernels
import Networks
import Texts

/// A picture that was looked at, as far as no model matters.
final class Picture {
    let looked: LookedAt
    /// The wholly transparent pixels, which are background; `nil` where there are none.
    let transparency: Transparency?
    /// The users who brought it: nobody else may ask about it by its handle.
    var broughtBy = Owners()

    var bytes: Int { PictureStore.entryBytes + (transparency?.bytes ?? 0) }

    init(looked: LookedAt, transparency: Transparency?) {
        self.looked = looked
        self.transparency = transparency
    }
}

/// A picture that a user may ask about.
package struct LookedAt: Sendable, Equatable {
    /// SHA-256 of the file.
    package let handle: String
    package let width: Int
    package let height: Int
}

/// What a model makes a picture's latent from.
enum PictureContent {
    /// Of the side that the model's autoencoder reads, `[S·S, 3]` in 0...1.
    case square([Float])
    /// A PNG, JPEG or WebP file that was decoded before, to be decoded again.
    case file([UInt8])

    /// The picture stretched to a square of a side, `[side·side, 3]` in 0...1.
    ///
    /// - Throws: why the file cannot be decoded, or why the picture is not wanted any more
    func square(side: Int, cancellation: Cancellation) throws(SegmentationError) -> [Float] {
        switch self {
        case .square(let samples): samples
        case .file(let bytes): try Image(decoding: bytes, cancellation: cancellation).square(side: side)
        }
    }
}

/// A picture that a question is about.
final class AskedPicture {
    /// What the question's model reads.
    enum Input {
        case content(PictureContent)
        /// The scaled posterior mean, `[H·W, 4]`.
        case latent(Remembered<[Float]>)
    }

    let picture: Picture
    var input: Input

    init(_ picture: Picture, _ input: Input) {
        self.picture = picture
        self.input = input
    }
}

/// The pictures that were looked at, for all models: a handle that one of them gave is good for the others.
///
/// What is known of a picture is small, and has an eighth of the memory. What a model reads it from has the rest: the
/// file, and the square of the side that was last asked for until a model of that side has made its latent. A file that
/// is larger than an eighth of the memory is not kept, its square alone is; once that is dropped, or for a model of
/// another side, the picture is unknown, and the caller sends it again.
///
/// A store belongs to the thread of the segmenters that share it.
package final class PictureStore {
    /// What is kept of a picture for models to read.
    private struct Kept {
        /// `nil`: too large.
        var file: [UInt8]?
        var square: (side: Int, samples: [Float])?

        var isEmpty: Bool { file == nil && square == nil }

        var bytes: Int {
            PictureStore.entryBytes + (file?.count ?? 0) + (square?.samples.count ?? 0) * MemoryLayout<Float>.stride
        }

        func content(side: Int) -> PictureContent? {
            if let square, square.side == side { return .square(square.samples) }
            return file.map(PictureContent.file)
        }
    }

    /// Of an entry and its key, beside the bytes and samples that it holds.
    fileprivate static let entryBytes = 256

    /// Bytes of all that is remembered.
    package let limit: Int
    private let fileLimit: Int
    private var pictures: Cache<ExactString, Picture>
    private var kept: Cache<ExactString, Kept>

    package var count: Int { pictures.count }
    package var bytes: Int { pictures.bytes + kept.bytes }

    package init(limit: Int) {
        self.limit = limit
        fileLimit = limit / 8
        pictures = Cache(limit: limit / 8)
        kept = Cache(limit: limit - limit / 8)
    }

    package func forget() {
        pictures = Cache(limit: pictures.limit)
        kept = Cache(limit: kept.limit)
    }

    /// The picture in a file that `owner` brings, decoded unless all that is asked for is known.
    ///
    /// - Parameters:
    ///   - handle: the file's hash
    ///   - side: of the square that a model is going to read; `nil`: it has the picture's latent
    /// - Returns: the picture, and what that model reads; `nil` where it has the latent
    /// - Throws: what the picture is refused for, or why it is not wanted any more
    func look(
        at file: [UInt8], handle: String, side: Int?, owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> (Picture, PictureContent?) {
        let key = ExactString(handle)
        var kept = kept.value(for: key) ?? Kept()
        if kept.file == nil, file.count <= fileLimit { kept.file = file }
        if let known = pictures.value(for: key), side.map({ kept.square?.side == $0 }) ?? true {
            _ = known.broughtBy.note(owner)
            keep(kept, for: key)
            return (known, side.flatMap(kept.content))
        }
        let image = try Image(decoding: file, cancellation: cancellation)
        let picture =
            pictures.value(for: key)
            ?? Picture(
                looked: LookedAt(handle: handle, width: image.width, height: image.height),
                transparency: image.transparency)
        _ = picture.broughtBy.note(owner)
        pictures.insert(picture, bytes: picture.bytes, for: key)
        if let side { kept.square = (side, image.square(side: side)) }
        keep(kept, for: key)
        return (picture, side.flatMap(kept.content))
    }

    /// The picture that `owner` brought before.
    func picture(_ handle: String, owner: UInt32) throws(SegmentationError) -> Picture {
        guard let picture = pictures.value(for: ExactString(handle)), picture.broughtBy.contains(owner) else {
            throw .unknownPicture(handle: handle)
        }
        return picture
    }

    /// What a model that reads squares of a side reads a picture from; `nil` where nothing is kept that it can.
    func content(_ handle: String, side: Int) -> PictureContent? {
        kept.value(for: ExactString(handle))?.content(side: side)
    }

    /// Lets go of a picture's square, which a model of its side has read.
    func dropSquare(of handle: String, side: Int) {
        let key = ExactString(handle)
        guard var kept = kept.value(for: key), kept.square?.side == side else { return }
        kept.square = nil
        keep(kept, for: key)
    }

    private func keep(_ new: Kept, for key: ExactString) {
        if new.isEmpty { kept.remove(key) } else { kept.insert(new, bytes: new.bytes, for: key) }
    }
}

extension Image {
    /// Decodes a file for somebody who may stop waiting for it.
    fileprivate init(decoding file: [UInt8], cancellation: Cancellation) throws(SegmentationError) {
        do throws(ImageError) {
            try self.init(decoding: file) { cancellation.interruption == nil }
        } catch {
            if error == .interrupted, let interruption = cancellation.interruption {
                throw SegmentationError(interruption)
            }
            throw .image(error)
        }
    }
}
