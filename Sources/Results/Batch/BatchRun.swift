import ArgumentParser
import Images
import Limits
package import RPC
import Synchronization

/// The command `mask` for many pictures, on several connections at once.
package enum BatchRun {
    /// Segments all pictures that are not done yet, and writes their files.
    ///
    /// - Parameters:
    ///   - budget: how long each question may wait for its turn
    ///   - connect: makes a connection of its own, on which nothing is asked again
    /// - Throws: `ExitCode`, after the reason was printed to standard error: ``ExitReason/someFailed`` where pictures
    ///   failed that the run went on without
    package static func mask(
        _ options: MaskOptions, model: RequestedModel, budget: RetryBudget,
        connect: @escaping @Sendable () -> Asking
    ) throws {
        Interruption.watch()
        var failed = 0
        try MaskRun.exiting({ nil }) {
            let plan = try BatchPlan(options, model: model)
            try Interruption.keeping({ try BatchJournal(plan.journalPath, of: plan.question) }) { journal in
                for note in plan.notes { Streams.say("\(Program.name): note: \(note)") }
                failed = try look(at: plan, journal, budget, connect)
            }
        }
        if failed > 0 { throw ExitCode(ExitReason.someFailed.rawValue) }
    }

    /// - Returns: how many pictures failed
    private static func look(
        at plan: BatchPlan, _ journal: BatchJournal, _ budget: RetryBudget, _ connect: @escaping @Sendable () -> Asking
    ) throws -> Int {
        let pictures = plan.pictures.filter { !$0.isFound || !journal.hasWritten($0.path) }
        let waiting = pictures.filter { !journal.isDone($0.path) }
        let total = pictures.count
        guard !waiting.isEmpty else {
            Streams.say("all of \(total) pictures are done already, as \(Streams.printable(journal.path)) says")
            return 0
        }
        let progress = PictureProgress(total: total, before: total - waiting.count, ending: "ending")
        let batch = Batch(plan, journal, waiting, progress, budget)
        @Sendable func end() {
            progress.finish()
            let failed = batch.failed
            if !failed.isEmpty { Streams.say("\(failed.count) of \(total) pictures failed: " + list(failed)) }
            if progress.count < total { progress.end(keptIn: journal.path) }
        }
        Interruption.beforeTheEnd {
            journal.removeIfEmpty()
            end()
        }
        defer { Interruption.beforeTheEnd {} }
        do {
            try batch.run(jobs: min(plan.jobs, waiting.count), connect)
            end()
        } catch let failure as Crew<ListedPicture>.Failure {
            defer { end() }
            progress.finish()
            try MaskRun.exiting({ nil }) { throw failure.reason }
        }
        return batch.failed.count
    }

    /// Of a summary's names the first: each was named as it failed.
    private static func list(_ names: [String]) -> String {
        let most = 10
        let shown = names.prefix(most).map(Streams.printable).joined(separator: ", ")
        return names.count > most ? "\(shown), and \(names.count - most) more" : shown
    }
}

/// A run over many pictures that is under way.
private final class Batch: Sendable {
    private let plan: BatchPlan
    private let journal: BatchJournal
    private let progress: PictureProgress
    private let budget: RetryBudget
    private let allowance: RetryAllowance
    private let crew: Crew<ListedPicture>
    private let state = Mutex(State())

    private struct State {
        var failed: [String] = []
        var hasAnswered = false
    }

    init(
        _ plan: BatchPlan, _ journal: BatchJournal, _ pictures: [ListedPicture], _ progress: PictureProgress,
        _ budget: RetryBudget
    ) {
        (self.plan, self.journal, self.progress, self.budget) = (plan, journal, progress, budget)
        crew = Crew(pictures)
        allowance = RetryAllowance(questions: pictures.count, jobs: plan.jobs)
    }

    /// The pictures without which the run has gone on.
    var failed: [String] { state.withLock(\.failed) }

    func run(jobs: Int, _ connect: @escaping @Sendable () -> Asking) throws {
        try crew.run(jobs: jobs) { [self] in
            let ask = connect()
            return { [self] picture in
                var bytes: [UInt8]?
                do {
                    try mask(picture, ask, &bytes)
                    progress.advance()
                } catch {
                    guard isOfPicture(error, bytes) else { throw error }
                    fail(picture, error)
                }
            }
        }
    }

    /// Whether a failure is the picture's own, so that others may be looked at.
    private func isOfPicture(_ error: any Error, _ bytes: [UInt8]?) -> Bool {
        switch error {
        case FileError.exists: true
        case let status as RPCStatus where status.refusal != nil: false
        case let status as RPCStatus where status.code == .resourceExhausted || status.code == .deadlineExceeded: true
        default: [.badData, .missingInput].contains(ExitReason(error, picture: bytes))
        }
    }

    private func fail(_ picture: ListedPicture, _ error: any Error) {
        progress.say("\(Program.name): \(Streams.printable(picture.path)): \(MaskRun.message(of: error))")
        state.withLock { $0.failed.append(picture.path) }
        progress.pass()
    }

    private func mask(_ picture: ListedPicture, _ ask: Asking, _ read: inout [UInt8]?) throws {
        guard let status = FileStatus(picture.path) else {
            throw FileError.cannotRead(path: picture.path, reason: systemReason())
        }
        let bytes = try InputFile.regularBytes(at: picture.path, limit: Limit.pictureBytes)
        read = bytes
        let input = try InputPicture(bytes)
        var plan = try plan.plan(of: picture)
        _ = try self.plan.check(plan.files, isOwn: journal.hasWritten)
        var answers: [CompleteAnswer] = []
        for request in plan.requests(.image(bytes), requestID: "") {
            answers.append(try patiently { try answer(self.plan.model.asked(request), input, ask) })
        }
        guard let answer = answers.first else { return }
        try journal.settle(BatchPlan.facts(of: answer.header))
        let files = try plan.destination(of: answer).files
        plan.force = try self.plan.check(files, isOwn: journal.hasWritten)
        try self.plan.makeFolder(of: picture)
        try journal.begin(picture.path, files: files.map(\.path))
        let printout = try plan.deliver(answers, picture: input)
        try journal.end(picture.path, status, sha256: answer.header.handle, files: files.map(\.path))
        for message in printout.messages { progress.say(message) }
        try progress.write(printout.data)
    }

    private func answer(_ request: SegmentRequest, _ picture: InputPicture, _ ask: Asking) throws -> CompleteAnswer {
        var assembly = AnswerAssembly(of: request, size: (picture.size.width, picture.size.height))
        try ask(request) { reply in
            try assembly.receive(reply)
            switch reply {
            case .header(let header):
                state.withLock { $0.hasAnswered = true }
                progress.note(header)
            case .loading(let loading): progress.advance(loading)
            case .scoreMap, .probed, .mask, .trailer: break
            }
        }
        return try assembly.answer()
    }

    /// Asks again, after a while, what a daemon refused, or broke off because it ended.
    private func patiently(_ ask: () throws -> CompleteAnswer) throws -> CompleteAnswer {
        var patience = Patience(budget)
        while true {
            do {
                return try ask()
            } catch let status as RPCStatus {
                let hasAnswered = state.withLock { $0.hasAnswered }
                guard let pause = patience.pause(after: status, expectsDaemon: hasAnswered) else {
                    throw patience.ended(status)
                }
                guard allowance.take(), crew.wait(pause) else { throw status }
            }
        }
    }
}
