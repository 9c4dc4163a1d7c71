import FoundationEssentials
import Networks
import Testing
import Texts

@Suite struct `repositories in Hugging Face's cache` {
    private let old = String(repeating: "a", count: 40)
    private let new = String(repeating: "b", count: 40)

    @Test func `the name is the one that people know`() throws {
        let shelf = try Shelf()
        for (folder, name, short) in [
            ("models--runwayml--stable-diffusion-v1-5", "runwayml/stable-diffusion-v1-5", "stable-diffusion-v1-5"),
            ("models--gpt2", "gpt2", "gpt2"), ("models--a--b--c", "a/b--c", "b--c"),
        ] {
            try shelf.makeFolder(folder)
            let found = try #require(HubRepository(at: "\(shelf.path)/\(folder)/"))
            #expect((found.name, found.shortName) == (name, short))
            #expect(found.commit == nil && found.snapshot == nil && found.arriving == 0)
        }
        for other in ["models--", "datasets--a--b", "models", "snapshots", ""] {
            #expect(HubRepository(at: "\(shelf.path)/\(other)") == nil)
        }
    }

    @Test func `the branch's commit is read, and without one the last snapshot`() throws {
        let shelf = try Shelf()
        let folder = "models--org--name"
        try shelf.writeRepository(folder, commit: old, isMain: true, ["a.json": [1]])
        try shelf.writeRepository(folder, commit: new, isMain: false, ["a.json": [2]])
        let path = "\(shelf.path)/\(folder)"
        #expect(HubRepository(at: path)?.commit == old)
        #expect(HubRepository(at: path)?.snapshot == "\(path)/snapshots/\(old)")
        for gone in ["../blobs", "..", "", String(repeating: "c", count: 40), "/etc", "\(new)/.."] {
            try shelf.write("\(folder)/refs/main", gone)
            try setTime(of: "\(path)/snapshots/\(old)", 1)
            #expect(HubRepository(at: path)?.commit == new)
            try setTime(of: "\(path)/snapshots/\(old)", 4_000_000_000)
            #expect(HubRepository(at: path)?.commit == old)
        }
        try shelf.write("\(folder)/refs/main", "\(new)\n")
        #expect(HubRepository(at: path)?.commit == new)
    }

    @Test func `a path in a snapshot leads to its repository, spelled or through a link`() throws {
        let shelf = try Shelf()
        try shelf.writeRepository("models--org--name", commit: old, isMain: false, ["unet/config.json": [1]])
        let snapshot = "\(shelf.path)/models--org--name/snapshots/\(old)"
        try shelf.link("mine", to: snapshot)
        for path in [
            snapshot, "\(snapshot)/", "\(snapshot)/unet", "\(snapshot)/unet/config.json", "\(shelf.path)/mine",
        ] {
            let found = HubRepository.containing(path)
            #expect(found?.name == "org/name" && found?.commit == old)
        }
        for path in [
            shelf.path, "\(shelf.path)/models--org--name", "\(shelf.path)/models--org--name/snapshots", "", "/",
        ] {
            #expect(HubRepository.containing(path) == nil)
        }
    }

    @Test func `the cache tells the hash of a large file, and what is arriving`() throws {
        let shelf = try Shelf()
        let hash = String(repeating: "0f", count: 32)
        try shelf.write("models--o--n/blobs/\(hash)", "weights")
        try shelf.write("models--o--n/blobs/\(old)", "{}")
        try shelf.write("models--o--n/blobs/\(hash).1234.incomplete", "we")
        try shelf.link("models--o--n/snapshots/\(new)/model.safetensors", to: "../../blobs/\(hash)")
        try shelf.link("models--o--n/snapshots/\(new)/config.json", to: "../../blobs/\(old)")
        let found = try #require(HubRepository(at: "\(shelf.path)/models--o--n"))
        let snapshot = try #require(found.snapshot)
        #expect(HubRepository.sha256(of: "\(snapshot)/model.safetensors") == hash)
        #expect(HubRepository.sha256(of: "\(snapshot)/config.json") == nil)
        #expect(HubRepository.sha256(of: "\(snapshot)/gone") == nil)
        #expect(found.arriving == 1)
    }

    private func setTime(of path: String, _ seconds: Int) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: Double(seconds))], ofItemAtPath: path)
    }
}
