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
        var picture: [UInt8]?
        try exiting({ picture }) {
            let provenance = try Provenance(reading: try InputFile.bytes(at: file))
            let bytes = try firstReadable(provenance.picturePaths(from: file))
            picture = bytes
            let request = provenance.request(.image(bytes), requestID: "")
            let redrawn = try provenance.redrawn(
                from: try answer(request, provenance.picture.path, ask), picture: bytes)
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

    private static func firstReadable(_ paths: [String]) throws(FileError) -> [UInt8] {
        for path in paths.dropLast() {
            if let bytes = try? InputFile.bytes(at: path) { return bytes }
        }
        return try InputFile.bytes(at: paths.last ?? "")
    }
}
