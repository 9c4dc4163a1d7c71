import FoundationEssentials
import Glibc
import Kernels
import Networks
import Support
import Synchronization
import Testing

@testable import Segmentation

@Suite struct `a pipeline in memory` {
    @Test func `has nothing mapped of its files, and keeps none of them open`() throws {
        let copy = try PipelineCopy()
        let pipeline = try copy.read(copy.contents())
        let maps = shell("cat /proc/\(getpid())/maps").output
        #expect(maps.contains("/libc.so"))
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        for folder in copy.folders {
            #expect(!maps.contains(folder.path))
            #expect(!descriptors.contains { $0.hasPrefix(folder.path) })
        }
        withExtendedLifetime(pipeline) {}
    }

    @Test(arguments: FileEvent.allCases)
    func `answers with the same bits, whatever becomes of its files`(event: FileEvent) throws {
        let copy = try PipelineCopy()
        let pipeline = try copy.read(copy.contents())
        let before = try pipeline.bits()
        for file in PipelineCopy.weights + PipelineCopy.parsed { event.happen(to: copy.path(file)) }
        #expect(try pipeline.bits() == before)
    }

    /// In a process of its own: what other tests take is none of its memory.
    @Test func `leaves nothing behind: of fifty, and of twenty that nobody waits for`() async {
        await #expect(processExitsWith: .success) {
            try Threads.start(nil)
            Heap.returnLargeBlocks()
            let resources = "\(Repository.root)/Sources/dsegd/Resources"
            func resident() throws -> Int {
                Heap.trim()
                let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
                return Int(pages).map { $0 * 4096 } ?? 0
            }
            func descriptors() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
            }
            /// - Parameter share: of the bytes, in hundredths, after which nobody waits
            func load(upTo share: Int) throws {
                let contents = try PipelineContents(
                    ModelSource(Fixture.demo), captioner: "\(resources)/demo-captioner",
                    filter: "\(resources)/demo-filter", clipMerges: Fixture.clipMerges, precision: .f32)
                let isWanted = Atomic(true)
                do throws(ModelError) {
                    let pipeline = try contents.read(name: "demo", cache: nil, keeper: nil) { done, total in
                        if 100 * done >= share * total { isWanted.store(false, ordering: .relaxed) }
                    } while: {
                        isWanted.load(ordering: .relaxed)
                    }
                    precondition(share >= 100 && pipeline.weightBytes > 1 << 20)
                } catch {
                    precondition(share < 100 && error.isInterrupted, "\(error)")
                }
            }
            // Meanwhile the heaps of several threads get their share of fragments, which then stays as it is.
            for _ in 0..<30 { try load(upTo: 100) }
            let (base, open) = (try resident(), try descriptors())
            for _ in 0..<50 { try load(upTo: 100) }
            let loaded = try resident()
            for cancelled in 0..<20 { try load(upTo: 5 * cancelled) }
            let cancelled = try resident()
            precondition(loaded <= base + base / 20, "\(loaded) bytes after fifty more, \(base) before")
            precondition(cancelled <= base + base / 20, "\(cancelled) bytes after twenty, \(base) before")
            let left = try descriptors()
            precondition(left == open, "\(left) open files, \(open) before")
        }
    }
}
