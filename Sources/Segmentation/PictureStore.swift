import Images
import Kernels
import Networks
import Texts

/// What is known of a picture that was looked at, whether or not its pixels are still kept.
final class Picture {
    let looked: LookedAt
    /// Whether some pixels are wholly transparent, which makes them background.
    let isTransparent: Bool
    /// The users who brought it: nobody else may ask about it by its handle.
    var broughtBy = Owners()

    init(looked: LookedAt, isTransparent: Bool) {
        self.looked = looked
        self.isTransparent = isTransparent
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
    /// The wholly transparent pixels; `nil` where there are none.
    let transparency: Transparency?
    var input: Input

    init(_ picture: Picture, _ transparency: Transparency?, _ input: Input) {
        self.picture = picture
        self.transparency = transparency
        self.input = input
    }
}

/// What is kept of a picture's pixels.
struct PictureData {
    /// `nil` where the file is too large to be kept.
    fileprivate(set) var file: [UInt8]?
    fileprivate(set) var square: (side: Int, samples: [Float])?
    fileprivate(set) var transparency: Transparency?

    var isEmpty: Bool { file == nil && square == nil && transparency == nil }

    fileprivate var bytes: Int {
        PictureStore.entryBytes + (file?.count ?? 0) + (square?.samples.count ?? 0) * MemoryLayout<Float>.stride
            + (transparency?.bytes ?? 0)
    }

    /// - Parameter side: of the square that a model reads
    /// - Returns: `nil` where nothing is kept that the square can be made from
    func content(side: Int) -> PictureContent? {
        if let square, square.side == side { return .square(square.samples) }
        return file.map(PictureContent.file)
    }
}

/// The pictures that were looked at, for all models: a handle that one of them gave is good for the others.
///
/// An eighth of the memory is for what is known of pictures, some hundred bytes each. The rest is for their data: the
/// file, the transparent pixels, and the square of the side that was last asked for until a model of that side has made
/// its latent. A file that is larger than a thirty-second of the memory is not kept. Where neither the asking model's
/// latent nor data to make it from are left, the picture is unknown, and the caller sends it again.
///
/// A store belongs to the thread of the segmenters that share it.
package final class PictureStore {
    /// Of an entry with its key and its owners, beside the bytes and samples that it holds.
    static let entryBytes = 448

    /// Bytes of all that is remembered.
    package let limit: Int
    private let fileLimit: Int
    private var pictures: Cache<ExactString, Picture>
    private var data: Cache<ExactString, PictureData>

    package var count: Int { pictures.count }
    package var bytes: Int { pictures.bytes + data.bytes }

    package init(limit: Int) {
        self.limit = limit
        fileLimit = limit / 32
        pictures = Cache(limit: limit / 8)
        data = Cache(limit: limit - limit / 8)
    }

    package func forget() {
        pictures = Cache(limit: pictures.limit)
        data = Cache(limit: data.limit)
    }

    /// The picture in a file that `owner` brings, decoded unless all that is asked for is known.
    ///
    /// - Parameters:
    ///   - handle: the file's hash
    ///   - side: of the square that a model is going to read; `nil`: it has the picture's latent
    /// - Throws: what the picture is refused for, or why it is not wanted any more
    func look(
        at file: [UInt8], handle: String, side: Int?, owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> (Picture, PictureData) {
        let key = ExactString(handle)
        var found = data(of: handle)
        if found.file == nil, file.count <= fileLimit { found.file = file }
        if let known = pictures.value(for: key), side.map({ found.square?.side == $0 }) ?? true,
            !known.isTransparent || found.transparency != nil
        {
            _ = known.broughtBy.note(owner)
            keep(found, for: key)
            return (known, found)
        }
        let image = try Image(decoding: file, cancellation: cancellation)
        found.transparency = image.transparency
        let picture =
            pictures.value(for: key)
            ?? Picture(
                looked: LookedAt(handle: handle, width: image.width, height: image.height),
                isTransparent: found.transparency != nil)
        _ = picture.broughtBy.note(owner)
        pictures.insert(picture, bytes: Self.entryBytes, for: key)
        if let side { found.square = (side, image.square(side: side)) }
        keep(found, for: key)
        return (picture, found)
    }

    /// The picture that `owner` brought before.
    func picture(_ handle: String, owner: UInt32) throws(SegmentationError) -> Picture {
        guard let picture = pictures.value(for: ExactString(handle)), picture.broughtBy.contains(owner) else {
            throw .unknownPicture(handle: handle)
        }
        return picture
    }

    func data(of handle: String) -> PictureData { data.value(for: ExactString(handle)) ?? PictureData() }

    /// Lets go of a picture's square, which a model of its side has read.
    func dropSquare(of handle: String, side: Int) {
        var found = data(of: handle)
        guard found.square?.side == side else { return }
        found.square = nil
        keep(found, for: ExactString(handle))
    }

    /// Keeps the data, without the file where there is no room for both.
    private func keep(_ new: PictureData, for key: ExactString) {
        var new = new
        if new.bytes > data.limit { new.file = nil }
        if new.isEmpty { data.remove(key) } else { data.insert(new, bytes: new.bytes, for: key) }
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
