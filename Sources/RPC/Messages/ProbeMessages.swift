import CMessages

/// A look into the computation of an answer, as `segmenter.proto` says.
package enum Probe: WireMessage, @unsafe PackedMessage, Hashable {
    /// The cross-attention of each layer that the recipe reads.
    case layers
    /// Each label's map, from stage to stage.
    case stages
    /// Where a pixel of the picture looks.
    case attention(x: UInt32, y: UInt32)

    private enum Kind: UInt32, CaseIterable {
        case layers = 0
        case stages = 1
        case attention = 2
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Probe>?) -> Void { unsafe dseg__v1__probe__init }

    init(_ packed: Dseg__V1__Probe) throws(RPCStatus) {
        let kind: Kind = try unsafe choice(packed.kind.rawValue, "Probe.kind")
        self =
            switch kind {
            case .layers: .layers
            case .stages: .stages
            case .attention: unsafe .attention(x: packed.x, y: packed.y)
            }
    }

    func fill(_ packed: inout Dseg__V1__Probe, in arena: borrowing MessageArena) {
        switch self {
        case .layers: unsafe packed.kind.rawValue = Kind.layers.rawValue
        case .stages: unsafe packed.kind.rawValue = Kind.stages.rawValue
        case .attention(let x, let y):
            unsafe packed.kind.rawValue = Kind.attention.rawValue
            unsafe packed.x = x
            unsafe packed.y = y
        }
    }
}

/// A map that a probe asked for.
package struct ProbedMap: WireMessage, @unsafe PackedMessage {
    /// Index into the request's probes.
    package let probe: UInt32
    /// Of the layer or the stage.
    package let name: String
    /// Says its label.
    package let map: ScoreMap

    package init(probe: UInt32, name: String, map: ScoreMap) {
        self.probe = probe
        self.name = name
        self.map = map
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__ProbedMap>?) -> Void {
        unsafe dseg__v1__probed_map__init
    }

    /// - Throws: `invalidArgument`, also for one without a map
    init(_ packed: Dseg__V1__ProbedMap) throws(RPCStatus) {
        unsafe probe = packed.probe
        unsafe name = try text(packed.name, "ProbedMap.name", .name)
        guard let packedMap = unsafe packed.map else {
            throw RPCStatus(.invalidArgument, "A ProbedMap holds no map.")
        }
        unsafe map = try ScoreMap(packedMap.pointee)
    }

    func fill(_ packed: inout Dseg__V1__ProbedMap, in arena: borrowing MessageArena) {
        unsafe packed.probe = probe
        unsafe packed.name = arena.text(name)
        unsafe packed.map = arena.message(map)
    }
}
