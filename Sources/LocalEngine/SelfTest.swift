package import Segmentation
import RPC
package import Results
import Server

/// One small question to a loaded model, whose answer no weights in order can spoil.
package enum SelfTest {
    /// Why the model's answer cannot be a map.
    package struct Failure: ReasonedError, CustomStringConvertible {
        let label: String

        package var description: String {
            "the self-test's map of \"\(label)\" is the same everywhere, as of weights that were never trained, or "
                + "that are damaged: fetch the model again"
        }

        package var exitReason: ExitReason { .badData }
    }

    private static let labels = ["cat", "tree"]

    /// Looks for words in the picture that ships with the programs: each score is to be finite, and no map constant.
    ///
    /// - Throws: ``Failure``, or an `RPCStatus` for scores that are not finite
    package static func run(_ engine: Engine) throws {
        let message = SegmentRequest(
            picture: .image(try InputFile.bytes(at: Resources.selfTestPicture)), labels: labels.map { Label(name: $0) },
            recipe: "shared", encoding: .u16)
        let question = try SegmentationRequest(message)
        let maps = try engine.perform { segmenter throws(SegmentationError) in
            var maps: [Result<SegmentReply, RPCStatus>] = []
            try segmenter.answer(question) { event in
                maps.append(Result { () throws(RPCStatus) in try SegmentReply(event, encoding: message.encoding) })
            }
            return maps
        }
        for map in maps {
            // A score that is not finite is refused when it is encoded; where all are alike, so are least and greatest.
            guard case .scoreMap(let map) = try map.get(), map.scale == 0 else { continue }
            throw Failure(label: labels[Int(map.label)])
        }
    }
}
