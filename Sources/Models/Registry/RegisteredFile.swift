/// A file that a model is read from, as it was when the model was added.
package struct RegisteredFile: Hashable, Sendable {
    /// Its name in the model's hash, after that of the network whose own folder it is from: `captioner/config.json`.
    package let name: String
    /// Absolute, as the owner's folder names it: links in it are resolved in ``state``.
    package let path: String
    package let state: FileState
    /// 64 hexadecimal digits, lower case.
    package let sha256: String

    package init(name: String, path: String, state: FileState, sha256: String) {
        self.name = name
        self.path = path
        self.state = state
        self.sha256 = sha256
    }
}
