import Foundation
import RPC
import Support
import Testing

/// The daemon under a mixed load for as long as `DSEG_SOAK` says, in seconds; and that the soak finds what it is for.
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["DSEG_SOAK"] != nil))
struct SoakTests {
    private static let length = ProcessInfo.processInfo.environment["DSEG_SOAK"].flatMap { Int($0) } ?? 120

    @Test func `a daemon under a mixed load`() throws {
        let soak = try Soak([], environment: [:], for: .seconds(Self.length), seed: 1)
        print(soak.report("soak"))
        #expect(soak.faults.isEmpty)
    }

    /// A daemon that loses sixteen bytes a read, in the shortest soak: also where neighbours make that noisy.
    @Test func `a daemon that leaks fails`() throws {
        let library = try PreloadedLibrary("leak")
        let leak = ["LD_PRELOAD": library.path, "LEAK_BYTES": "64", "LEAK_EVERY": "4"]
        let soak = try Soak([], environment: leak, for: .seconds(60), seed: 2)
        print(soak.report("64 bytes lost in every 4th read"))
        #expect(soak.faults == ["memory grows"])
    }

    @Test func `a daemon that hangs fails`() throws {
        let hang = try Hang(in: .product)
        let order = Flag()
        Thread.detachNewThread {
            usleep(6_000_000)
            try? hang.begin()
            order.raise()
        }
        let soak = try Soak(
            ["--precision", "f32"], environment: hang.environment, for: .seconds(120), seed: 3)
        order.wait()
        print(soak.report("a hung engine"))
        #expect(hang.hasBegun() != nil && !soak.faults.isEmpty && soak.faults != ["memory grows"])
    }
}

/// The soak's arithmetic.
struct SlopeTests {
    @Test func `a line has its slope, however sure one is to be, and one wild point changes nothing`() {
        var points = (0..<20).map { (time: Double($0), value: 3 + 2 * Double($0)) }
        let slope = Slope(points, sureness: 3)
        #expect(slope.median == 2 && slope.least == 2)
        points[7].value = 1e6
        #expect(Slope(points, sureness: 3).median == 2)
    }

    @Test func `noise without a slope is seldom taken for one, and a slope above it is found`() {
        var generator = SeededGenerator(seed: 5)
        var (alarms, found) = (0, 0)
        for _ in 0..<300 {
            let noise = (0..<20).map { _ in Double.random(in: -1...1, using: &generator) }
            let flat = noise.enumerated().map { (time: Double($0), value: $1) }
            if Slope(flat, sureness: 3).least > 0 { alarms += 1 }
            if Slope(flat.map { ($0.time, $0.value + $0.time / 4) }, sureness: 3).least > 0 { found += 1 }
        }
        #expect(alarms < 4 && found > 297)
    }
}
