import FoundationEssentials

/// Runs a script of `Tests/Readers` in the Python that `make readers` makes; returns its standard output.
///
/// - Parameter script: the file's name
/// - Throws: ``ReaderError`` with the standard error where the exit code is not 0
package func read(by script: String, _ arguments: [String]) throws -> String {
    let python = Repository.root + "/.build/readers/bin/python"
    guard FileManager.default.isExecutableFile(atPath: python) else {
        throw ReaderError(message: "\(python) is missing; run make readers")
    }
    let folder = try TemporaryDirectory()
    let (output, errors) = (folder.path + "/output", folder.path + "/errors")
    let child = try Child(
        [python, "\(Repository.root)/Tests/Readers/\(script)"] + arguments, environment: [:], input: "/dev/null",
        output: output, errors: errors)
    let code = child.exitCode
    let text = { (path: String) in String(decoding: try Repository.bytes(path), as: UTF8.self) }
    guard code == 0 else { throw ReaderError(message: "\(script) ended with \(code ?? -1): \(try text(errors))") }
    return try text(output)
}

package struct ReaderError: Error, CustomStringConvertible {
    let message: String

    package var description: String { message }
}
