import RPC
import Support
import Testing

/// Every instruction set gives the same answer, as far as goldens tell answers apart.
struct InstructionStories {
    private static let variable = "DSEG_INSTRUCTIONS"

    /// What a daemon with these instructions says; `nil` where the processor has them not, which the daemon says.
    private func answer(_ instructions: String, _ request: SegmentRequest) throws -> Answer? {
        let daemon = try Daemon(starting: ["--precision", "f32"], environment: [Self.variable: instructions])
        guard eventually({ daemon.child.hasEnded || daemon.answers }), !daemon.child.hasEnded else {
            #expect(daemon.child.exitCode == 78)
            #expect(daemon.log.contains("\(Self.variable)=\(instructions): this processor has no such instructions"))
            return nil
        }
        return try daemon.client().answer(request)
    }

    @Test(arguments: ["shared", "diffsegmenter"])
    func `the answer is the same by any instructions`(recipe: String) throws {
        var request = SegmentRequest(.image(try Repository.scene(37)), ["boat", "sheep"], recipe: recipe)
        (request.encoding, request.mask) = (.u16, true)
        let portable = try #require(try answer("portable", request), "every processor has these")
        #expect(portable.header.instructionSet == "portable" && portable.header.precision == "f32")
        for instructions in ["avx2", "avx512", "avx512vnni"] {
            guard let other = try answer(instructions, request) else { continue }
            #expect(other.maps.count == 2)
            #expect(other.header.instructionSet == instructions)
            for (map, expected) in zip(other.maps, portable.maps) {
                let (found, wanted) = (try map.scores(), try expected.scores())
                let magnitude = wanted.reduce(0) { max($0, abs($1)) }
                let error = zip(found, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) }
                // What `dseg-bench verify` allows, and half a step of the encoding on either side.
                #expect(error <= 1e-4 * magnitude + (map.scale + expected.scale) / 2, "\(instructions)")
            }
            let masks = (try #require(portable.mask).indices(), try #require(other.mask).indices())
            #expect(zip(masks.0, masks.1).count { $0 != $1 } * 1000 <= masks.0.count, "\(instructions)")
        }
    }

    @Test(arguments: ["mmx", "", "AVX2", "avx2 "])
    func `instructions of another name end the daemon, which says which there are`(name: String) throws {
        let daemon = try Daemon(starting: [], environment: [Self.variable: name])
        #expect(daemon.child.exitCode == 78)
        #expect(
            daemon.log.contains(
                "\(Self.variable)=\(name): choose one of portable, avx2, avx512, avx512vnni, or unset it"))
    }
}
