package import Kernels

/// Scratch memory and caches, shared by the segmenters of one thread, whatever their models.
///
/// Each cache's keys name the networks that decide its values, so equal keys mean equal values, bit for bit: models
/// with the same files and arithmetic share what was computed, and others never meet. Users share nothing
/// (``PrivateCache``).
package final class Workspace {
    package let pictures: PictureStore
    var latents = PrivateCache<LatentKey, [Float]>(limit: 0)
    var features = PrivateCache<PassKey, AttentionFeatures>(limit: 0)
    var scoreMaps = PrivateCache<ScoreKey, [Float]>(limit: 0)
    var words = PrivateCache<TextKey, EncodedText>(limit: 0)
    var phrases = PrivateCache<UnderstandingKey, UnderstoodPhrase>(limit: 0)
    var sights = Sights(limit: 0)
    var arena: Arena
    package private(set) var limits: MemoryLimits
    /// Bytes of scratch memory that ``rest()`` goes back to.
    private(set) var scratchBytes = 0

    /// - Throws: where there is no address space (`ulimit -v`) at all
    package init(limits: MemoryLimits) throws(AddressSpaceError) {
        arena = try Arena(reserving: 0)
        pictures = PictureStore(limit: limits.pictures)
        self.limits = limits
        limit(to: limits)
    }

    /// Changes how much may be cached; what is over it is evicted, least recently used first.
    package func limit(to limits: MemoryLimits) {
        self.limits = limits
        pictures.limit(to: limits.pictures)
        latents.limit(to: limits.latents)
        features.limit(to: limits.features)
        scoreMaps.limit(to: limits.scores)
        words.limit(to: limits.words - limits.phrases)
        phrases.limit(to: limits.phrases)
        sights.limit(to: limits.sights)
    }

    /// Reserves scratch memory for models that want so many bytes, the most of all loaded ones: what ``rest()`` goes
    /// back to.
    ///
    /// - Throws: where address space (`ulimit -v`) is short of that: then nothing has changed
    package func reserve(scratchBytes bytes: Int) throws(AddressSpaceError) {
        if bytes > arena.reservedBytes { try arena.reserve(bytes) }
        scratchBytes = bytes
    }

    /// Returns scratch memory to the system, between requests.
    package func rest() {
        if arena.reservedBytes > scratchBytes, (try? arena.reserve(scratchBytes)) != nil { return }
        arena.release()
    }

    /// Forgets every prompt, every picture, and all that was computed.
    package func forget() {
        pictures.forget()
        latents.removeAll()
        features.removeAll()
        scoreMaps.removeAll()
        words.removeAll()
        phrases.removeAll()
        sights.removeAll()
    }

    /// Drops what was computed by any other network: those of a model that was let go of, unless another has the same.
    /// Pictures stay, for whichever model is asked next, but not what networks were to read of them.
    ///
    /// - Parameter networks: of all segmenters that go on, see ``Segmenter/networks``
    package func forget(everythingBut networks: Set<NetworkKey>) {
        let hashes = Set(networks.map(\.hash))
        latents.removeAll { !networks.contains($0.model) }
        features.removeAll { !networks.contains($0.features.model) }
        scoreMaps.removeAll { !networks.contains($0.features.model) || $0.filter.map(networks.contains) == false }
        words.removeAll { !networks.contains($0.model) }
        phrases.removeAll { !hashes.contains($0.model) }
        sights.removeAll { !networks.contains($0) }
        pictures.forgetPrepared()
    }

    /// The size of the caches: pictures, latents, features, score maps and what captioners and filters saw of them, and
    /// prompts. Filters have their texts themselves, see ``Segmenter/textsMemory``.
    package var memory: Memory {
        Memory(
            pictures: pictures.count,
            picturesBytes: pictures.bytes + latents.bytes + features.bytes + scoreMaps.bytes + sights.bytes,
            words: words.count, wordsBytes: words.bytes + phrases.bytes, scratchBytes: arena.highWater)
    }

    /// A user's part of ``memory``.
    package func memory(of owner: UInt32) -> Memory {
        Memory(
            pictures: pictures.count(of: owner),
            picturesBytes: pictures.bytes(of: owner) + latents.bytes(of: owner) + features.bytes(of: owner)
                + scoreMaps.bytes(of: owner) + sights.bytes(of: owner),
            words: words.count(of: owner), wordsBytes: words.bytes(of: owner) + phrases.bytes(of: owner),
            scratchBytes: arena.highWater)
    }

    /// The uids of those of whom anything is cached.
    package var owners: Set<UInt32> {
        Set(pictures.owners).union(latents.owners).union(features.owners).union(scoreMaps.owners).union(words.owners)
            .union(phrases.owners).union(sights.owners)
    }
}

/// The size of caches and scratch memory.
package struct Memory: Sendable, Equatable {
    package let pictures: Int
    package let picturesBytes: Int
    package private(set) var words: Int
    package private(set) var wordsBytes: Int
    /// The most scratch memory that was ever in use.
    package let scratchBytes: Int

    init(pictures: Int, picturesBytes: Int, words: Int, wordsBytes: Int, scratchBytes: Int) {
        self.pictures = pictures
        self.picturesBytes = picturesBytes
        self.words = words
        self.wordsBytes = wordsBytes
        self.scratchBytes = scratchBytes
    }

    package static let none = Memory(pictures: 0, picturesBytes: 0, words: 0, wordsBytes: 0, scratchBytes: 0)

    /// Adds texts that a filter has in memory.
    package mutating func add(texts: (count: Int, bytes: Int)) {
        words += texts.count
        wordsBytes += texts.bytes
    }
}
