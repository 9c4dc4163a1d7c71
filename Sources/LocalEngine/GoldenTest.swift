import Images
import Kernels
import RPC
import Results
import Segmentation

/// The picture that ships with the programs, asked of the demo model that ships with them: what this machine answers
/// beside what PyTorch does.
///
/// In f32 a processor's kernels decide the last bits, and int16 rounds otherwise than f32. So the golden mask, which
/// `Tests/Fixtures/self-test/make_self_test.py` made without dseg, leaves out the pixels where two answers are nearer
/// to each other than 0.01 of the scores' range: all others must be the same on every machine, in either precision.
package enum GoldenTest {
    /// What was answered.
    package struct Answer: Sendable {
        package let precision: String
        /// Of the pixels that the golden mask is sure of: how many there are, and how many are others here.
        package let sure: Int
        package let differing: Int
        /// SHA-256 of the mask, all its pixels: machines whose processors round alike have the same.
        package let digest: String
        /// Loading included.
        package let time: Duration
    }

    /// The index of pixels that rounding may decide.
    private static let unsure: UInt8 = 255

    /// The demo model's answers, one in each precision.
    ///
    /// - Throws: why the model cannot be loaded or asked, or a file read
    package static func answers() throws -> [Answer] {
        let golden = try IndexImage(decoding: InputFile.bytes(at: Resources.golden))
        return try Precision.allCases.map { precision in
            let start = ContinuousClock.now
            let mask = try mask(precision)
            guard mask.count == golden.indices.count else { throw OtherSize(found: mask.count) }
            return Answer(
                precision: precision.rawValue, sure: golden.indices.count - golden.count(of: unsure),
                differing: golden.differing(from: mask, unsure: unsure), digest: SHA256.hexadecimal(of: mask),
                time: ContinuousClock.now - start)
        }
    }

    /// `[height, width]`
    private static func mask(_ precision: Precision) throws -> [UInt8] {
        let quietly = LoadingOptions(precision: precision, cache: nil, keeper: nil, while: { true }, tell: { _ in })
        let engine = try Engine(serving: .demo(captioner: nil, filter: nil), threads: nil, quietly)
        defer { engine.drain() }
        for reply in try SelfTest.replies(of: engine, maps: .none, mask: true) {
            if case .mask(let mask) = reply { return try mask.indices() }
        }
        throw RPCStatus(.internal, "The self-test's answer has no mask.")
    }

    /// A picture that is not the golden mask's.
    private struct OtherSize: Error, CustomStringConvertible {
        let found: Int

        var description: String { "the self-test's picture gives \(found) pixels, and its golden mask has others" }
    }

    /// A shipped file that is not what was shipped.
    package struct Damage: Sendable, CustomStringConvertible {
        let path: String
        let reason: String

        package var description: String { "\(path): \(reason)" }
    }

    /// Holds each file that answers depend on to its SHA-256.
    ///
    /// - Returns: how many files there are, and those that are others
    /// - Throws: where the list of digests cannot be read
    package static func damage() throws -> (files: Int, damaged: [Damage]) {
        let text = String(decoding: try InputFile.bytes(at: Resources.digests), as: UTF8.self)
        let lines = text.split(separator: "\n")
        let damaged = lines.compactMap { line -> Damage? in
            // As sha256sum(1) writes them: 64 digits, two spaces, the name.
            let name = String(line.dropFirst(66))
            do throws(FileError) {
                let found = SHA256.hexadecimal(of: try InputFile.bytes(at: "\(Resources.folder)/\(name)"))
                if line.utf8.starts(with: found.utf8) { return nil }
                return Damage(path: name, reason: "its SHA-256 is \(found.prefix(12)), not what was shipped")
            } catch {
                return Damage(path: name, reason: "\(error)")
            }
        }
        return (lines.count, damaged)
    }
}
