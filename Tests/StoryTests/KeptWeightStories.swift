import Glibc
import RPC
import Support
import Testing

/// The service manager keeps a loaded model's weights, so that a restart finds them; what is not what it was is
/// dropped.
struct KeptWeightStories {
    private let owner: ModelOwner

    init() async throws {
        owner = try ModelOwner()
        try owner.add(.tiny, as: "tiny")
        // Files that changed a moment ago may change again unnoticed: their weights are not kept.
        try await Task.sleep(for: .seconds(3.2))
    }

    /// A daemon that has answered about a scene, and the answer.
    private func warm() throws -> (supervisor: ServiceSupervisor, answer: [String]) {
        let supervisor = try ServiceSupervisor(ServiceUnit([], environment: owner.environment))
        let answer = try supervisor.client().answer(.about(1, model: "tiny")).bits
        try #require(eventually(within: .seconds(60)) { !supervisor.kept.isEmpty }, "\(supervisor.log)")
        return (supervisor, answer)
    }

    private func isLoaded(_ supervisor: ServiceSupervisor) throws -> Bool {
        let client = try supervisor.client()
        return try eventually(within: .seconds(60)) {
            guard let state = try client.state(of: "tiny") else { return false }
            return state.loading == nil
        }
    }

    @Test func `a restart finds the weights, loads them unasked, and answers the same`() throws {
        let (supervisor, answer) = try warm()
        let kept = supervisor.kept
        #expect(kept.allSatisfy { $0.name.hasPrefix("weights-") })
        #expect(kept.allSatisfy { MemoryCopy.isSealed($0.descriptor) })
        for signal in [SIGTERM, SIGKILL] {
            if signal == SIGTERM {
                try supervisor.restart()
            } else {
                supervisor.signal(signal)
                try supervisor.waitUntilReady(run: 3)
            }
            #expect(try isLoaded(supervisor))
            #expect(try supervisor.client().answer(.about(1, model: "tiny")).bits == answer)
            let told = supervisor.events.filter { $0.run > 1 }.compactMap { $0.notice?["FDNAME"] }
            #expect(told.isEmpty, "what was kept is taken as it is")
            #expect(supervisor.kept.map(\.descriptor) == kept.map(\.descriptor))
        }
    }

    @Test func `they are found among other descriptors, wherever they stand`() throws {
        let (supervisor, answer) = try warm()
        let directory = try TemporaryDirectory()
        let other = try listen(at: "\(directory.path)/other.sock")
        supervisor.change { unit in
            unit.others = [KeptDescriptor(name: "other", descriptor: other)]
            unit.isSocketLast = true
        }
        try supervisor.restart()
        #expect(try isLoaded(supervisor))
        #expect(try supervisor.client().answer(.about(1, model: "tiny")).bits == answer)
    }

    @Test func `a model that is let go takes its weights along`() throws {
        let (supervisor, answer) = try warm()
        let names = Set(supervisor.kept.map(\.name))
        try supervisor.client().unload("tiny")
        #expect(eventually(within: .seconds(60)) { supervisor.kept.isEmpty }, "\(supervisor.log)")
        let removed = supervisor.events.compactMap(\.notice).filter { $0["FDSTOREREMOVE"] == "1" }
        #expect(Set(removed.compactMap { $0["FDNAME"] }) == names)
        #expect(try supervisor.client().answer(.about(1, model: "tiny")).bits == answer)
        #expect(eventually(within: .seconds(60)) { Set(supervisor.kept.map(\.name)) == names })
        try supervisor.restart()
        #expect(try isLoaded(supervisor))
    }

    @Test func `a manager that keeps nothing costs nothing but time`() throws {
        var unit = ServiceUnit([], environment: owner.environment)
        unit.keptAtMost = 0
        let supervisor = try ServiceSupervisor(unit)
        let answer = try supervisor.client().answer(.about(1, model: "tiny")).bits
        try supervisor.restart()
        #expect(try supervisor.client().status().models.isEmpty)
        #expect(try supervisor.client().answer(.about(1, model: "tiny")).bits == answer)
    }

    @Test(arguments: MemoryCopy.Fault.allCases)
    func `what is not what was kept is dropped, and the answer is right`(fault: MemoryCopy.Fault) throws {
        let (supervisor, answer) = try warm()
        for one in supervisor.kept {
            supervisor.replace(one.name, by: try MemoryCopy.make(of: one.descriptor, with: fault))
        }
        let foreign = Dictionary(uniqueKeysWithValues: supervisor.kept.map { ($0.name, $0.descriptor) })
        try supervisor.restart()
        #expect(try supervisor.client().answer(.about(1, model: "tiny")).bits == answer)
        let isReplaced = eventually(within: .seconds(60)) {
            supervisor.kept.count == foreign.count
                && supervisor.kept.allSatisfy { MemoryCopy.isSealed($0.descriptor) }
        }
        #expect(isReplaced, "\(supervisor.log)")
        let removed = supervisor.events.filter { $0.run == 2 }.compactMap(\.notice)
            .filter { $0["FDSTOREREMOVE"] == "1" }.compactMap { $0["FDNAME"] }
        #expect(Set(removed) == Set(foreign.keys))
        try supervisor.restart()
        #expect(try isLoaded(supervisor))
        #expect(try supervisor.client().answer(.about(1, model: "tiny")).bits == answer)
    }

    @Test func `weights of a model whose files have changed are dropped`() throws {
        let (supervisor, answer) = try warm()
        let names = Set(supervisor.kept.map(\.name))
        try #require(shell("touch '\(owner.unet("tiny"))'").status == 0)
        owner.dsegd(["model", "verify", "tiny"])
        try supervisor.restart()
        #expect(try supervisor.client().answer(.about(1, model: "tiny")).bits == answer)
        #expect(eventually(within: .seconds(60)) { Set(supervisor.kept.map(\.name)).isDisjoint(with: names) })
    }
}
