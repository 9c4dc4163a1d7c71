import ArgumentParser
import Images
import RPC
package import Results
import Texts

/// The command `eval`, independent of where answers are computed.
package enum EvalRun {
    /// Looks at a set's pictures, and prints how well their labels were found.
    ///
    /// - Parameter connect: makes a connection of its own, for one question after another
    /// - Throws: `ExitCode`, after the reason was printed to standard error
    package static func eval(
        _ options: EvalOptions, model: RequestedModel, connect: @escaping @Sendable () -> Asking
    ) throws {
        Interruption.watch()
        try MaskRun.exiting({ nil }) {
            let plan = try EvalPlan(options, model: model)
            if let file = options.confusion {
                if FileStatus(file, followingLinks: false) != nil { throw EvalError.exists(path: file) }
                try checkPlace(file, force: false)
            }
            try Interruption.keeping({ try Journal(plan.journalPath, of: plan.question) }) { journal in
                for note in plan.notes { Streams.say("\(Program.name): note: \(note)") }
                try look(at: plan, journal, jobs: options.jobs, connect)
                if let export = plan.export { Streams.say("wrote \(Streams.printable(export.text))") }
                if !options.noTruth { try report(plan, journal, options) }
            }
        }
    }

    private static func look(
        at plan: EvalPlan, _ journal: Journal, jobs: Int, _ connect: @escaping @Sendable () -> Asking
    ) throws {
        let pictures = plan.dataSet.pictures
        let waiting = pictures.filter { !plan.isDone($0, in: journal) }
        try plan.export?.prepare(for: waiting, mayReplace: journal.method != nil)
        if waiting.isEmpty { return }
        let progress = PictureProgress(
            total: pictures.count, before: pictures.count - waiting.count, ending: "counting")
        Interruption.beforeTheEnd {
            journal.removeIfEmpty()
            progress.end(keptIn: journal.path)
        }
        defer { Interruption.beforeTheEnd {} }
        do {
            let evaluator = Evaluator(plan, journal, waiting, progress, connect: connect)
            try evaluator.run(jobs: min(jobs, waiting.count))
            progress.finish()
        } catch let failure as Crew<Picture>.Failure {
            defer { progress.end(keptIn: journal.path) }
            progress.finish()
            let picture = failure.item.path
            try MaskRun.exiting({ try? InputFile.bytes(at: picture) }, about: failure.isOfPicture ? picture : nil) {
                throw failure.reason
            }
        }
    }

    private static func report(_ plan: EvalPlan, _ journal: Journal, _ options: EvalOptions) throws {
        guard let method = journal.method else { throw EvalError.nothingToLookFor }
        let thresholds = Thresholds(fixed: method.threshold)
        var counts = Counts(shape: CountShape(plan.dataSet, thresholds))
        for picture in plan.dataSet.pictures {
            if let picture = journal[picture]?.counts { counts += picture }
        }
        let reports = plan.reports(counts, method, thresholds)
        if let file = options.confusion {
            let lines = reports.map(\.confusionLines).joined(separator: [""])
            try replaceFile(at: file, with: text(of: Array(lines)))
        }
        let lines =
            options.json
            ? reports.map(\.json)
            : Array(reports.map { options.markdown ? $0.markdown : $0.lines }.joined(separator: [""]))
        try Streams.write(text(of: lines))
    }

    private static func text(of lines: [String]) -> [UInt8] { lines.flatMap { Array($0.utf8) + [0x0A] } }
}
