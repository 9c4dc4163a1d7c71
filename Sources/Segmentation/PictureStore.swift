import Images
import Kernels
import Networks
import Texts

/// A picture as the autoencoder reads it, until that has read it.
final class Picture {
    enum Content {
        /// `[S·S, 3]` in 0...1.
        case square([Float])
        /// The scaled posterior mean, `[H·W, 4]`: all that is ever read of the picture again.
        case latent([Float])
    }

    let looked: LookedAt
    fileprivate(set) var content: Content
    /// The pixels that no label may have; `nil` where there are none.
    let transparency: Transparency?
    /// The users who brought it, and those whose questions needed its latent.
    var broughtBy = Owners()
    var encodedFor = Owners()

    var bytes: Int {
        switch content {
        case .square(let numbers), .latent(let numbers):
            looked.handle.utf8.count + numbers.count * MemoryLayout<Float>.stride + (transparency?.bytes ?? 0)
        }
    }

    init(looked: LookedAt, square: [Float], transparency: Transparency?, owner: UInt32) {
        self.looked = looked
        content = .square(square)
        self.transparency = transparency
        _ = broughtBy.note(owner)
    }
}

/// A picture that a user may ask about.
package struct LookedAt: Sendable, Equatable {
    /// SHA-256 of the file.
    package let handle: String
    package let width: Int
    package let height: Int
}

/// The pictures that were looked at.
struct PictureStore {
    private var cache: Cache<ExactString, Picture>
    private let side: Int

    var bytes: Int { cache.bytes }
    var count: Int { cache.count }

    /// - Parameter side: of the square that the autoencoder reads
    init(limit: Int, side: Int) {
        cache = Cache(limit: limit)
        self.side = side
    }

    /// The picture in a file, decoded unless it is known.
    ///
    /// - Parameter handle: the file's hash
    /// - Throws: what the picture is refused for, or why it is wanted no more
    mutating func look(
        at file: [UInt8], handle: String, owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> Picture {
        if let known = cache.value(for: ExactString(handle)) {
            _ = known.broughtBy.note(owner)
            return known
        }
        do throws(ImageError) {
            let image = try Image(decoding: file) { cancellation.interruption == nil }
            let picture = Picture(
                looked: LookedAt(handle: handle, width: image.width, height: image.height),
                square: image.square(side: side), transparency: image.transparency, owner: owner)
            cache.insert(picture, bytes: picture.bytes, for: ExactString(handle))
            return picture
        } catch {
            if error == .interrupted, let interruption = cancellation.interruption {
                throw SegmentationError(interruption)
            }
            throw .image(error)
        }
    }

    /// Keeps a picture's latent instead of its square, for whoever has brought it meanwhile, too.
    mutating func keep(latent: [Float], of picture: Picture) {
        picture.content = .latent(latent)
        let known = cache.value(for: ExactString(picture.looked.handle)) ?? picture
        known.content = .latent(latent)
        cache.insert(known, bytes: known.bytes, for: ExactString(picture.looked.handle))
    }

    /// The picture that `owner` brought before.
    mutating func picture(_ handle: String, owner: UInt32) throws(SegmentationError) -> Picture {
        guard let picture = cache.value(for: ExactString(handle)), picture.broughtBy.contains(owner) else {
            throw .unknownPicture(handle: handle)
        }
        return picture
    }
}
