import Kernels

/// Who keeps weights beyond this process, and for which model.
package struct Keeping: Sendable {
    let keeper: any WeightKeeper
    /// What the model's owner calls it: whoever starts the next process learns by it what was in memory.
    let owner: String

    package init(by keeper: any WeightKeeper, for owner: String) {
        self.keeper = keeper
        self.owner = owner
    }
}

/// Weights of a loaded model that a keeper has: they are in use once.
package struct KeptWeights: Sendable {
    let keeper: any WeightKeeper
    let name: String

    /// Ends the use: the model leaves memory. Not for a process that ends: then the next one finds them.
    package func letGo() { keeper.letGo(of: name) }

    /// What the owner calls the model whose weights a descriptor holds; `nil` of anything else than a file in memory
    /// that this program filled.
    package static func owner(of descriptor: CInt) -> String? {
        WeightHeader(MemoryFile(borrowed: descriptor))?.owner
    }

    /// Whether a descriptor holds weights that this very program filled, which it may adopt.
    package static func isOfThisProgram(_ descriptor: CInt) -> Bool {
        guard let program = WeightKey.program else { return false }
        return WeightHeader(MemoryFile(borrowed: descriptor))?.key.hasPrefix("build \(program) ") == true
    }
}

/// The way of one model's weights from and to a keeper. Whatever keeps it from keeping them costs time and nothing
/// else.
struct WeightShelter {
    private let keeping: Keeping
    private let files: [HashedFile]
    private let region: WeightRegion
    private let key: WeightKey

    /// `nil` where weights cannot be kept: nothing would tell that the program or a file has changed.
    init?(_ networks: HashedNetworks, _ keeping: Keeping?) {
        guard let keeping, let region = networks.region, let build = WeightKey.build,
            networks.files.allSatisfy(\.file.isSettled)
        else { return nil }
        self.keeping = keeping
        self.region = region
        files = networks.files
        key = WeightKey(build: build, networks.checkpoints.flatMap(\.claimsInOrder), in: region, files)
    }

    private var kept: KeptWeights { KeptWeights(keeper: keeping.keeper, name: key.name) }

    /// Takes what is kept under the weights' name into their place in memory. What is not what it should be is not kept
    /// any longer.
    ///
    /// - Returns: the digests of the files; `nil` where the weights have to be read
    func adopt() throws(AddressSpaceError) -> Adopted? {
        guard let descriptor = keeping.keeper.take(key.name) else { return nil }
        var digests: [String: [UInt8]]?
        defer { if digests == nil { kept.letGo() } }
        digests = try verified(MemoryFile(borrowed: descriptor))
        return digests.map { Adopted(digests: $0, kept: kept) }
    }

    /// Puts a file in the place of the weights' memory, and makes sure that it is what was kept.
    private func verified(_ file: MemoryFile) throws(AddressSpaceError) -> [String: [UInt8]]? {
        guard let header = WeightHeader(file), Array(header.key.utf8) == Array(key.text.utf8),
            file.sealedSize == region.fileBytes + WeightHeader.bytes
        else { return nil }
        let digests = header.digests.compactMapValues(SHA256.digest)
        guard Set(digests.keys) == Set(files.map(\.name)), region.adopt(file) else { return nil }
        if region.checksum == header.checksum { return digests }
        try region.clear()
        return nil
    }

    /// Puts a new file in the place of the weights' memory, to be filled; `nil` where there is none.
    func file() throws(AddressSpaceError) -> MemoryFile? {
        guard let file = MemoryFile(bytes: region.fileBytes + WeightHeader.bytes), try region.fill(file) else {
            return nil
        }
        return file
    }

    /// Gives a file to the keeper that has been filled.
    ///
    /// - Parameter digests: of all files, by their names
    /// - Returns: `nil` where it is not kept
    func keep(_ file: MemoryFile, _ digests: [String: [UInt8]]) -> KeptWeights? {
        let header = WeightHeader(
            owner: keeping.owner, key: key.text, digests: digests, checksum: region.checksum)
        guard files.allSatisfy(\.file.isAsOpened), let bytes = header.encoded,
            file.write(bytes, at: region.fileBytes), region.adopt(file), file.seal()
        else { return nil }
        keeping.keeper.keep(file.giveAway(), as: key.name)
        return kept
    }
}

/// Weights that were kept, in memory again.
struct Adopted {
    /// Of all files, by their names.
    let digests: [String: [UInt8]]
    let kept: KeptWeights
}
