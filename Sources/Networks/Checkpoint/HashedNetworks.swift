package import Kernels

/// Networks, and the files that decide what they answer: what one hash stands for.
package struct HashedNetworks {
    /// In the order in which they are read.
    let checkpoints: [Checkpoint]
    let files: [HashedFile]
    /// Where the networks' weights lie, and nothing else; `nil`: nobody may keep them.
    let region: WeightRegion?

    package init(_ checkpoints: [Checkpoint], files: [HashedFile], in region: WeightRegion?) {
        (self.checkpoints, self.files, self.region) = (checkpoints, files, region)
    }

    /// Bytes of what was claimed, in the files.
    private var storedBytes: Int { checkpoints.reduce(0) { $0 + $1.contents.bytes } }

    /// Reads all that was claimed of several models' networks together, and hashes their files, on all threads. Weights
    /// that are kept are not read: they take their place in memory, checked.
    ///
    /// Files are read through the descriptors that they were opened with: of one that is removed meanwhile, or replaced
    /// by another of its name, the old one is read and hashed, whole.
    ///
    /// - Parameters:
    ///   - remembered: a cache of digests; `nil`: all files are hashed
    ///   - keeping: who keeps the weights of each once all are read; `nil`: nobody
    ///   - progress: told the bytes that are done, of how many: none at first, then at each percent, all at the end,
    ///     when no file was found to have changed; on any thread, by one at a time. What is read counts, and what is
    ///     hashed, and weights that are kept as if they were read
    ///   - isWanted: polled before each piece, on any thread; `false` ends the reading with `interrupted`
    /// - Returns: each
    /// - Throws: `changed` where a file was written to since it was opened, `shortRead`, `system`, `interrupted`,
    ///   `addressSpace`; then nothing is kept of them
    package static func read(
        _ all: [HashedNetworks], remembered: RememberedDigests?, keeping: Keeping?,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void, while isWanted: @Sendable () -> Bool
    ) throws(CheckpointError) -> [ReadNetworks] {
        var places: [WeightPlace] = []
        do throws(CheckpointError) {
            for networks in all { places.append(try WeightPlace(networks, keeping)) }
            return try read(places, remembered: remembered, progress: progress, while: isWanted)
        } catch {
            for place in places { place.adopted?.kept.letGo() }
            throw error
        }
    }

    private static func read(
        _ places: [WeightPlace], remembered: RememberedDigests?,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void, while isWanted: @Sendable () -> Bool
    ) throws(CheckpointError) -> [ReadNetworks] {
        let known = places.map { $0.adopted?.digests ?? remembered?.digests(of: $0.networks.files) ?? [:] }
        let unknown = zip(places, known).map { place, known in place.networks.files.filter { known[$0.name] == nil } }
        let missing = places.filter { $0.adopted == nil }.flatMap(\.networks.checkpoints)
        let reading = WeightReading(missing.flatMap(\.claimsInOrder), hashing: unknown.flatMap(\.self))
        let adoptedBytes = places.reduce(0) { $0 + ($1.adopted == nil ? 0 : $1.networks.storedBytes) }
        let count = ReadingProgress(of: reading.bytes + adoptedBytes, progress)
        count.add(adoptedBytes)
        var found = try reading.run(counting: count.add, while: isWanted)[...]
        // Of a file whose digest is remembered, what was parsed may have been written after it was opened.
        for networks in places.map(\.networks) {
            for file in networks.checkpoints.flatMap(\.openFiles) + networks.files.map(\.file) {
                try file.verifyUnchanged()
            }
        }
        let digests = zip(known, unknown).map { known, unknown in
            let digests = Dictionary(zip(unknown.map(\.name), found)) { first, _ in first }
            found = found.dropFirst(unknown.count)
            remembered?.remember(digests, of: unknown)
            return known.merging(digests) { $1 }
        }
        let read = zip(places, digests).map { place, digests in
            ReadNetworks(hash: ModelHash(digests: digests), kept: place.kept(digests))
        }
        count.finish()
        return read
    }

    /// Reads these alone, for this process alone.
    ///
    /// - Parameters:
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - isWanted: as of the other one
    package func read(cache: String?, while isWanted: @Sendable () -> Bool) throws(CheckpointError) -> ReadNetworks {
        try Self.read(
            [self], remembered: cache.map(RememberedDigests.init), keeping: nil, progress: { _, _ in }, while: isWanted
        )[0]
    }
}

/// Networks whose weights are in memory.
package struct ReadNetworks {
    package let hash: ModelHash
    /// `nil` where they end with this process.
    package let kept: KeptWeights?
}

/// Where the weights of networks will be: in memory of their own, in a file to be kept, or in one that was.
private struct WeightPlace {
    let networks: HashedNetworks
    let adopted: Adopted?
    private let shelter: WeightShelter?
    private let file: MemoryFile?

    init(_ networks: HashedNetworks, _ keeping: Keeping?) throws(CheckpointError) {
        self.networks = networks
        let shelter = WeightShelter(networks, keeping)
        do throws(AddressSpaceError) {
            adopted = try shelter?.adopt()
            file = adopted == nil ? try shelter?.file() : nil
        } catch {
            throw .addressSpace(error)
        }
        self.shelter = shelter
    }

    /// Gives weights that were read to their keeper.
    ///
    /// - Parameter digests: of all files, by their names
    func kept(_ digests: [String: [UInt8]]) -> KeptWeights? {
        if let adopted { return adopted.kept }
        guard let file else { return nil }
        return shelter?.keep(file, digests)
    }
}
