import Results

// The report for programs. Its keys stay as they are.

extension EvaluationReport {
    /// Schema 1, one line: IoU and shares in 0...1, published figures in percent, counts in pixels.
    package var json: String { JSONLine.text(of: Record(self)) }

    private struct Record: Encodable {
        let schema = 1
        let set: Set
        let `protocol`: String
        let run: Run
        let classes: [Class]
        let fixed: Figures
        /// Missing, as `sweep` is empty, where the protocol has no background.
        let best: Figures?
        let sweep: [Point]
        let published: [Published]
        let reservations: [String]

        init(_ report: EvaluationReport) {
            set = Set(
                name: report.dataSet.name, split: report.dataSet.split, truth: report.dataSet.truth,
                pictures: report.dataSet.pictures.count, of: report.dataSet.splitCount)
            `protocol` = report.rules.name
            run = Run(report.run)
            let overlaps = report.fixed.confusion.overlaps
            classes = zip(report.classNames, overlaps).enumerated().map { place, one in
                Class(
                    name: one.0, index: place + (report.rules.background == .isClass ? 0 : 1),
                    truth: one.1.truth)
            }
            fixed = Figures(report.fixed)
            best = report.best.map(Figures.init)
            sweep = report.sweep.map(Point.init)
            published = report.published.map { Published($0, isSame: report.isSame($0)) }
            reservations = report.reservations
        }
    }

    private struct Set: Encodable {
        let name: String
        let split: String
        let truth: String?
        let pictures: Int
        /// The split's pictures.
        let of: Int
    }

    private struct Run: Encodable {
        let recipe: String
        let model: String
        let settings: [String]
        /// `given`, `candidates` or `file`.
        let labels: String
        /// The filter, or the file's path.
        let by: String?

        init(_ run: EvaluatedRun) {
            (recipe, model, settings) = (run.recipe, run.model, run.settings)
            (labels, by) =
                switch run.labels {
                case .given: ("given", nil)
                case .candidates(let filter): ("candidates", filter)
                case .file(let path): ("file", path)
                }
        }
    }

    private struct Class: Encodable {
        let name: String
        let index: Int
        /// Its pixels in the truth.
        let truth: UInt64
    }

    private struct Point: Encodable {
        let threshold: Float
        let meanIoU: Double
        let meanIoUOfPresent: Double
        let pixelAccuracy: Double

        private enum CodingKeys: String, CodingKey {
            case threshold
            case meanIoU = "mean_iou"
            case meanIoUOfPresent = "mean_iou_of_present"
            case pixelAccuracy = "pixel_accuracy"
        }

        init(_ outcome: Outcome) {
            threshold = outcome.threshold
            meanIoU = outcome.confusion.meanIoU
            meanIoUOfPresent = outcome.confusion.meanIoUOfPresent
            pixelAccuracy = outcome.confusion.pixelAccuracy
        }
    }

    private struct Figures: Encodable {
        let means: Point
        let classes: [Overlap]
        /// `[classes + 1, classes + 1]`, rows are the truth.
        let confusion: [[UInt64]]

        init(_ outcome: Outcome) {
            means = Point(outcome)
            classes = outcome.confusion.overlaps.map(Overlap.init)
            confusion = outcome.confusion.rows
        }
    }

    private struct Overlap: Encodable {
        let iou: Double
        let found: UInt64
        let both: UInt64

        init(_ overlap: Confusion.Overlap) { (iou, found, both) = (overlap.iou, overlap.found, overlap.both) }
    }

    private struct Published: Encodable {
        let method: String
        let networks: String
        let meanIoU: Double
        let labels: String
        let source: String
        let isThisRecipe: Bool

        private enum CodingKeys: String, CodingKey {
            case method, networks, labels, source
            case meanIoU = "mean_iou"
            case isThisRecipe = "is_this_recipe"
        }

        init(_ figure: PublishedFigure, isSame: Bool) {
            (method, networks, meanIoU) = (figure.method, figure.networks, figure.meanIoU)
            (labels, source, isThisRecipe) = (figure.labels.rawValue, figure.source, isSame)
        }
    }
}
