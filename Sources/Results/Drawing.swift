import Images
import RPC
import Synchronization
import Texts

/// Encodes an answer as PNG and JSON files. The same answer gives the same bytes.
package struct Drawing: Sendable {
    private let answer: CompleteAnswer
    private let words: [String]
    private let picturePath: String
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

    /// The bytes of one output's file, which carries its provenance and, if it shows the picture, the picture's colour
    /// metadata.
    ///
    /// - Throws: `DrawingError`, `ImageError` for the picture, `RPCStatus` for a broken score map
    package func bytes(of output: Output) throws -> [UInt8] {
        let provenance = Provenance(
            of: output, answer, words: words, picturePath: picturePath, size: picture.file.size,
            files: output == .json ? files : nil, explains: explains && output == .json)
        let pixels: PNGFile.Pixels
        var colours = ColourSpace.unstated
        switch output {
        case .json: return Array(provenance.json.utf8) + [0x0A]
        case .mask: pixels = .indexed(answer.indices, .voc)
        case .greyMask: pixels = .grey(answer.indices)
        case .overlay:
            let picture = try decodedPicture()
            pixels = .rgb(Compositing.tinted(picture.seen, by: answer.indices, .voc))
            colours = picture.colours
        case .heat(let label): pixels = .grey(try heat(place(of: label)))
        case .cut(let label):
            let index = UInt8(try place(of: label) + 1)
            let picture = try decodedPicture()
            pixels = .rgba(Compositing.cut(picture, where: answer.indices, are: index))
            colours = picture.colours
        }
        return try PNGFile(
            width: Int(answer.header.width), height: Int(answer.header.height), pixels, colours: colours,
            texts: [PNGFile.Text(key: Provenance.key, value: provenance.json)]
        ).encoded()
    }

    /// A label's map at the picture's size, min-max scaled to 0...255, `[height, width]`. One of the latent grid is
    /// resized (bilinear).
    private func heat(_ label: Int) throws -> [UInt8] {
        guard label < answer.maps.count else { throw DrawingError.noScores }
        let (map, count) = (answer.maps[label], answer.indices.count)
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

    private func place(of label: String) throws(DrawingError) -> Int {
        guard let place = answer.header.labels.firstIndex(where: { ExactString($0.name) == ExactString(label) })
        else {
            throw .noLabel(label)
        }
        return place
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
    /// How scores are encoded for heat maps: at the picture's size as their 256 greys, else finer: they are resized.
    var encodingForHeat: Encoding {
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
    /// The answer has no score maps: the request did not ask for them.
    case noScores

    package var description: String {
        switch self {
        case .otherPicture: "the picture changed while it was looked at; run it again"
        case .noLabel(let label): "the answer has no label \"\(Streams.printable(label))\""
        case .noScores: "the answer has no score maps; ask for heat maps"
        }
    }
}
