/// A file that a model is read from, as it was when the model was added.
package struct RegisteredFile: Hashable, Sendable {
    /// Its name in the model's hash, after that of the network whose own folder it is from: `captioner/config.json`.
    package let name: String
    /// Absolute, as the owner's folder names it: links in it are resolved in ``state``.
    package let path: String
    package let state: FileState
    /// 64 hexadecimal digits, lower case.
    package let sha256: String

    /// What the names of networks beside a model begin with.
    static let captioner = "captioner/"
    static let filter = "filter/"

    /// Whether it is of a network beside the model.
    var isBeside: Bool { [Self.captioner, Self.filter].contains { name.utf8.starts(with: $0.utf8) } }

    /// ``sha256`` as bytes.
    var digest: [UInt8] {
        let digits = sha256.utf8.map { UInt8(Character(Unicode.Scalar($0)).hexDigitValue ?? 0) }
        return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    package init(name: String, path: String, state: FileState, sha256: String) {
        self.name = name
        self.path = path
        self.state = state
        self.sha256 = sha256
    }
}
