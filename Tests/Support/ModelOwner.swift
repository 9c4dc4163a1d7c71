import Foundation
import Glibc
import RPC

/// Somebody who adds models: a registry, and copies of models that may be spoiled, in a folder of its own.
package final class ModelOwner: Sendable {
    package enum Original: String {
        case tiny = "Tests/Fixtures/tiny/checkpoint"
        case odd = "Tests/Fixtures/tiny-odd/checkpoint"
        case demo = "Sources/dsegd/Resources/demo"

        package var path: String { "\(Repository.root)/\(rawValue)" }
    }

    private struct Record: Decodable {
        let hash: String
    }

    private let place: TemporaryDirectory

    package init() throws { place = try TemporaryDirectory() }

    /// For programs that are to see these models.
    package var environment: [String: String] { ["XDG_CONFIG_HOME": "\(place.path)/config", "HOME": place.path] }

    package func path(_ name: String) -> String { "\(place.path)/\(name)" }

    /// The file of a copy's U-Net, or its first shard.
    package func unet(_ name: String) -> String {
        let folder = "\(path(name))/unet"
        let shard = "\(folder)/diffusion_pytorch_model-00001-of-00003.safetensors"
        return FileManager.default.fileExists(atPath: shard)
            ? shard : "\(folder)/diffusion_pytorch_model.safetensors"
    }

    /// Copies a model, with which its name begins, and adds the copy.
    ///
    /// - Parameter options: of `dsegd model add`
    /// - Returns: its hash
    @discardableResult
    package func add(_ original: Original, as name: String, _ options: [String] = []) throws -> String {
        try copy(original, as: name)
        return try record(name, options)
    }

    /// Copies a model without adding it.
    package func copy(_ original: Original, as name: String) throws {
        try FileManager.default.copyItem(atPath: original.path, toPath: path(name))
    }

    /// Gives a copy's autoencoder a tensor of so many zeros, of the decoder, which is hashed and not read: loading
    /// takes that long. They take no place on the disk.
    package func lengthen(_ name: String, by more: Int) throws {
        let path = "\(path(name))/vae/diffusion_pytorch_model.safetensors"
        let whole = try Repository.bytes(path)
        let length = whole.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        let data = whole.count - 8 - length
        let header = String(decoding: whole[9..<8 + length], as: UTF8.self)
        let entry =
            "\"decoder.more\":{\"dtype\":\"U8\",\"shape\":[\(more)],\"data_offsets\":[\(data),\(data + more)]}"
        let longer = safetensors(header: "{\(entry),\(header)", data: Array(whole[(8 + length)...]))
        try Data(longer).write(to: URL(filePath: path))
        guard unsafe truncate(path, longer.count + more) == 0 else { throw RPCStatus(.internal, path) }
    }

    /// Adds a copy as its files are now.
    ///
    /// - Returns: its hash
    @discardableResult
    package func record(_ name: String, _ options: [String] = []) throws -> String {
        let ending = dsegd(["model", "add", path(name), "--name", name, "--json"] + options)
        guard ending.status == 0 else { throw RPCStatus(.internal, ending.output) }
        return try JSONDecoder().decode(Record.self, from: Data(ending.output.utf8)).hash
    }

    /// Runs `dsegd` to its end.
    @discardableResult
    package func dsegd(_ arguments: [String]) -> (status: CInt, output: String) {
        let variables = environment.map { "\($0)='\($1)'" }.joined(separator: " ")
        let words = arguments.map { "'\($0)'" }.joined(separator: " ")
        return shell("\(variables) '\(Repository.programs)/dsegd' \(words)")
    }

    /// A daemon that serves these models.
    package func daemon(_ options: [String] = []) throws -> Daemon {
        try Daemon(answering: options, environment: environment)
    }
}
