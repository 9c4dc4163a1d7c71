import Results

// The report for people.

extension EvaluationReport {
    /// For a terminal: per class, the means, the sweep, and what is published.
    package var lines: [String] {
        let blocks = [heading, TextTable.lines(classRows), sweepLines, publishedLines, reservations]
        return Array(blocks.filter { !$0.isEmpty }.joined(separator: [""])).map(Streams.printable)
    }

    /// The same for a README, without the classes: this run between the published methods.
    package var markdown: [String] {
        let rows = comparison.map { "| \($0.map(Self.escaped).joined(separator: " | ")) |" }
        let rule = "|" + String(repeating: " --- |", count: comparison[0].count)
        // Two spaces end a line.
        let texts = [heading, reservations].map { $0.map { "\(Self.escaped($0))  " } }
        return texts[0] + [""] + [rows[0], rule] + rows.dropFirst() + [""] + texts[1]
    }

    private var heading: [String] {
        let truth = dataSet.truth.map { ", \($0)" } ?? ""
        let count = dataSet.pictures.count
        let settings = run.settings.isEmpty ? "" : " (\(run.settings.joined(separator: ", ")))"
        return [
            "\(dataSet.name), \(dataSet.split)\(truth): \(count) \(count == 1 ? "picture" : "pictures"), \(rules.name)",
            "recipe \(run.recipe)\(settings), model \(run.model), labels \(run.labelWords)",
        ]
    }

    /// The outcomes that are shown side by side, with what tells them apart.
    private var columns: [(name: String, outcome: Outcome)] {
        guard let best else { return [("", fixed)] }
        let name = { (outcome: Outcome) in "threshold \(Self.hundredths(outcome.threshold))" }
        if best.threshold == fixed.threshold { return [("\(name(fixed)), also the best", fixed)] }
        return [(name(fixed), fixed), ("\(name(best)), the best", best)]
    }

    private var classRows: [[String]] {
        let classes = classNames.enumerated().map { place, name in
            [name] + columns.map { Self.percent(of: $0.outcome.confusion.overlaps[place]) }
        }
        let present = fixed.confusion.overlaps.count { !$0.isAbsent }
        let absent = fixed.confusion.overlaps.count - present
        let all = "mean of all" + (absent == 0 ? "" : ", absent as 0.0")
        var means = [[all] + columns.map { Self.percent($0.outcome.confusion.meanIoU) }]
        if absent > 0 {
            means.append(
                ["mean of those present"] + columns.map { Self.percent($0.outcome.confusion.meanIoUOfPresent) })
        }
        means.append(["pixels right"] + columns.map { Self.percent($0.outcome.confusion.pixelAccuracy) })
        return [["IoU in %"] + columns.map(\.name)] + classes + means
    }

    /// Every fourth threshold of the sweep, from the first to the last.
    private var sweepLines: [String] {
        if sweep.isEmpty { return [] }
        let shown = sweep.indices.filter { $0 % 4 == 0 }.map { sweep[$0] }
        return TextTable.lines([
            ["threshold"] + shown.map { Self.hundredths($0.threshold) },
            ["mean IoU"] + shown.map { Self.percent($0.confusion.meanIoU) },
        ])
    }

    private var publishedLines: [String] {
        if published.isEmpty { return [] }
        return ["published for \(rules.name):"] + TextTable.lines(comparison)
    }

    /// The published methods and this run's figures below the anchor's.
    private var comparison: [[String]] {
        let heading = ["", "mean IoU", "labels", "networks", "source"]
        let others = published.map { figure in
            let mark = isSame(figure) ? " (this recipe)" : ""
            return [
                figure.method + mark, Self.tenths(figure.meanIoU), figure.labels.rawValue, figure.networks,
                figure.source,
            ]
        }
        let labels = run.labels == .given ? PublishedFigure.Labels.given : .found
        let own = columns.map { name, outcome in
            let method = ["dseg", run.recipe, name].filter { !$0.isEmpty }.joined(separator: ", ")
            return [method, Self.percent(outcome.confusion.meanIoU), labels.rawValue, run.model, "this run"]
        }
        return [heading] + others.prefix(1) + own + others.dropFirst()
    }

    private static func percent(of overlap: Confusion.Overlap) -> String {
        overlap.isAbsent ? "absent" : percent(overlap.iou)
    }

    private static func percent(_ share: Double) -> String { tenths(100 * share) }

    private static func tenths(_ number: Double) -> String {
        let tenths = Int((10 * number).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// A threshold, with more decimals where it has them.
    private static func hundredths(_ threshold: Float) -> String {
        let hundredths = Int((100 * threshold).rounded())
        guard Float(hundredths) / 100 == threshold else { return "\(threshold)" }
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    private static func escaped(_ text: String) -> String {
        Streams.printable(text).replacing("|", with: "\\|")
    }
}
