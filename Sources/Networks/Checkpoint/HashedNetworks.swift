/// Networks, and the files that decide what they answer: what one hash stands for.
package struct HashedNetworks {
    /// In the order in which they are read.
    let checkpoints: [Checkpoint]
    let files: [HashedFile]

    package init(_ checkpoints: [Checkpoint], files: [HashedFile]) {
        (self.checkpoints, self.files) = (checkpoints, files)
    }

    /// Reads all that was claimed of several models' networks together, and hashes their files, on all threads.
    ///
    /// Files are read through the descriptors that they were opened with: of one that is removed meanwhile, or replaced
    /// by another of its name, the old one is read and hashed, whole.
    ///
    /// - Parameters:
    ///   - remembered: a cache of digests; `nil`: all files are hashed
    ///   - progress: told the bytes that are done, of how many: none at first, then at each percent, all at the end,
    ///     when no file was found to have changed; on any thread, by one at a time. What is read counts, and what is
    ///     hashed
    ///   - isWanted: polled before each piece, on any thread; `false` ends the reading with `interrupted`
    /// - Returns: the hash of each
    /// - Throws: `changed` where a file was written to since it was opened, `shortRead`, `system`, `interrupted`
    package static func read(
        _ all: [HashedNetworks], remembered: RememberedDigests?,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void, while isWanted: @Sendable () -> Bool
    ) throws(CheckpointError) -> [ModelHash] {
        let known = all.map { remembered?.digests(of: $0.files) ?? [:] }
        let unknown = zip(all, known).map { one, known in one.files.filter { known[$0.name] == nil } }
        let checkpoints = all.flatMap(\.checkpoints)
        let reading = WeightReading(checkpoints.flatMap(\.claimsInOrder), hashing: unknown.flatMap(\.self))
        let count = ReadingProgress(of: reading.bytes, progress)
        var found = try reading.run(counting: count.add, while: isWanted)[...]
        // Of a file whose digest is remembered, what was parsed may have been written after it was opened.
        for file in checkpoints.flatMap(\.openFiles) + all.flatMap({ $0.files.map(\.file) }) {
            try file.verifyUnchanged()
        }
        count.finish()
        return zip(known, unknown).map { known, unknown in
            let digests = Dictionary(zip(unknown.map(\.name), found)) { first, _ in first }
            found = found.dropFirst(unknown.count)
            remembered?.remember(digests, of: unknown)
            return ModelHash(digests: known.merging(digests) { $1 })
        }
    }

    /// Reads these alone.
    ///
    /// - Parameters:
    ///   - cache: the folder of the digest cache, see ``RememberedDigests``; `nil`: every file is hashed
    ///   - isWanted: as of the other one
    package func read(cache: String?, while isWanted: @Sendable () -> Bool) throws(CheckpointError) -> ModelHash {
        try Self.read([self], remembered: cache.map(RememberedDigests.init), progress: { _, _ in }, while: isWanted)[0]
    }
}
