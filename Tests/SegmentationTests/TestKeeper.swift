import Glibc
import Kernels
import Networks
import Synchronization

/// What a service manager is to a daemon: it has descriptors, in this process.
final class TestKeeper: WeightKeeper {
    private struct Kept {
        let descriptor: CInt
        var uses: Int
    }

    enum Event: Hashable {
        case taken(String)
        case kept(String)
        case letGo(String)
    }

    private let kept = Mutex<[String: Kept]>([:])
    private let happened = Mutex<[Event]>([])

    deinit {
        kept.withLock { for one in $0.values { close(one.descriptor) } }
    }

    /// What happened since this was asked last, in order.
    var events: [Event] {
        happened.withLock { events in
            defer { events = [] }
            return events
        }
    }

    var names: [String] { kept.withLock { $0.keys.sorted() } }

    func uses(of name: String) -> Int? { kept.withLock { $0[name]?.uses } }

    func descriptor(of name: String) -> CInt? { kept.withLock { $0[name]?.descriptor } }

    /// Another process of the unit starts: nobody uses anything yet.
    func restart() {
        kept.withLock { kept in for name in kept.keys { kept[name]?.uses = 0 } }
    }

    /// Has another descriptor under a name.
    func replace(_ name: String, by descriptor: CInt) {
        kept.withLock { kept in
            if let old = kept.updateValue(Kept(descriptor: descriptor, uses: 0), forKey: name) { close(old.descriptor) }
        }
    }

    func take(_ name: String) -> CInt? {
        let descriptor = kept.withLock { kept in
            kept[name]?.uses += 1
            return kept[name]?.descriptor
        }
        if descriptor != nil { happened.withLock { $0.append(.taken(name)) } }
        return descriptor
    }

    func keep(_ descriptor: CInt, as name: String) {
        happened.withLock { $0.append(.kept(name)) }
        kept.withLock { kept in
            precondition(kept[name] == nil, "\(name) is kept already")
            kept[name] = Kept(descriptor: descriptor, uses: 1)
        }
    }

    func letGo(of name: String) {
        happened.withLock { $0.append(.letGo(name)) }
        kept.withLock { kept in
            guard let one = kept[name] else { preconditionFailure("\(name) is not kept") }
            kept[name]?.uses -= 1
            guard one.uses == 1 else { return }
            kept[name] = nil
            close(one.descriptor)
        }
    }
}
