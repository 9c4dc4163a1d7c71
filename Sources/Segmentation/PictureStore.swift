import Images
import Kernels
package import Networks
import Texts

/// What is known of a decoded picture, whatever the model, and whether or not its data are still cached.
struct Picture {
    let looked: LookedAt
    /// Whether some pixels are wholly transparent, which makes them background.
    let isTransparent: Bool
}

/// A picture that a user may ask about.
package struct LookedAt: Sendable, Equatable {
    /// SHA-256 of the file.
    package let handle: String
    package let width: Int
    package let height: Int

    var size: PictureConfiguration.Size { PictureConfiguration.Size(height: height, width: width) }
}

/// What a picture's latent is computed from.
enum PictureContent {
    /// The picture at the size that the autoencoder reads, `[H·W, 3]` in 0...1.
    case resized([Float])
    /// A PNG, JPEG or WebP file that was decoded before, to be decoded again.
    case file([UInt8])

    /// The picture at a size, `[H·W, 3]` in 0...1.
    ///
    /// - Throws: why the file cannot be decoded, `cancelled` or `deadlineExceeded`
    func resized(_ resize: Resize, cancellation: Cancellation) throws(SegmentationError) -> [Float] {
        switch self {
        case .resized(let samples): samples
        case .file(let bytes): try Image(decoding: bytes, cancellation: cancellation).resized(resize)
        }
    }
}

/// Everything that the latent of a tile depends on.
struct LatentKey: Hashable {
    let model: NetworkKey
    private let picture: ExactString
    private let resize: Resize
    private let tile: Tile

    init(model: NetworkKey, handle: String, resize: Resize, tile: Tile) {
        self.model = model
        picture = ExactString(handle)
        self.resize = resize
        self.tile = tile
    }
}

/// The size that a picture is resized to before the autoencoder reads it, and how.
struct Resize: Sendable, Hashable {
    let grid: Grid
    let resampling: Resampling
}

/// The picture of a request.
final class AskedPicture {
    let picture: Picture
    /// Who asks: the uid.
    let owner: UInt32
    /// The wholly transparent pixels; `nil` where there are none.
    let transparency: Transparency?
    /// The picture's colours, where the recipe reads them.
    let guide: Guide?
    private let model: NetworkKey
    let layout: Layout
    let resize: Resize
    /// The latent of each tile, `[H·W, 4]`, as far as they are known.
    var latents: [[Float]?]
    /// What the others are computed from; `nil` where there are none.
    var content: PictureContent?
    /// The picture as captioner and filter read it.
    let views: [PictureConfiguration: PreparedPixels]
    /// What the captioner's decoder and the filter see of it, as far as that is known: held, since other answers may
    /// push it out of the cache before this one is over.
    var states: Matrix?
    var embeddings: [PictureEmbedding.Parts: PictureEmbedding] = [:]

    init(
        _ picture: Picture, of owner: UInt32, _ data: PictureData, _ model: NetworkKey, _ layout: Layout,
        _ resize: Resize, latents: [[Float]?]
    ) {
        self.picture = picture
        self.owner = owner
        transparency = data.transparency
        guide = data.guide
        self.model = model
        self.layout = layout
        self.resize = resize
        self.latents = latents
        content = latents.contains { $0 == nil } ? data.content(resize) : nil
        views = data.views
    }

    func latentKey(_ tile: Int) -> LatentKey {
        LatentKey(model: model, handle: picture.looked.handle, resize: resize, tile: layout.tiles[tile])
    }

    /// Whether all latents are known, or what they are computed from is.
    var isComplete: Bool { content != nil || !latents.contains { $0 == nil } }
}

/// What a request needs of a picture beside its size and transparency.
struct PictureNeeds {
    /// What the autoencoder reads; `nil`: the picture's latents are cached.
    let resize: Resize?
    /// Whether the recipe reads the picture's colours.
    let guide: Bool
    /// What captioner and filter read, where what they saw is not cached.
    let views: [PictureConfiguration]
}

/// A picture's file, guide, transparency, and the picture as networks read it, as far as they are cached.
struct PictureData {
    /// `nil` where the file is too large to be cached.
    fileprivate(set) var file: [UInt8]?
    fileprivate(set) var resized: [Resize: [Float]] = [:]
    fileprivate(set) var guide: Guide?
    fileprivate(set) var transparency: Transparency?
    fileprivate(set) var views: [PictureConfiguration: PreparedPixels] = [:]

    var isEmpty: Bool {
        file == nil && resized.isEmpty && guide == nil && transparency == nil && views.isEmpty
    }

    fileprivate var bytes: Int {
        let pixels =
            views.values.reduce(0) { $0 + $1.bytes }
            + resized.values.reduce(0) { $0 + $1.count * MemoryLayout<Float>.stride }
        return PictureStore.entryBytes + pixels + (file?.count ?? 0) + (guide?.samples.count ?? 0)
            + (transparency?.bytes ?? 0)
    }

    /// Takes from a decoded picture what is needed of it.
    fileprivate mutating func take(
        _ needs: PictureNeeds, of image: Image, _ cancellation: Cancellation
    ) throws(SegmentationError) {
        transparency = image.transparency
        if let resize = needs.resize, resized[resize] == nil { resized[resize] = image.resized(resize) }
        if needs.guide { guide = image.guide }
        do throws(Interruption) {
            for view in needs.views where views[view] == nil { views[view] = try image.pixels(as: view, cancellation) }
        } catch {
            throw SegmentationError(error)
        }
    }

    /// Whether nothing must be decoded for what is needed.
    fileprivate func satisfies(_ needs: PictureNeeds) -> Bool {
        needs.resize.map { resized[$0] != nil } != false && hasDecoded(needs)
    }

    /// Whether what only a decoded picture gives is there.
    fileprivate func hasDecoded(_ needs: PictureNeeds) -> Bool {
        (!needs.guide || guide != nil) && needs.views.allSatisfy { views[$0] != nil }
    }

    /// What a latent is computed from; `nil` where that is not cached.
    func content(_ resize: Resize) -> PictureContent? {
        if let samples = resized[resize] { return .resized(samples) }
        return file.map(PictureContent.file)
    }
}

/// A cache of each user's pictures, shared by all models: a handle is valid for each of them, loaded or not when the
/// picture came, and for whoever sent the file.
///
/// Sizes, some hundred bytes each, have an eighth of the memory. The rest holds data: files, transparent
/// pixels, guides, and each picture at the sizes at which models were asked to read it, until they have made their
/// latents. From the file all else can be made again, for any model, so files stay longest, except those larger than a
/// quarter of the memory: one of them would push out most others. Of such a picture the sizes that models were asked to
/// read stay, since nothing could make them again for a second model of the same size. Where neither the model's latent
/// nor data to compute it from are left, or no guide for a recipe that reads colours, the picture is unknown, and the
/// client sends it again.
///
/// A store belongs to the thread of the segmenters that share it.
package final class PictureStore {
    /// Bytes of an entry with its key, beside the file, samples or bits that it holds.
    static let entryBytes = 448

    /// The most bytes that are cached.
    package private(set) var limit: Int
    private var pictures: PrivateCache<ExactString, Picture>
    private var data: PrivateCache<ExactString, PictureData>

    package var count: Int { pictures.count }
    package var bytes: Int { pictures.bytes + data.bytes }

    func count(of owner: UInt32) -> Int { pictures.count(of: owner) }

    func bytes(of owner: UInt32) -> Int { pictures.bytes(of: owner) + data.bytes(of: owner) }

    /// The uids of those whose pictures are kept.
    var owners: Set<UInt32> { Set(pictures.owners).union(data.owners) }

    package init(limit: Int) {
        self.limit = limit
        pictures = PrivateCache(limit: limit / 8)
        data = PrivateCache(limit: limit - limit / 8)
    }

    /// Changes how much is cached; the least recently used goes first.
    func limit(to bytes: Int) {
        limit = bytes
        pictures.limit(to: bytes / 8)
        data.limit(to: bytes - bytes / 8)
    }

    package func forget() {
        pictures.removeAll()
        data.removeAll()
    }

    /// Forgets what networks were to read, where it can be made again from the file.
    func forgetPrepared() {
        data.changeAll { data in
            var data = data
            if data.file != nil { (data.resized, data.views) = ([:], [:]) }
            return (data, data.bytes)
        }
    }

    /// Decodes a picture that `owner` sends, and keeps it for any model: its file, colours and transparent pixels.
    ///
    /// A file that is not kept, see ``keeps(file:)``, is good for no question afterwards: it is to be looked at by the
    /// segmenters that will be asked.
    ///
    /// - Throws: why the picture is refused, `cancelled` or `deadlineExceeded`
    package func look(
        at file: [UInt8], owner: UInt32, cancellation: Cancellation
    ) throws(SegmentationError) -> LookedAt {
        let handle = SHA256.hexadecimal(of: file)
        let (picture, _) = try look(at: file, handle: handle, owner: owner, cancellation: cancellation) { _ in
            PictureNeeds(resize: nil, guide: true, views: [])
        }
        return picture.looked
    }

    /// The picture in a file that `owner` sends, decoded unless everything needed is cached.
    ///
    /// - Parameters:
    ///   - handle: the file's SHA-256
    ///   - needs: what is needed of a picture of a size
    /// - Throws: why the picture is refused, what `needs` throws, `cancelled` or `deadlineExceeded`
    func look(
        at file: [UInt8], handle: String, owner: UInt32, cancellation: Cancellation,
        needs: (LookedAt) throws(SegmentationError) -> PictureNeeds
    ) throws(SegmentationError) -> (Picture, PictureData) {
        let key = ExactString(handle)
        var found = data(of: handle, for: owner)
        if found.file == nil, keeps(file: file.count) { found.file = file }
        if let known = pictures.value(for: key, of: owner), !known.isTransparent || found.transparency != nil {
            let needs = try needs(known.looked)
            if found.satisfies(needs) {
                keep(found, for: key, of: owner, reading: needs.resize)
                return (known, found)
            }
        }
        let image = try Image(decoding: file, cancellation: cancellation)
        let looked = LookedAt(handle: handle, width: image.width, height: image.height)
        let needs = try needs(looked)
        try found.take(needs, of: image, cancellation)
        let picture = Picture(looked: looked, isTransparent: found.transparency != nil)
        pictures.insert(picture, bytes: Self.entryBytes, for: key, of: owner)
        keep(found, for: key, of: owner, reading: needs.resize)
        return (picture, found)
    }

    /// A picture that `owner` has sent before; its file is decoded again where the guide or a view is needed and not
    /// cached.
    ///
    /// - Throws: `unknownPicture`, also where neither what is needed nor the file is cached; `cancelled` or
    ///   `deadlineExceeded`
    func known(
        _ handle: String, owner: UInt32, cancellation: Cancellation,
        needs: (LookedAt) throws(SegmentationError) -> PictureNeeds
    ) throws(SegmentationError) -> (Picture, PictureData) {
        let key = ExactString(handle)
        guard let picture = pictures.value(for: key, of: owner) else { throw .unknownPicture(handle: handle) }
        var found = data(of: handle, for: owner)
        let needs = try needs(picture.looked)
        guard !found.hasDecoded(needs) else { return (picture, found) }
        guard let file = found.file else { throw .unknownPicture(handle: handle) }
        try found.take(needs, of: try Image(decoding: file, cancellation: cancellation), cancellation)
        keep(found, for: key, of: owner, reading: needs.resize)
        return (picture, found)
    }

    func data(of handle: String, for owner: UInt32) -> PictureData {
        data.value(for: ExactString(handle), of: owner) ?? PictureData()
    }

    /// Drops a picture at a size, once a model has made its latents from it: others make it again from the file.
    func drop(_ resize: Resize, of handle: String, for owner: UInt32) {
        var found = data(of: handle, for: owner)
        guard found.file != nil, found.resized.removeValue(forKey: resize) != nil else { return }
        keep(found, for: ExactString(handle), of: owner, reading: nil)
    }

    /// Drops a picture as a captioner or filter reads it, once it has: others make it again from the file.
    func drop(_ view: PictureConfiguration, of handle: String, for owner: UInt32) {
        var found = data(of: handle, for: owner)
        guard found.file != nil, found.views.removeValue(forKey: view) != nil else { return }
        keep(found, for: ExactString(handle), of: owner, reading: nil)
    }

    /// Whether a file of so many bytes is cached.
    package func keeps(file bytes: Int) -> Bool { bytes <= Self.fileLimit(limit) }

    /// The largest file that a store of some bytes keeps: 48 MiB of the standard one.
    static func fileLimit(_ limit: Int) -> Int { limit / 4 }

    /// Keeps the data: where there is no room for all, without what can be made again from the file, or, where that is
    /// not cached, without what fewest questions need.
    ///
    /// - Parameter resize: the size that is to be read next
    private func keep(_ new: PictureData, for key: ExactString, of owner: UInt32, reading resize: Resize?) {
        var new = new
        if new.bytes > data.limit { new.resized = new.resized.filter { $0.key == resize } }
        if new.bytes > data.limit { new.guide = nil }
        if new.bytes > data.limit { new.views = [:] }
        if new.bytes > data.limit, new.file != nil { new.resized = [:] }
        if new.isEmpty { data.remove(key, of: owner) } else { data.insert(new, bytes: new.bytes, for: key, of: owner) }
    }
}

extension Image {
    /// The picture over white at a size, `[H·W, 3]` in 0...1.
    fileprivate func resized(_ resize: Resize) -> [Float] {
        resized(width: resize.grid.width, height: resize.grid.height, by: resize.resampling)
    }

    /// Decodes a file; a cancellation or a deadline ends that with `cancelled` or `deadlineExceeded`.
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
