import RPC
package import Results
package import Segmentation
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
        for reply in try replies(of: engine, maps: .latent, mask: false) {
            // A score that is not finite is refused when it is encoded; where all are alike, so are least and greatest.
            guard case .scoreMap(let map) = reply, map.scale == 0 else { continue }
            throw Failure(label: labels[Int(map.label)])
        }
    }

    /// The question's answer.
    static func replies(of engine: Engine, maps: SegmentRequest.Maps, mask: Bool) throws -> [SegmentReply] {
        let message = SegmentRequest(
            picture: .image(try InputFile.bytes(at: Resources.selfTestPicture)), labels: labels.map { Label(name: $0) },
            recipe: "shared", maps: maps, encoding: .u16, mask: mask)
        return try engine.replies(to: SegmentationRequest(message), encoding: message.encoding).map { try $0.get() }
    }
}
