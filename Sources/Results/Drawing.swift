import Images
import RPC
import Synchronization
import Texts

/// Encodes an answer as files. The same answer gives the same bytes.
package struct Drawing: Sendable {
    let answer: CompleteAnswer
    private let words: [String]
    let picturePath: String
    private let picture: ShownPicture
    private let files: [OutputFile]
    private let explains: Bool

    /// - Parameters:
    ///   - words: the arguments as they were typed
    ///   - picturePath: the picture's path as it was typed
    ///   - files: all files that are written of this answer, which the JSON lists
    ///   - explains: whether the JSON says why each candidate stayed or went
    package init(
        _ answer: CompleteAnswer, words: [String], picturePath: String, picture: InputPicture,
        files: [OutputFile], explains: Bool
    ) {
        self.answer = answer
        self.words = words
        self.picturePath = picturePath
        self.picture = ShownPicture(of: picture)
        self.files = files
        self.explains = explains
    }

    /// The bytes of one output's file, which carries its provenance where its format has room for it and, if it shows
    /// the picture, the picture's colour metadata.
    ///
    /// - Throws: `DrawingError`, `ImageError` for the picture, `RPCStatus` for a broken score map
    package func bytes(of output: Output) throws -> [UInt8] { try drawn(output).bytes }

    /// An output's file, and what of it may surprise.
    ///
    /// - Throws: as ``bytes(of:)`` does
    func drawn(_ output: Output) throws -> (bytes: [UInt8], note: String?) {
        let provenance = provenance(of: output)
        let pixels: PNGFile.Pixels
        var colours = ColourSpace.unstated
        var note: String?
        switch output {
        case .json: return (Array(provenance.json.utf8) + [0x0A], nil)
        case .format(let format, let label): return (try encoded(format, of: label, provenance), nil)
        case .mask: pixels = .indexed(answer.indices, .voc)
        case .greyMask: pixels = .grey(answer.indices)
        case .overlay:
            let picture = try decodedPicture()
            pixels = .rgb(Compositing.tinted(picture.seen, by: answer.indices, .voc))
            colours = picture.colours
        case .heat(let label): pixels = .grey(try grey(map(of: place(of: label))))
        case .attention:
            guard let probed = answer.probed.first else { throw DrawingError.noScores }
            pixels = .grey(try grey(probed.map))
        case .cut(let region):
            let (included, _) = try parts(of: region)
            let picture = try decodedPicture()
            pixels = .rgba(Compositing.cut(picture, to: included))
            colours = picture.colours
        case .inpaint(let region, let edits):
            let (included, excluded) = try parts(of: region)
            let samples = edits.mask(of: included, without: excluded)
            pixels = .grey(samples)
            if self.region(of: samples, where: { $0 > 0 }).isEmpty {
                note = "the mask for inpainting of \"\(Streams.excerpt(region.name))\" is all black"
            }
        }
        let file = try PNGFile(
            width: Int(answer.header.width), height: Int(answer.header.height), pixels, colours: colours,
            texts: [PNGFile.Text(key: Provenance.key, value: provenance.json)]
        ).encoded()
        return (file, note)
    }

    /// How an output is made; of the JSON, with all files.
    func provenance(of output: Output) -> Provenance {
        Provenance(
            of: output, answer, words: words, picturePath: picturePath, size: picture.file.size,
            files: output == .json ? files : nil, explains: explains && output == .json)
    }

    /// Where the labels of a region are, and where those are that it does not take.
    private func parts(of region: RegionExpression) throws(DrawingError) -> (included: Region, excluded: Region) {
        let (included, excluded) = (places(of: region.included), places(of: region.excluded))
        if included.isEmpty { throw .noLabel(region.included.joined(separator: " + ")) }
        return (part(included), part(excluded))
    }

    /// The pixels of labels, by their places.
    func part(_ labels: Set<Int>) -> Region { region(of: answer.indices) { labels.contains($0 - 1) } }

    /// - Parameter samples: `[height, width]` of the picture
    private func region(of samples: [UInt8], where isIn: (Int) -> Bool) -> Region {
        Region(
            width: Int(answer.header.width), height: Int(answer.header.height), of: samples, where: (0..<256).map(isIn))
    }

    /// A map at the picture's size, min-max scaled to 0...255, `[height, width]`. One of the latent grid is resized
    /// (bilinear).
    private func grey(_ map: ScoreMap) throws -> [UInt8] {
        let count = answer.indices.count
        let scores = try map.scores()
        if map.width == answer.header.width, map.height == answer.header.height { return Compositing.grey(scores) }
        let sized = unsafe [Float](unsafeUninitializedCapacity: count) { sized, written in
            guard let base = sized.baseAddress else { return }
            unsafe Bilinear.resize(
                scores, width: Int(map.width), height: Int(map.height), channels: 1,
                to: (Int(answer.header.width), Int(answer.header.height)), into: base)
            written = count
        }
        return Compositing.grey(sized)
    }

    func map(of label: Int) throws(DrawingError) -> ScoreMap {
        guard label < answer.maps.count else { throw .noScores }
        return answer.maps[label]
    }

    func place(of label: String) throws(DrawingError) -> Int {
        guard let place = places(of: [label]).first else { throw .noLabel(label) }
        return place
    }

    /// Those of the labels that the answer has.
    private func places(of labels: [String]) -> Set<Int> {
        let names = Set(labels.map { ExactString($0) })
        return Set(answer.header.labels.indices.filter { names.contains(ExactString(answer.header.labels[$0].name)) })
    }

    private func decodedPicture() throws -> Image {
        let (size, header) = (picture.file.size, answer.header)
        guard size.width == Int(header.width), size.height == Int(header.height) else {
            throw DrawingError.otherPicture
        }
        return try picture.image()
    }
}

extension SegmentRequest.Maps {
    /// How scores are encoded for files: at the picture's size as 256 greys, which heat maps have, else finer.
    var encodingForFiles: Encoding {
        switch self {
        case .sized: .u8
        case .latent, .none: .u16
        }
    }
}

/// A picture that is decoded once, when the first output needs its pixels.
private final class ShownPicture: Sendable {
    let file: InputPicture
    private let decoded = Mutex<Image?>(nil)

    init(of file: InputPicture) {
        self.file = file
    }

    func image() throws(ImageError) -> Image {
        try decoded.withLock { decoded throws(ImageError) in
            if let decoded { return decoded }
            let image = try Image(decoding: file.bytes).withPackedColours
            decoded = image
            return image
        }
    }
}

/// Why an output cannot be drawn of an answer.
package enum DrawingError: Error, Equatable, CustomStringConvertible {
    /// The picture's size is not the answer's.
    case otherPicture
    case noLabel(String)
    /// The answer has no such score maps: the request did not ask for them.
    case noScores

    package var description: String {
        switch self {
        case .otherPicture: "the picture changed while it was looked at; run it again"
        case .noLabel(let label): "the answer has no label \"\(Streams.printable(label))\""
        case .noScores: "the answer has no score maps of this kind; ask for them"
        }
    }
}
