import Results
import Texts

/// Where the labels of each picture came from.
package enum LabelSource: Sendable, Equatable {
    /// From the truth.
    case given
    /// All classes of the set were candidates, of which a filter chose.
    case candidates(filter: String)
    /// A file said them.
    case file(path: String)
}

/// What was evaluated, and how.
package struct EvaluatedRun: Sendable, Equatable {
    /// The recipe's name.
    package let recipe: String
    package let model: String
    /// In which it differs from the recipe of its name, `key=value` each.
    package let settings: [String]
    package let labels: LabelSource

    package init(recipe: String, model: String, settings: [String], labels: LabelSource) {
        (self.recipe, self.model, self.settings, self.labels) = (recipe, model, settings, labels)
    }

    /// Where the labels came from, in words.
    var labelWords: String {
        switch labels {
        case .given: "given by the truth"
        case .candidates(let filter): "found by the filter \(filter)"
        case .file(let path): "read from \(path)"
        }
    }
}

/// What was measured on a data set under one protocol. The same counts give the same report.
package struct EvaluationReport: Sendable {
    /// The confusion matrix at a threshold.
    struct Outcome: Sendable {
        let threshold: Float
        let confusion: Confusion
    }

    let dataSet: DataSet
    let rules: EvaluationProtocol
    let run: EvaluatedRun
    /// At the threshold that was chosen before.
    let fixed: Outcome
    /// At each threshold of ``Thresholds/sweep``; none where the protocol has no background, as no threshold matters.
    let sweep: [Outcome]
    /// Of ``sweep`` the first with the highest mean IoU.
    let best: Outcome?
    let published: [PublishedFigure]

    /// - Parameter counts: of all the set's pictures
    package init(
        _ dataSet: DataSet, _ rules: EvaluationProtocol, _ run: EvaluatedRun, _ counts: Counts,
        _ thresholds: Thresholds
    ) {
        let outcome = { (place: Int) in
            Outcome(threshold: thresholds.all[place], confusion: Confusion(counts, rules, threshold: place))
        }
        self.dataSet = dataSet
        self.rules = rules
        self.run = run
        fixed = outcome(thresholds.fixedPlace)
        sweep = rules.background == .isClass ? thresholds.sweepPlaces.map(outcome) : []
        best = sweep.reduce(nil as Outcome?) { best, next in
            guard let best, next.confusion.meanIoU <= best.confusion.meanIoU else { return next }
            return best
        }
        published = PublishedFigure.all(of: dataSet.name, split: dataSet.split, rules.background)
    }

    /// Of the classes that count, in the order of ``Confusion/overlaps``.
    var classNames: [String] {
        (rules.background == .isClass ? ["background"] : []) + dataSet.classes.map(\.name)
    }

    /// Whether a published method is one that the run's recipe follows.
    func isSame(_ figure: PublishedFigure) -> Bool {
        let stem = run.recipe.utf8.prefix { $0 != UInt8(ascii: ":") }
        return figure.recipes.contains { $0.utf8.elementsEqual(stem) }
    }

    /// Why this run's figures cannot be held against published ones, a sentence each.
    package var reservations: [String] {
        var found: [String] = []
        if dataSet.pictures.count < dataSet.splitCount {
            found.append(
                "\(dataSet.pictures.count) of \(dataSet.splitCount) pictures: not comparable with figures of the set")
        }
        let isGiven = run.labels == .given
        if published.contains(where: { ($0.labels == .given) != isGiven }) {
            found.append(
                isGiven
                    ? "labels given: not comparable with figures of methods that find their labels"
                    : "labels found: not comparable with figures of methods that are given their labels")
        }
        if published.isEmpty { found.append("no figures are published for this set, split and protocol") }
        if !run.settings.isEmpty, published.contains(where: isSame) {
            found.append(
                "the recipe was changed (\(run.settings.joined(separator: ", "))): it is not the published one")
        }
        if best != nil {
            found.append("the best threshold was chosen on these pictures, as published figures' thresholds mostly are")
        }
        return found
    }

    /// The confusion matrix at the fixed threshold as comma-separated values: a row for each true class, a column for
    /// each that was given, pixels.
    package var confusionLines: [String] {
        let names = [rules.background == .isClass ? "background" : "none"] + dataSet.classes.map(\.name)
        let rows = names.indices.map { row in
            [names[row]] + names.indices.map { "\(fixed.confusion.pixels[row * names.count + $0])" }
        }
        return ([["truth"] + names] + rows).map { $0.map(Self.cell).joined(separator: ",") }
    }

    /// A cell of RFC 4180.
    private static func cell(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") }) else { return text }
        return "\"\(text.replacing("\"", with: "\"\""))\""
    }
}
