import Kernels
import Networks
import Texts

/// A network by what decides its values: its files and its arithmetic. Equal keys, equal bits, whatever folder or name
/// it was loaded by.
package struct NetworkKey: Hashable, Sendable {
    /// SHA-256 over all files that it was read from.
    let hash: ExactString
    private let precision: Precision

    fileprivate init(_ hash: String, _ precision: Precision) {
        (self.hash, self.precision) = (ExactString(hash), precision)
    }
}

extension Model {
    var key: NetworkKey { NetworkKey(hash, precision) }
}

extension Captioner {
    var key: NetworkKey { NetworkKey(blip.hash, blip.precision) }
}

extension LabelFilter {
    var key: NetworkKey { NetworkKey(clip.hash, clip.precision) }
}
