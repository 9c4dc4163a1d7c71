import Limits
import Images
import RPC
import Results
import Texts

/// What an evaluation asks about each picture, and where everything lies: decided and checked before the first picture
/// is looked at.
struct EvalPlan: Sendable {
    /// What is looked for.
    enum Labels: Sendable {
        /// What is in the picture's truth.
        case given
        /// What a filter finds of all classes.
        case candidates
        case file(ImageLabels, path: String)
    }

    /// What there is to know of a picture before the daemon is asked.
    struct Subject: Sendable {
        let picture: Picture
        let file: [UInt8]
        /// Of the picture itself, whatever its maps' size.
        let pictureSize: ImageSize
        /// `nil` where nothing is counted.
        let truth: Truth?
        /// The places of the classes that are looked for; `nil`: those that a filter finds.
        let classes: [UInt8]?

        /// Of the maps.
        var size: (width: Int, height: Int) {
            truth.map { ($0.width, $0.height) } ?? (pictureSize.width, pictureSize.height)
        }
    }

    let dataSet: DataSet
    let question: Question
    let export: Export?
    let journalPath: String
    let notes: [String]
    private let labels: Labels
    private let model: RequestedModel
    private let counts: Bool
    /// Of the set's classes, by their names.
    private let places: [ExactString: UInt8]

    /// - Throws: `DataSetError`, ``ExportError``, `FileError`
    init(_ options: EvalOptions, model: RequestedModel) throws {
        self.model = model
        counts = !options.noTruth
        dataSet = try DataSet(
            named: options.set, root: options.root, split: options.split, truth: options.truth,
            classes: options.classes, needsTruth: counts, first: options.first)
        places = Dictionary(
            dataSet.classes.map { (ExactString($0.name), $0.index) }, uniquingKeysWith: { first, _ in first })
        var notes = dataSet.notes
        var labelText: String
        switch options.labels {
        case .given: (labels, labelText) = (.given, "given")
        case .candidates: (labels, labelText) = (.candidates, "candidates")
        case .file(let path):
            let lists = options.labelLists.isEmpty ? ImageLabels.List.published : options.labelLists
            let file = try ImageLabels(reading: path, of: dataSet, lists: lists)
            notes += file.notes
            labels = .file(file, path: path)
            let bytes = try InputFile.regularBytes(at: path, limit: Limit.pictureBytes)
            labelText = "\(PathText.resolved(path)) (\(lists.map(\.rawValue).joined(separator: "+")), "
            labelText += "\(Fingerprint(of: bytes).text))"
        }
        self.notes = notes
        export = try options.export.map { folder throws(FileError) in
            try Export(to: folder, maps: options.exportMaps)
        }
        let name = "\(dataSet.name).\(dataSet.split).dseg-eval.jsonl"
        journalPath = options.journal ?? PathText.joined(options.export ?? "", name)
        question = Question(
            set: dataSet.name, root: PathText.resolved(dataSet.root), split: dataSet.split,
            truth: dataSet.truth ?? "none", classes: Self.text(of: dataSet.classes, dataSet.background),
            pictures: Self.text(of: dataSet), labels: labelText, recipe: options.recipe.name,
            settings: options.recipe.allSettings, seed: options.recipe.seed, threshold: options.recipe.threshold,
            filter: options.filter.filter ?? "", filterSettings: options.filter.filterSettings, model: model.name,
            export: export?.text ?? "")
    }

    private static func text(of classes: [EvaluatedClass], _ background: [String]) -> String {
        var print = Fingerprint()
        for one in classes {
            for text in ["\(one.index)", one.name] { print.add(text) }
            for phrase in one.phrases {
                for text in ["=", phrase.words, phrase.prompt, "\(phrase.weight)"] { print.add(text) }
            }
            for synonym in one.synonyms { print.add("~\(synonym)") }
        }
        for word in background { print.add("[\(word)") }
        return "\(classes.count) (\(print.text))"
    }

    private static func text(of dataSet: DataSet) -> String {
        var print = Fingerprint()
        for picture in dataSet.pictures { print.add(picture.id) }
        return "\(dataSet.pictures.count) of \(dataSet.splitCount) (\(print.text))"
    }

    // MARK: A picture

    /// Reads a picture and its truth.
    func subject(_ picture: Picture) throws -> Subject {
        let file = try InputFile.bytes(at: picture.path)
        let size = try InputPicture(file).size
        let truth = counts ? try dataSet.truth(of: picture) : nil
        let classes: [UInt8]? =
            switch labels {
            case .given: truth?.present ?? []
            case .candidates: nil
            case .file(let file, _): file[picture]
            }
        return Subject(picture: picture, file: file, pictureSize: size, truth: truth, classes: classes)
    }

    func request(about subject: Subject) -> SegmentRequest {
        var asked: [Label] = []
        var vocabulary: Vocabulary?
        if let classes = subject.classes {
            asked = dataSet.classes.filter { classes.contains($0.index) }.map {
                Label(name: $0.name, phrases: $0.phrases)
            }
        } else {
            vocabulary = Vocabulary(
                candidates: dataSet.classes.map {
                    Candidate(name: $0.name, phrases: $0.phrases, synonyms: $0.synonyms)
                }, background: dataSet.background, filter: question.filter, settings: question.filterSettings)
        }
        let (width, height) = subject.size
        return model.asked(
            SegmentRequest(
                picture: .image(subject.file), labels: asked, recipe: question.recipe, seed: question.seed,
                threshold: question.threshold, maps: .sized, mapWidth: UInt32(width), mapHeight: UInt32(height),
                encoding: .u16, settings: question.settings, vocabulary: vocabulary))
    }

    /// The place of each label of an answer among the set's classes.
    func places(of header: Header) -> [UInt8] { header.labels.compactMap { places[ExactString($0.name)] } }

    /// Above which a label's score makes a pixel the label's in an exported mask: where no truth knows a background,
    /// whatever it is.
    func maskThreshold(_ method: EvaluatedMethod) -> Float {
        dataSet.protocols.contains { $0.background == .isClass } ? method.threshold : -.infinity
    }

    /// Whether nothing is left to do about a picture.
    func isDone(_ picture: Picture, in journal: Journal) -> Bool {
        guard let record = journal[picture], let method = journal.method, export?.has(picture) ?? true else {
            return false
        }
        let shape = CountShape(dataSet, Thresholds(fixed: method.threshold))
        return !counts || record.counts?.shape == shape
    }

    // MARK: The report

    func reports(_ counts: Counts, _ method: EvaluatedMethod, _ thresholds: Thresholds) -> [EvaluationReport] {
        let source: LabelSource =
            switch labels {
            case .given: .given
            case .candidates: .candidates(filter: method.filter ?? "")
            case .file(_, let path): .file(path: path)
            }
        let run = EvaluatedRun(
            recipe: method.recipe, model: method.model, settings: method.settings, labels: source)
        return dataSet.protocols.map { EvaluationReport(dataSet, $0, run, counts, thresholds) }
    }
}
