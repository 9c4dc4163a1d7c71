import Kernels
package import Models
import Networks
import RPC

/// What can be found on this machine.
package enum Checkpoints {
    /// Every checkpoint under these folders and where the programs that people run keep them, by headers alone.
    package static func found(in folders: [String]) -> [Finding] {
        // On one thread where that fails, which loading a model will say.
        try? Threads.start(nil)
        return findings(under: folders + DiscoveryRoots.standard(SocketPath.environment, avoiding: foreignHomes))
    }

    /// What people call the checkpoint at a path.
    package static func title(of path: String) -> String { finding(at: path)?.name ?? ModelSource(path).name }

    /// The licence that the checkpoint at a path states.
    package static func licence(of path: String) -> String? { finding(at: path)?.licence }

    /// The snapshot that the main branch of a repository in a cache of Hugging Face leads to; any other path as it is.
    package static func snapshot(of path: String) -> String { HubRepository.snapshot(at: path) }

    private static func finding(at path: String) -> Finding? {
        let findings = findings(under: [path])
        return findings.count == 1 ? findings.first : nil
    }

    /// Where a checkpoint lies that people call so.
    package static func copy(called name: ModelName) -> String? {
        found(in: []).first { $0.isUsable && name.isKnown(as: $0.name) }?.path
    }

    private static func findings(under roots: [String]) -> [Finding] {
        Discovery.findings(under: roots, avoiding: foreignHomes)
    }

    private static var foreignHomes: ForeignHomes {
        ForeignHomes(own: SocketPath.environment("HOME"), account: ForeignHomes.account)
    }
}
