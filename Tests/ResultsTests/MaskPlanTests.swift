import ArgumentParser
import RPC
import Testing

@testable import Results

@Suite struct MaskPlanTests {
    private static func plan(_ arguments: [String], terminal: Bool = false) throws -> MaskPlan {
        try MaskPlan(try MaskOptions.parse(arguments), standardOutputIsTerminal: terminal)
    }

    @Test func `files stand beside the picture unless a folder is named`() throws {
        func paths(_ arguments: [String]) throws -> [String] {
            try Self.plan(arguments + ["dog"]).files.map(\.path)
        }
        #expect(try paths(["rex.jpg"]) == ["rex.mask.png"])
        #expect(try paths(["a/b.c/rex.tar.jpg"]) == ["a/b.c/rex.tar.mask.png"])
        #expect(try paths(["a.b/rex"]) == ["a.b/rex.mask.png"])
        #expect(try paths(["/x/.rex"]) == ["/x/.rex.mask.png"])
        #expect(try paths(["a/rex.jpg", "-o", "out"]) == ["out/rex.mask.png"])
        #expect(try paths(["a/rex.jpg", "-o", "out/"]) == ["out/rex.mask.png"])
        #expect(try paths(["-", "-o", "out"]) == ["out/stdin.mask.png"])
    }

    /// A combining mark after a slash or a full stop makes one `Character` of both; to the system it does not.
    @Test func `names are cut at the bytes of slashes and full stops`() throws {
        func bytes(_ picture: String) throws -> [UInt8] {
            Array(try Self.plan(["-o", "out", picture, "dog"]).files[0].path.utf8)
        }
        #expect(try bytes("dir/\u{301}x.jpg") == Array("out/\u{301}x.mask.png".utf8))
        #expect(try bytes("x.\u{301}jpg") == Array("out/x.mask.png".utf8))
        let beside = try Self.plan(["dir/\u{301}x.jpg", "dog"]).files[0].path
        #expect(Array(beside.utf8) == Array("dir/\u{301}x.mask.png".utf8))
    }

    @Test func `a mask of grey values is a mask by name`() throws {
        let plan = try Self.plan(["rex.jpg", "dog", "--mask-values", "grey"])
        #expect(plan.files == [OutputFile(output: .greyMask, path: "rex.mask.png")])
        #expect(try Self.plan(["-", "dog", "--mask-values", "grey"]).destination == .standardOutput(.greyMask))
    }

    @Test func `each option adds its files`() throws {
        let plan = try Self.plan([
            "rex.jpg", "dog, grass", "--overlay", "--heat", "--cut", "grass", "--cut", "dog",
        ])
        #expect(
            plan.files.map(\.path) == [
                "rex.mask.png", "rex.overlay.png", "rex.dog.heat.png", "rex.grass.heat.png",
                "rex.grass.cut.png", "rex.dog.cut.png",
            ])
    }

    @Test func `a label never leaves the folder or hides its file`() throws {
        func heat(_ labels: String) throws -> [String] {
            try Self.plan(["-o", "out", "r.png", labels, "--heat"]).files.dropFirst().map(\.path)
        }
        #expect(try heat("../../etc/passwd") == ["out/r.___.._etc_passwd.heat.png"])
        #expect(try heat("..dog") == ["out/r.__dog.heat.png"])
        #expect(try heat("a\u{0}b\\\nc\u{7F}\u{9B}") == ["out/r.ab c.heat.png"])
        #expect(try heat("a/\u{301}b") == ["out/r.a_\u{301}b.heat.png"])
        #expect(try heat("a/b,a_b") == ["out/r.a_b.heat.png", "out/r.2.a_b.heat.png"])
        let long = try heat(String(repeating: "犬", count: 200))
        #expect(long == ["out/r." + String(repeating: "犬", count: 33) + ".heat.png"])
    }

    @Test func `standard output takes the one picture that is asked for`() throws {
        func destination(_ arguments: [String]) throws -> MaskPlan.Destination {
            try Self.plan(arguments, terminal: arguments.contains("-o")).destination
        }
        #expect(try destination(["r.png", "dog", "-o", "-"]) == .standardOutput(.mask))
        #expect(try destination(["-", "dog"]) == .standardOutput(.mask))
        #expect(
            try destination(["-", "dog", "--cut", "dog", "-o", "-"])
                == .standardOutput(.cut(RegionExpression(label: "dog"))))
        #expect(
            try destination(["-", "dog", "--heat"]) == .standardOutput(.heat(label: "dog")))
    }

    @Test func `what cannot go to standard output is refused`() throws {
        #expect(throws: PlanError.bytesForTerminal) { try Self.plan(["-", "dog"], terminal: true) }
        #expect(throws: PlanError.twoOnStandardOutput) {
            try Self.plan(["r.png", "dog", "--json", "-o", "-"])
        }
        #expect(throws: PlanError.twoOnStandardOutput) { try Self.plan(["-", "dog", "--json"]) }
        #expect(throws: PlanError.severalOnStandardOutput(2)) {
            try Self.plan(["-", "dog,cat", "--heat", "-o", "-"])
        }
    }

    @Test(arguments: [
        [], ["r.png", "dog", "--threshold", "1.5"], ["r.png", "dog,"],
        ["r.png", "dog", "--threshold", "nan"], ["r.png", "dog", "--threshold=-0.1"],
        ["r.png", "dog", "--seed", "4294967296"], ["r.png", "dog", "--seed=-1"],
        ["r.png", "dog", "--cut", "cat"], ["r.png", "dog", "-o", ""], ["r.png", "dog", "--mask-values", "colour"],
    ])
    func `options that mean nothing are usage errors`(arguments: [String]) {
        do {
            _ = try MaskOptions.parse(arguments)
            Issue.record("accepted")
        } catch {
            #expect(MaskOptions.exitCode(for: error).rawValue == ExitReason.usage.rawValue)
        }
    }

    @Test func `every option reaches the request`() throws {
        let request = try Self.plan([
            "r.png", "dog=dog|puppy", "--threshold", "0.25", "--recipe", "diffsegmenter",
            "--seed", "4294967295", "--set", "rounds=2", "--set", "gamma=off",
        ]).request(.handle("c0ffee"), requestID: "9")
        #expect(request.picture == .handle("c0ffee"))
        #expect(request.labels.map(\.name) == ["dog"])
        #expect(request.labels[0].phrases.map(\.words) == ["dog", "puppy"])
        #expect(request.threshold == 0.25 && request.recipe == "diffsegmenter")
        #expect(request.settings == ["rounds=2", "gamma=off"])
        #expect(request.seed == .max && request.mask && request.requestID == "9")
        #expect(request.maps == .none)
    }

    @Test func `what is not given is left to the daemon`() throws {
        let request = try Self.plan(["r.png", "dog"]).request(.image([1]), requestID: "")
        #expect(request.recipe == "best" && request.settings.isEmpty, "the client's choice, said by its name")
        #expect(request.threshold == nil && request.timestep == nil)
        #expect(request.forwardPrompt == nil && request.model.isEmpty && request.seed == 0)
    }

    @Test func `score maps are asked for only to draw them`() throws {
        func maps(_ arguments: [String]) throws -> SegmentRequest.Maps {
            try Self.plan(["r.png", "dog"] + arguments).request(.image([]), requestID: "").maps
        }
        #expect(try maps(["--overlay", "--cut", "dog", "--json"]) == .none)
        #expect(try maps(["--heat"]) == .sized)
    }
}
