import ArgumentParser
import Images
package import RPC

/// Gets the answer to a question, wherever it is computed; hands over replies as they come.
package typealias Asking = (_ request: SegmentRequest, _ onReply: (SegmentReply) throws -> Void) throws -> Void

/// What `mask` and `redo` do, whoever answers.
package enum Questioning {
    /// Asks for a picture's labels, writes what was asked for, prints the shares.
    ///
    /// - Throws: `ExitCode`, after the reason was said on standard error
    package static func mask(_ options: MaskOptions, ask: Asking) throws {
        Interruption.watch()
        var picture: [UInt8]?
        try exiting({ picture }) {
            let plan = try MaskPlan(options, standardOutputIsTerminal: Streams.outputIsTerminal)
            try plan.checkFiles()
            let bytes = try InputFile.bytes(at: plan.picture)
            picture = bytes
            _ = try ImageSize(probing: bytes)      // what is no picture need not travel
            let answer = try answer(plan.request(.image(bytes), requestID: ""), plan.picture, ask)
            let printout = try plan.deliver(answer, picture: bytes)
            for message in printout.messages { Streams.say(message) }
            try Streams.write(printout.data)
        }
    }

    /// Makes a file again from what it says of itself.
    ///
    /// - Throws: `ExitCode`, after the reason was said on standard error
    package static func redo(_ file: String, ask: Asking) throws {
        Interruption.watch()
        var picture: [UInt8]?
        try exiting({ picture }) {
            let provenance = try Provenance(reading: try InputFile.bytes(at: file))
            let (bytes, answer) = try samePicture(provenance, file, ask)
            picture = bytes
            let redrawn = try provenance.redrawn(from: answer, picture: bytes)
            try replaceFile(at: file, with: redrawn.bytes)
            for difference in redrawn.differences { Streams.say(difference) }
            Streams.say("wrote \(file)")
        }
    }

    /// Says why something failed, and ends the program with the code for it.
    package static func exiting(_ picture: () -> [UInt8]?, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as ExitCode {
            throw error
        } catch {
            let reason = ExitReason(error, picture: picture())
            if reason != .brokenPipe { Streams.say("dseg: \((error as? RPCStatus)?.message ?? "\(error)")") }
            throw ExitCode(reason.rawValue)
        }
    }

    private static func answer(_ request: SegmentRequest, _ path: String, _ ask: Asking) throws -> Answer {
        let progress = ProgressLine("waiting for an answer about \(path)")
        defer { progress.finish() }
        var assembly = AnswerAssembly(of: request)
        try ask(request) { reply in
            progress.advance(reply, labels: request.labels.count)
            try assembly.receive(reply)
        }
        return try assembly.answer()
    }

    /// The picture that was looked at, and what is answered about it; where none of the places has it, the last
    /// picture that was found.
    private static func samePicture(
        _ provenance: Provenance, _ file: String, _ ask: Asking
    ) throws -> (picture: [UInt8], answer: Answer) {
        let paths = provenance.picturePaths(from: file)
        var found = paths.compactMap { try? InputFile.bytes(at: $0) }
        if found.isEmpty { found = [try InputFile.bytes(at: paths[0])] }
        var last: (picture: [UInt8], answer: Answer)?
        for bytes in found where last?.answer.header.handle != provenance.picture.sha256 {
            let request = provenance.request(.image(bytes), requestID: "")
            last = (bytes, try answer(request, provenance.picture.path, ask))
        }
        guard let last else { throw FileError.cannotRead(path: paths[0], reason: "it is gone") }
        return last
    }
}
