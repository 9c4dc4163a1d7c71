import Glibc
import LocalEngine
import Models
import RPC
import Results
import ServiceManager
import Texts

/// The models that were added, and the demo model.
struct ModelExamination {
    let observations: [Observation]

    init() {
        let registries = Registries.ofThisUser
        var observations: [Observation] = []
        var standard: RegisteredModel?
        if registries.user == nil { observations.append(.note("registry", "\(RegistryError.homeless)", advice: nil)) }
        for registry in [registries.user, registries.system].compactMap(\.self) {
            do throws(RegistryError) {
                let contents = try registry.contents()
                standard = standard ?? contents.defaultModel
                observations.append(Self.observation(on: registry, models: contents.models.count))
                observations += contents.models.map {
                    Self.observation(on: $0, isSystems: registry == registries.system)
                }
            } catch {
                observations.append(.fault("registry", "\(error)", advice: nil))
            }
        }
        observations.append(.ok("default", standard.map { "\($0.name)" } ?? "demo"))
        self.observations = observations
    }

    private static func observation(on registry: Registry, models: Int) -> Observation {
        guard FileStatus(registry.file) != nil else { return .ok("registry", "\(registry.file) is not there") }
        return .ok("registry", "\(registry.file), \(models) model\(models == 1 ? "" : "s")")
    }

    /// - Parameter isSystems: whether the system's service is to read it
    private static func observation(on model: RegisteredModel, isSystems: Bool) -> Observation {
        let subject = "\(model.name)"
        if let fault = model.faults.first {
            return .fault(subject, "\(fault.path) \(fault.event)", advice: "dseg model verify \(model.name)")
        }
        var text = "\(model.path), \(ModelRecord.size(model.size)), \(model.hash.prefix(12))"
        for (network, path) in [("captioner", model.captioner), ("filter", model.filter)] {
            text += path.map { "; \(network) \($0)" } ?? "; no \(network)"
        }
        guard let hidden = model.files.lazy.compactMap({ HiddenFile($0.path) }).first else {
            return .ok(subject, "\(text); the system's service can read it")
        }
        if isSystems { return .fault(subject, "\(hidden)", advice: nil) }
        return .ok(subject, "\(text); the system's service cannot read it, and need not")
    }
}

/// The folder in which digests and texts are kept.
enum CacheExamination {
    static var observations: [Observation] {
        guard let folder = CacheFolder.path(environment: SocketPath.environment) else {
            return [
                .note(
                    "cache",
                    "none of CACHE_DIRECTORY, XDG_CACHE_HOME and HOME is an absolute path: weights are hashed "
                        + "anew at each start", advice: nil)
            ]
        }
        guard let status = FileStatus(folder) else {
            guard mayMake(folder) else { return [unwritable("\(folder) cannot be made", folder)] }
            return [.ok("cache", "\(folder) is not there yet")]
        }
        guard status.isFolder, mayWrite(in: folder) else {
            return [unwritable("\(folder) is \(status.kind) that cannot be written to", folder)]
        }
        let (files, bytes) = size(of: folder)
        return [.ok("cache", "\(folder), \(files) files, \(ModelRecord.size(bytes))")]
    }

    private static func unwritable(_ text: String, _ folder: String) -> Observation {
        .note("cache", "\(text): weights are hashed anew at each start", advice: "ls -ld \(ShellWord.quoted(folder))")
    }

    /// Of the files in it: it has no folders.
    private static func size(of folder: String) -> (files: Int, bytes: Int) {
        let sizes = PathText.names(in: folder).compactMap { name -> Int? in
            var status = stat()
            let found = unsafe PathText.withName(of: "\(folder)/\(name)") { unsafe lstat($0, &status) }
            return found == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
        }
        return (sizes.count, sizes.reduce(0, +))
    }
}

/// Whether what ships is whole, and answers as it must.
enum SelfTestExamination {
    static var observations: [Observation] { [files] + answers }

    private static let advice = "install dseg anew"

    private static var files: Observation {
        do {
            let (count, damaged) = try GoldenTest.damage()
            guard let first = damaged.first else {
                return .ok("files", "the \(count) of the demo model and of this test are as they were shipped")
            }
            let others = damaged.count == 1 ? "" : " (and \(damaged.count - 1) more)"
            return .fault("files", Streams.printable("\(first)") + others, advice: advice)
        } catch {
            return .fault("files", "\(error)", advice: advice)
        }
    }

    private static var answers: [Observation] {
        do {
            return try GoldenTest.answers().map { answer in
                let time = "\(Int(answer.time / .milliseconds(1))) ms with loading"
                let mask = "mask \(answer.digest.prefix(12))"
                guard answer.differing == 0 else {
                    return .fault(
                        answer.precision,
                        "\(answer.differing) of the \(answer.sure) pixels that rounding cannot decide are others than "
                            + "PyTorch's; \(mask), \(time)",
                        advice: "DSEG_INSTRUCTIONS=portable dseg doctor tells whether this processor's kernels do it")
                }
                return .ok(
                    answer.precision,
                    "the \(answer.sure) pixels that rounding cannot decide are PyTorch's; \(mask), \(time)")
            }
        } catch {
            return [.fault("answer", Streams.printable("\(error)"), advice: advice)]
        }
    }
}
