import FoundationEssentials
import Images
import RPC
import Texts

/// The provenance of an output: all that is needed to recreate it, bit for bit where
/// model, precision, instruction set and BLAS are the same.
///
/// Every PNG carries it as JSON in an iTXt chunk, a COCO document as an object of its `info`; the object that `--json`
/// prints is one too, with the list of files written. It holds no times, so that the same run gives the same bytes.
package struct Provenance: Sendable, Equatable {
    /// The keyword of the iTXt chunk.
    static let key = "dseg"
    /// The version of the JSON, raised by a change that older readers would misunderstand.
    static let schema = 1

    /// The setting that a file without a size of the latent implies, where it has no other grid.
    static let square = "grid=square"

    let output: Output
    package let picture: Picture
    /// The arguments as they were typed, or as the labels of regions would be.
    package let words: [String]
    package let labels: [LabelRecord]
    package let recipe: String
    /// In which the recipe differs from the one of its name, `key=value` each, but for ``square``.
    package let settings: [String]
    /// The prompt of the one U-Net pass for all phrases; also empty where each had its own.
    package let forwardPrompt: String
    package let seed: UInt32
    package let timestep: UInt32
    package let threshold: Float
    package let model: Model
    /// Networks that the answer depends on beside the model.
    let captioner: Model?
    let filter: Model?
    /// How the labels were chosen; `nil` where they were given.
    let choice: ChoiceRecord?
    package let version: String
    /// Arithmetic of the networks' products, instruction set of the kernels, and library of f32 products; `nil` in a
    /// file that states none.
    package let precision: String?
    package let instructionSet: String?
    package let blas: String?
    /// Which score maps were requested, for this output or one of the same run: ``answer`` is the hash of what was
    /// sent. Latent in a file that states none.
    let maps: SegmentRequest.Maps
    /// The latent's size; `nil` where it is square, and in a file of a time when all were.
    let latent: Latent?
    /// The SHA-256 of the answer (`Trailer.answer_hash`).
    package let answer: String
    /// The files written; in the JSON of `--json` alone.
    let files: [OutputFile]?
    /// The answer's notes, where it has any; in the JSON of `--json` alone, and never read.
    let notes: [String]?

    /// The picture that was segmented.
    package struct Picture: Sendable, Equatable, Codable {
        /// The path as it was typed; "-" is standard input.
        package let path: String
        package let sha256: String
        package let width: UInt32
        package let height: UInt32
        /// The file's EXIF orientation, 1 to 8, which width and height have applied; 1 is upright.
        package let orientation: UInt8?
        /// The number of frames of an animated picture, whose first was segmented; `nil` for a still one.
        package let frames: Int?
    }

    struct Latent: Sendable, Equatable, Codable {
        let width: UInt32
        let height: UInt32
    }

    package struct Model: Sendable, Equatable, Codable {
        package let name: String
        package let hash: String

        init(name: String, hash: String) {
            self.name = name
            self.hash = hash
        }

        init(_ network: Network) { self.init(name: network.name, hash: network.hash) }
    }

    /// A label, its phrases as they were read, and its share of the mask.
    package struct LabelRecord: Sendable, Equatable, Codable {
        package let name: String
        package let phrases: [PhraseRecord]
        package let pixels: UInt64
        /// The fraction of the picture's pixels, 0 to 1.
        package let share: Double
    }

    package struct PhraseRecord: Sendable, Equatable, Codable {
        package let words: String
        package let prompt: String
        package let positions: [UInt32]
        package let truncated: Bool
        /// The sentence about the picture that the prompt was made from; `nil`: none.
        let caption: String?
        /// Of the words; `nil`: 1.
        let weight: Float?

        init(_ phrase: UnderstoodPhrase) {
            words = phrase.words
            prompt = phrase.prompt
            positions = phrase.positions
            truncated = phrase.truncated
            caption = phrase.caption.isEmpty ? nil : phrase.caption
            weight = [0, 1].contains(phrase.weight) ? nil : phrase.weight
        }
    }

    init(
        of output: Output, _ answer: CompleteAnswer, words: [String], picturePath: String,
        size: ImageSize, files: [OutputFile]?, explains: Bool
    ) {
        let header = answer.header
        self.output = output
        self.files = files
        notes = output == .json && !answer.notes.isEmpty ? answer.notes : nil
        self.words = words
        picture = Picture(
            path: picturePath, sha256: header.handle, width: header.width, height: header.height,
            orientation: size.orientation, frames: size.frames > 1 ? size.frames : nil)
        labels = header.labels.enumerated().map { place, label in
            LabelRecord(
                name: label.name, phrases: label.phrases.map(PhraseRecord.init),
                pixels: answer.counts[place + 1], share: answer.shares[place].share)
        }
        recipe = header.recipe
        settings = header.settings.filter { $0 != Self.square }
        forwardPrompt = header.forwardPrompt ?? ""
        seed = header.seed
        timestep = header.timestep
        threshold = header.threshold
        model = Model(name: header.model, hash: header.modelHash)
        captioner = header.captioner.map(Model.init)
        filter = header.filter.map(Model.init)
        choice = header.choice.map { ChoiceRecord($0, explains: explains) }
        version = header.version
        precision = header.precision
        instructionSet = header.instructionSet
        blas = header.blas
        maps = answer.requestedMaps
        let isSquare = header.latentWidth == header.latentHeight
        latent = isSquare ? nil : Latent(width: header.latentWidth, height: header.latentHeight)
        self.answer = answer.trailer.answerHash
    }

    /// Reads the provenance of a PNG file, of JSON or of a COCO document that dseg wrote.
    package init(reading bytes: [UInt8]) throws(ProvenanceError) {
        let json = bytes.first == 0x89 ? try Self.chunk(of: bytes) : bytes
        guard json.first == UInt8(ascii: "{") else { throw .none }
        guard StreamSafe.isSafe(json: json) else {
            throw .unreadable("it has \(StreamSafe.refusalOfJSON)")
        }
        let document = try? JSONDecoder().decode(Document<Schema>.self, from: Data(json))
        let schema = try? document?.info.dseg ?? JSONDecoder().decode(Schema.self, from: Data(json))
        if let schema = schema?.schema, schema != Self.schema { throw .otherSchema(schema) }
        do {
            self =
                document == nil
                ? try JSONDecoder().decode(Self.self, from: Data(json))
                : try JSONDecoder().decode(Document<Self>.self, from: Data(json)).info.dseg
        } catch DecodingError.dataCorrupted(let context) {
            throw .unreadable(context.debugDescription)
        } catch {
            throw .unreadable("\(error)")
        }
    }

    /// The JSON in a PNG file.
    private static func chunk(of bytes: [UInt8]) throws(ProvenanceError) -> [UInt8] {
        let texts: [String: String]
        do throws(ImageError) {
            texts = try PNGFile.texts(in: bytes)
        } catch {
            throw .unreadable(error.description)
        }
        guard let text = texts[key] else { throw .none }
        return Array(text.utf8)
    }

    private struct Schema: Decodable {
        let schema: Int
    }

    /// What of a COCO document is dseg's.
    private struct Document<Content: Decodable>: Decodable {
        struct Info: Decodable {
            let dseg: Content
        }

        let info: Info
    }

    var json: String { JSONLine.text(of: self) }
}

/// Why a file cannot be recreated.
package enum ProvenanceError: Error, Equatable, CustomStringConvertible {
    case none
    /// A file of a format that has no room for it.
    case noRoom(FileFormat)
    case otherSchema(Int)
    case unreadable(String)
    /// The file at the picture's path is no picture.
    case noPicture(path: String)
    case pictureChanged(path: String, was: String, is: String)
    /// - Parameter differences: versions and models that differ, which may be the cause
    case otherAnswer(was: String, is: String, differences: [String])
    /// Other labels stay of the vocabulary.
    case otherLabels(was: [String], is: [String], differences: [String])
    /// What the arguments were is no words.
    case words(WordError)

    package var description: String {
        switch self {
        case .none:
            "the file does not say how it was made; dseg writes that into its PNG and JSON files"
        case .noRoom(let format):
            "a .\(format.suffix) file has no room for how it was made; type dseg mask again with the picture, the "
                + "words and the options that are told by the mask beside it, and --format \(format.rawValue) --force"
        case .otherSchema(let schema):
            "the file was written by another dseg (schema \(schema), this one reads "
                + "\(Provenance.schema)); use that one"
        case .unreadable(let reason):
            "how the file was made cannot be read: \(reason)"
        case .noPicture(let path):
            "\(Streams.printable(path)), which the file names as its picture, is no PNG, JPEG or WebP file; "
                + "nothing was sent"
        case .otherAnswer(let was, let found, let differences):
            "the file cannot be made again here: the scores' hash is \(found), it was \(was); "
                + (["ask the dseg and the machine that made it"] + differences).joined(separator: "; ")
        case .otherLabels(let was, let found, let differences):
            "the file cannot be made again here: its labels would be \(Self.list(found)), they were \(Self.list(was)); "
                + (["ask the dseg and the machine that made it"] + differences).joined(separator: "; ")
        case .words(let error):
            "what the file says was typed cannot be read: \(error.description)"
        case .pictureChanged(let path, let was, let found):
            "\(Streams.printable(path)) is not the picture it was: its hash is \(found), it was \(was); "
                + "put the old one back"
        }
    }

    private static func list(_ labels: [String]) -> String {
        labels.isEmpty ? "none" : Streams.excerpt(labels.joined(separator: ", "))
    }
}
