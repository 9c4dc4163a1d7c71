import FoundationEssentials
import Images
import RPC
import Texts

/// The provenance of a figure: all that is needed to draw it again, in the same chunk of the file that other outputs
/// have theirs in.
struct FigureRecord: Sendable, Equatable, Codable {
    /// The version of the JSON, raised by a change that older readers would misunderstand.
    static let schema = 1

    struct Recipe: Sendable, Equatable, Codable {
        let name: String
        /// In which it differs from the one of its name.
        let settings: [String]
    }

    /// An answer that the figure shows.
    struct Answer: Sendable, Equatable, Codable {
        let picture: Provenance.Picture
        let recipe: Recipe
        let timestep: UInt32
        let threshold: Float
        let model: Provenance.Model
        let captioner: Provenance.Model?
        let filter: Provenance.Model?
        let version: String
        let precision: String
        let instructionSet: String
        let blas: String
        /// The SHA-256 of what was sent (`Trailer.answer_hash`).
        let hash: String

        private enum CodingKeys: String, CodingKey {
            case picture, recipe, timestep, threshold, model, captioner, filter, version, precision, blas, hash
            case instructionSet = "instruction_set"
        }

        init(_ answer: CompleteAnswer, path: String, size: ImageSize) {
            let header = answer.header
            picture = Provenance.Picture(
                path: path, sha256: header.handle, width: header.width, height: header.height,
                orientation: size.orientation, frames: size.frames > 1 ? size.frames : nil)
            recipe = Recipe(name: header.recipe, settings: header.settings)
            timestep = header.timestep
            threshold = header.threshold
            model = Provenance.Model(name: header.model, hash: header.modelHash)
            captioner = header.captioner.map(Provenance.Model.init)
            filter = header.filter.map(Provenance.Model.init)
            version = header.version
            precision = header.precision
            instructionSet = header.instructionSet
            blas = header.blas
            hash = answer.trailer.answerHash
        }
    }

    let figureSchema: Int
    let kind: FigureKind
    /// The arguments as they were typed.
    let words: [String]
    /// The recipes, as they are typed, less those that the kind always asks: at least one.
    let recipes: [String]
    let panel: Int
    let seed: UInt32
    /// As it was typed.
    let threshold: Float?
    /// Of each picture by each recipe, a picture's beside each other.
    let answers: [Answer]

    private enum CodingKeys: String, CodingKey {
        case words, recipes, panel, seed, threshold, answers
        case figureSchema = "figure_schema"
        case kind = "figure"
    }

    init(of plan: FigurePlan, _ answers: [Answer]) {
        figureSchema = Self.schema
        kind = plan.kind
        words = plan.words.given
        recipes = plan.named.map(\.text)
        panel = plan.panel
        seed = plan.seed
        threshold = plan.threshold
        self.answers = answers
    }

    /// Reads the record of a figure that dseg wrote; `nil` for any other file.
    ///
    /// - Throws: `ProvenanceError.unreadable` for a figure's that is damaged, or of a later version
    init?(reading bytes: [UInt8]) throws(ProvenanceError) {
        guard let text = (try? PNGFile.texts(in: bytes))?[Provenance.key] else { return nil }
        let json = Array(text.utf8)
        guard StreamSafe.isSafe(json: json) else { return nil }
        guard let mark = try? JSONDecoder().decode(Mark.self, from: Data(json)) else { return nil }
        guard mark.figureSchema == Self.schema else { throw .otherSchema(mark.figureSchema) }
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(json))
        } catch {
            throw .unreadable("\(error)")
        }
    }

    /// What every version says first.
    private struct Mark: Decodable {
        let figureSchema: Int

        private enum CodingKeys: String, CodingKey {
            case figureSchema = "figure_schema"
        }
    }

    /// What the figure was drawn from, asked for again.
    ///
    /// - Throws: ``ProvenanceError`` for words, recipes or pictures that no figure of dseg has
    func plan() throws -> FigurePlan {
        let words: WordList
        do throws(WordError) {
            words = try WordList(self.words)
        } catch {
            throw ProvenanceError.words(error)
        }
        let count = kind.fixed.count + recipes.count
        guard !recipes.isEmpty, !answers.isEmpty, answers.count.isMultiple(of: count), FigurePlan.panels.contains(panel)
        else {
            throw ProvenanceError.unreadable("its answers, recipes and panels contradict each other")
        }
        let pictures = stride(from: 0, to: answers.count, by: count).map { answers[$0].picture.path }
        return try FigurePlan(
            kind, pictures: pictures, words: words, recipes: recipes.map { try WrittenRecipe($0) }, panel: panel,
            seed: seed, threshold: threshold)
    }

    var json: String { JSONLine.text(of: self) }
}

extension FigureRecord.Answer {
    /// Refuses a new answer that is another.
    ///
    /// - Returns: a sentence for each of version, networks and arithmetic that is another now
    /// - Throws: `ProvenanceError.pictureChanged` or `otherAnswer`
    func differences(from new: Self) throws(ProvenanceError) -> [String] {
        func isSame(_ text: String, _ other: String) -> Bool { ExactString(text) == ExactString(other) }
        guard isSame(picture.sha256, new.picture.sha256) else {
            throw .pictureChanged(path: picture.path, was: picture.sha256, is: new.picture.sha256)
        }
        let comparisons = [
            ("dseg", version, new.version), ("the model's name", model.name, new.model.name),
            ("the model's hash", model.hash, new.model.hash), ("the precision", precision, new.precision),
            ("the instruction set", instructionSet, new.instructionSet), ("the BLAS", blas, new.blas),
            ("the captioner's hash", captioner?.hash ?? "none", new.captioner?.hash ?? "none"),
            ("the filter's hash", filter?.hash ?? "none", new.filter?.hash ?? "none"),
        ]
        let differences = comparisons.filter { !isSame($0.1, $0.2) }.map { "\($0.0) was \($0.1), is \($0.2)" }
        guard isSame(hash, new.hash) else { throw .otherAnswer(was: hash, is: new.hash, differences: differences) }
        return differences
    }
}
