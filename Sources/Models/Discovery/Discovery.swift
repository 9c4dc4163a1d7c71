import Kernels
import Networks
import Synchronization
import Texts

/// Looks for checkpoints in folders, and into them no further than their headers. Nothing is written.
package enum Discovery {
    /// Every checkpoint under `roots`, folders or files, usable or not, in the order of the roots and then of names.
    /// What cannot be read is a finding too.
    ///
    /// - Parameter homes: links into these are not followed
    package static func findings(under roots: [String], avoiding homes: ForeignHomes) -> [Finding] {
        var walk = DiscoveryWalk(homes: homes)
        for root in roots { walk.enter(root: root) }
        let candidates = walk.candidates
        let headers = KnownHeaders()
        let found = Mutex([Finding?](repeating: nil, count: candidates.count))
        Threads.run(candidates.count) { (index, _) throws(Never) in
            let finding = Examination(candidates[index], headers).finding
            found.withLock { $0[index] = finding }
        }
        return found.withLock { $0 }.compactMap(\.self)
    }
}
