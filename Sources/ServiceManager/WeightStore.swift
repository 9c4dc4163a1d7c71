import Glibc
package import Networks
import Synchronization

/// The weights of loaded models that the service manager keeps (`FDSTORE` of sd_notify(3)), so that a restart finds
/// them in memory.
package final class WeightStore: WeightKeeper {
    private struct Kept {
        let descriptor: CInt
        /// Of models in memory.
        var uses: Int
    }

    private let manager: Supervisor
    private let kept: Mutex<[String: Kept]>

    /// - Parameter handed: what the manager kept for an earlier process of this unit
    package init(_ manager: Supervisor, _ handed: [HandedDescriptor]) {
        self.manager = manager
        var kept: [String: Kept] = [:]
        for one in handed {
            if kept[one.name] == nil {
                kept[one.name] = Kept(descriptor: one.descriptor, uses: 0)
            } else {
                close(one.descriptor)
            }
        }
        self.kept = Mutex(kept)
    }

    /// Descriptors of what no model uses.
    package var unused: [HandedDescriptor] {
        kept.withLock { kept in
            kept.filter { $0.value.uses == 0 }.map { HandedDescriptor(name: $0.key, descriptor: $0.value.descriptor) }
        }
    }

    /// The models whose weights these are, as their owner calls them, each once.
    package var unusedModels: [String] {
        var models: [String] = []
        for model in unused.compactMap({ KeptWeights.owner(of: $0.descriptor) }) where !models.contains(model) {
            models.append(model)
        }
        return models
    }

    /// Gives back at once what another program left, as the one before an upgrade: nothing of it can be adopted, and it
    /// would stay in memory beside what is read anew.
    package func dropForeign() {
        for one in unused where !KeptWeights.isOfThisProgram(one.descriptor) { letGo(of: one.name) }
    }

    /// Gives back what no model uses.
    package func dropUnused() {
        for one in unused { letGo(of: one.name) }
    }

    package func take(_ name: String) -> CInt? {
        kept.withLock { kept in
            kept[name]?.uses += 1
            return kept[name]?.descriptor
        }
    }

    package func keep(_ descriptor: CInt, as name: String) {
        let isKnown = kept.withLock { kept in
            kept[name]?.uses += 1
            if kept[name] != nil { return true }
            kept[name] = Kept(descriptor: descriptor, uses: 1)
            return false
        }
        // Two models that are beside one network: one copy is enough.
        if isKnown { close(descriptor) } else { manager.keep(descriptor, as: name) }
    }

    package func letGo(of name: String) {
        let gone = kept.withLock { kept -> CInt? in
            guard var one = kept[name] else { return nil }
            one.uses -= 1
            kept[name] = one.uses > 0 ? one : nil
            return one.uses > 0 ? nil : one.descriptor
        }
        guard let gone else { return }
        close(gone)
        manager.tell(.forget(name))
    }
}
