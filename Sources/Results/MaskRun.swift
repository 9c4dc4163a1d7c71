import Limits
import ArgumentParser
import Glibc
import Images
package import RPC
package import Texts

/// Computes an answer, by a daemon or in this process, and passes on its messages as they come.
package typealias Asking = (_ request: SegmentRequest, _ onReply: (SegmentReply) throws -> Void) throws -> Void

/// The commands `mask` and `redo`, independent of where the answer is computed.
package enum MaskRun {
    /// Segments one picture or more, writes the outputs, prints the shares.
    ///
    /// All pictures must exist before the first is sent.
    ///
    /// - Throws: `ExitCode`, as ``each(_:_:)`` does, after the reason was printed to standard error
    package static func mask(_ options: MaskOptions, model: RequestedModel, ask: Asking) throws {
        Interruption.watch()
        var plans: [MaskPlan] = []
        try exiting({ nil }) {
            plans = try MaskPlan.all(options, standardOutputIsTerminal: Streams.outputIsTerminal)
            for plan in plans { try plan.checkPicture() }
            for plan in plans { try plan.checkFiles() }
        }
        for note in plans.first?.words.notes ?? [] { Streams.say("note: \(note)") }
        try each(plans) { try mask($0, model, ask: ask) }
    }

    /// Runs `body` for each picture; it answers whether anything was found.
    ///
    /// One that cannot be decoded gives the exit code, and the others go on; any other failure ends the run. Where all
    /// went well but in one picture nothing was found, that is the exit code.
    static func each<Picture>(_ pictures: [Picture], _ body: (Picture) throws -> Bool) throws {
        var failure: ExitCode?
        var isFound = true
        for (place, picture) in pictures.enumerated() {
            do {
                if try !body(picture) { isFound = false }
            } catch let error as ExitCode {
                switch ExitReason(rawValue: error.rawValue) {
                case .nothingFound: isFound = false
                case .badData, .missingInput: failure = failure ?? error
                default:
                    let left = pictures.count - place - 1
                    if left > 0 { Streams.say("\(Program.name): \(left) more of the pictures were not looked at") }
                    throw error
                }
            }
        }
        if let failure { throw failure }
        if !isFound { throw ExitCode(ExitReason.nothingFound.rawValue) }
    }

    /// - Returns: whether anything was found
    private static func mask(_ plan: MaskPlan, _ model: RequestedModel, ask: Asking) throws -> Bool {
        var picture: [UInt8]?
        var isFound = true
        try exiting({ picture }, about: plan.isOneOfSeveral ? plan.picture : nil) {
            let bytes = try InputFile.bytes(at: plan.picture)
            picture = bytes
            // Reads the header here, so that a file that is no picture is not sent.
            let input = try InputPicture(bytes)
            var answers: [CompleteAnswer] = []
            for request in plan.requests(.image(bytes), requestID: "") {
                answers.append(
                    try answer(
                        model.asked(request), about: input, plan.picture, saysNotes: !plan.json && answers.isEmpty, ask)
                )
            }
            let printout = try plan.deliver(answers, picture: input)
            for message in printout.messages { Streams.say(message) }
            try Streams.write(printout.data)
            isFound = answers.first?.isEmpty == false
        }
        return isFound
    }

    /// Recreates a file from its provenance.
    ///
    /// - Parameter keepAlive: of its model; `nil`: as the daemon has it
    /// - Throws: `ExitCode`, after the reason was printed to standard error
    package static func redo(_ file: String, keepAlive: KeepAlive?, ask: Asking) throws {
        Interruption.watch()
        var picture: [UInt8]?
        try exiting({ picture }) {
            if file == "-" { throw FileError.cannotRead(path: file, reason: "redo writes a file anew; name it") }
            let bytes = try InputFile.regularBytes(at: file, limit: Limit.pictureBytes)
            if let figure = try FigureRecord(reading: bytes) {
                _ = try OutputPlace(file, force: true)
                try FigureRun.redo(figure, at: file, keepAlive: keepAlive, ask)
                return Streams.say("wrote \(Streams.printable(file))")
            }
            let provenance = try provenance(bytes, of: file)
            _ = try OutputPlace(file, force: true)
            let (input, answer) = try samePicture(provenance, file, keepAlive, ask)
            picture = input.bytes
            let redrawn = try provenance.redrawn(from: answer, picture: input)
            try replaceFile(at: file, with: redrawn.bytes)
            for difference in redrawn.differences { Streams.say(Streams.printable(difference)) }
            Streams.say("wrote \(Streams.printable(file))")
        }
    }

    private static func provenance(_ bytes: [UInt8], of file: String) throws -> Provenance {
        do throws(ProvenanceError) {
            return try Provenance(reading: bytes)
        } catch {
            let format = FileFormat.allCases.first { !$0.saysHowItWasMade && file.hasSuffix(".\($0.suffix)") }
            if error == .none, let format { throw ProvenanceError.noRoom(format) }
            throw error
        }
    }

    /// Runs `body`; prints why it failed, and throws the exit code for that.
    ///
    /// - Parameters:
    ///   - picture: the picture's bytes, if they were read: ``ExitReason`` looks at them
    ///   - path: the picture's, where there are several
    package static func exiting(
        _ picture: () -> [UInt8]?, about path: String? = nil, _ body: () throws -> Void
    ) throws {
        do {
            try body()
        } catch let error as ExitCode {
            throw error
        } catch {
            let reason = ExitReason(error, picture: picture())
            let name = path.map { "\(Streams.printable($0)): " } ?? ""
            if reason != .brokenPipe { Streams.say("\(Program.name): \(name)\(message(of: error))") }
            throw ExitCode(reason.rawValue)
        }
    }

    /// Why something failed; a daemon may send a message of megabytes.
    static func message(of error: any Error) -> String {
        String(((error as? RPCStatus)?.message ?? "\(error)").unicodeScalars.prefix(4096))
    }

    /// - Parameter saysNotes: whether the header's notes are printed, before anything is computed
    static func answer(
        _ request: SegmentRequest, about picture: InputPicture, _ path: String, saysNotes: Bool = true,
        _ ask: Asking
    ) throws -> CompleteAnswer {
        let size = picture.size
        let progress = ProgressLine("waiting for an answer about \(path)")
        defer { progress.finish() }
        var assembly = AnswerAssembly(of: request, size: (size.width, size.height))
        try ask(request) { reply in
            try assembly.receive(reply)
            progress.advance(reply)
            if saysNotes, case .header(let header) = reply {
                for note in header.notes + [header.choice?.mergedNote].compactMap(\.self) {
                    progress.say("\(Program.name): note: \(note)")
                }
            }
        }
        return try assembly.answer()
    }

    /// Tries each path that the provenance allows, until a picture has the recorded hash; else the last picture found.
    private static func samePicture(
        _ provenance: Provenance, _ file: String, _ keepAlive: KeepAlive?, _ ask: Asking
    ) throws -> (picture: InputPicture, answer: CompleteAnswer) {
        let paths = provenance.picturePaths(from: file)
        if paths == ["-"], isatty(STDIN_FILENO) == 1 {
            throw FileError.cannotRead(path: "-", reason: "the picture came from there; bring it again: < PICTURE")
        }
        func bytes(at path: String) throws(FileError) -> [UInt8] {
            path == "-"
                ? try InputFile.bytes(at: path) : try InputFile.regularBytes(at: path, limit: Limit.pictureBytes)
        }
        var found = paths.compactMap { try? bytes(at: $0) }
        if found.isEmpty { found = [try bytes(at: paths[0])] }
        // An untrusted file names these paths: only files with a picture's header are sent to the daemon.
        var last: (picture: InputPicture, answer: CompleteAnswer)?
        for picture in found.compactMap({ try? InputPicture($0) }) {
            let request = try provenance.request(.image(picture.bytes), requestID: "")
            let model = RequestedModel(name: request.model, keepAlive: keepAlive)
            let answer = try answer(model.asked(request), about: picture, provenance.picture.path, ask)
            if ExactString(answer.header.handle) == ExactString(provenance.picture.sha256) { return (picture, answer) }
            last = (picture, answer)
        }
        guard let last else { throw ProvenanceError.noPicture(path: paths[0]) }
        return last
    }
}
